/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inner packets that can be told from each other: IPv4 and UDP between a peer's address and a host
 * behind the node, with a number. The ledger knows which are on their way, and ends the bench when
 * one is not what was sent, comes twice, or is not among them.
 */
#ifndef WGTCPD_BENCH_PACKET_H
#define WGTCPD_BENCH_PACKET_H

#include <wgtcpd/base/addr.h>

enum { PACKET_MIN = 64, PACKET_MAX = 1420, LEDGER_MAX = 4096 };

enum way { WAY_SEND, WAY_RECEIVE }; /* of the node under test */

struct ledger {
    enum way way;
    size_t len; /* of each packet */
    uint64_t first;
    unsigned n, arrived;
    bool in_order; /* those that have arrived */
    uint32_t peer[LEDGER_MAX];
    bool seen[LEDGER_MAX];
};

/* n packets of len bytes to or from random ones of the peers. */
void ledger_begin(struct ledger *l, enum way way, unsigned n, size_t len, uint32_t n_peers,
                  uint64_t *chance);
/* Writes packet i of them. */
void ledger_write(const struct ledger *l, unsigned i, uint8_t *packet);
/* A packet has arrived, by itself or padded. peer: under whose key it came; UINT32_MAX: in clear.
 */
void ledger_take(struct ledger *l, const uint8_t *packet, size_t len, uint32_t peer);
static inline bool
ledger_complete(const struct ledger *l)
{
    return l->arrived == l->n;
}

/* Addresses inside. */
struct ip_addr peer_address(uint32_t peer);
struct ip_addr host_address(void);

#endif
