/* SPDX-License-Identifier: BSD-3-Clause */
/* HyStart++ (RFC 9406): leaves slow start when the round-trip time begins to grow. */
#ifndef WGTCPD_SRC_TCP_CC_HYSTART_H
#define WGTCPD_SRC_TCP_CC_HYSTART_H

#include <wgtcpd/tcp/cc.h>

struct tcp_hystart {
    wgt_time last_round_min, round_min; /* WGT_NEVER: not measured */
    wgt_time css_baseline;
    uint32_t round_end; /* the round lasts until this sequence number is acknowledged */
    uint8_t samples;    /* of this round */
    uint8_t css_rounds; /* begun since conservative slow start was entered */
    bool running, css, done;
};

void tcp_hystart_init(struct tcp_hystart *h);

/* An ACK of slow start: by how many bytes cwnd may grow for it. Once h->done is set, slow start is
 * over. */
uint32_t tcp_hystart_acked(struct tcp_hystart *h, const struct tcp_cc_ack *ack);

#endif
