/* SPDX-License-Identifier: BSD-3-Clause */
/* IP fragments: datagrams put together again, and cut (librte_ip_frag). */
#ifndef WGTCPD_DATAPLANE_FRAGMENTS_H
#define WGTCPD_DATAPLANE_FRAGMENTS_H

#include <rte_ip_frag.h>
#include <rte_mbuf.h>

#include <wgtcpd/base/base.h>
#include <wgtcpd/base/drop.h>

enum {
    FRAGMENTS_DATAGRAMS_MAX = 128, /* that are being put together */
    FRAGMENTS_OUT_MAX = 16,        /* of one packet */
};
/* Parts of a datagram come close together or not at all; whoever sends only some of them holds a
 * place for so long. */
#define FRAGMENTS_TIME (500 * WGT_MSEC)

struct fragments {
    struct rte_ip_frag_tbl *table;
    struct rte_ip_frag_death_row dead;
    struct wgt_drop_counters *drops;
    uint64_t reassembled;
};

/* 0 or -ENOMEM. */
int fragments_init(struct fragments *f, struct wgt_drop_counters *drops);
void fragments_fini(struct fragments *f);

/*
 * A packet that ip_parse found to be a fragment (m, taken; data starts at the IP header). Only UDP
 * is put together: nothing else that we take comes in fragments. Returns the whole datagram in one
 * buffer, to be parsed again with its upper-layer checksum, its IPv4 header checksum not; or NULL:
 * it waits for more, or was dropped (IP_FRAGMENT, IP_REASSEMBLY).
 */
struct rte_mbuf *fragments_add(struct fragments *f, wgt_time now, struct rte_mbuf *m);

/*
 * Cuts an IP packet (m, taken) into packets of at most mtu bytes from pool, checksums and all. IPv4
 * by its own ID and only without "don't fragment"; IPv6 under `id`. The upper-layer checksum must
 * be in place. Returns how many there are in out, 0: it cannot be cut, or no buffers.
 */
unsigned fragments_cut(struct rte_mempool *pool, struct rte_mbuf *m, uint16_t mtu, uint32_t id,
                       struct rte_mbuf *out[FRAGMENTS_OUT_MAX]);

#endif
