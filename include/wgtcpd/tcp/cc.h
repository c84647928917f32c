/* SPDX-License-Identifier: BSD-3-Clause */
/* Congestion control: an algorithm is a table of functions over one small state. */
#ifndef WGTCPD_TCP_CC_H
#define WGTCPD_TCP_CC_H

#include <wgtcpd/base/base.h>

struct tcp_cc;

/* What an acknowledgment brought. */
struct tcp_cc_ack {
    wgt_time now;
    uint32_t acked;     /* bytes newly acknowledged in order */
    uint32_t flight;    /* bytes outstanding when sending last paused: was the window in use? */
    bool after_timeout; /* still repairing what a retransmission timeout gave up */
};

struct tcp_cc_ops {
    const char *name;
    /* cwnd is set to the initial window before; ssthresh to "arbitrarily high". */
    void (*init)(struct tcp_cc *cc, wgt_time now);
    /* New data acknowledged, outside fast recovery: grow. */
    void (*acked)(struct tcp_cc *cc, const struct tcp_cc_ack *ack);
    /* Loss seen by duplicate or selective ACKs: set ssthresh. cwnd follows from PRR. */
    void (*loss)(struct tcp_cc *cc, wgt_time now, uint32_t flight);
    /* Retransmission timeout; repeated: the same segment timed out before. Set ssthresh, cwnd. */
    void (*timeout)(struct tcp_cc *cc, wgt_time now, uint32_t flight, bool repeated);
    /* Sending resumes after an idle time longer than the RTO. */
    void (*restart)(struct tcp_cc *cc, wgt_time now);
};

struct tcp_cc {
    const struct tcp_cc_ops *ops;
    uint32_t mss;            /* payload bytes of a full segment */
    uint32_t initial_window; /* bytes, RFC 6928 */
    uint32_t cwnd, ssthresh; /* bytes */
    uint32_t counted;        /* bytes acknowledged towards the next increase (RFC 3465) */
    uint64_t state[8];       /* the algorithm's own */
};

extern const struct tcp_cc_ops tcp_cc_newreno;

/* Initial window for segments of mss payload bytes (RFC 6928 2): min(10 MSS, max(2 MSS, 14600)). */
uint32_t tcp_cc_initial_window(uint32_t mss);

/* Starts `ops` on a connection; only_one: the handshake lost more than one SYN (RFC 6928 2). */
void tcp_cc_init(struct tcp_cc *cc, const struct tcp_cc_ops *ops, uint32_t mss, wgt_time now,
                 bool only_one);

#endif
