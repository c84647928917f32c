/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which worker a packet of the outer network belongs to. Pure functions of the packet, so that
 * whoever has received it comes to the same answer:
 *
 *   messages over UDP   the worker whose number is in the receiver index (message_index_worker);
 *   TCP                 a hash of addresses and ports, the one by which network cards spread
 *                       segments over their queues (RSS, a Toeplitz hash), under a random key:
 *                       nobody outside can choose to load one worker;
 *   all else            whoever has it.
 */
#ifndef WGTCPD_DATAPLANE_STEER_H
#define WGTCPD_DATAPLANE_STEER_H

#include <wgtcpd/base/addr.h>
#include <wgtcpd/wire/ip.h>
#include <wgtcpd/wire/message.h>

enum {
    STEER_WORKERS_MAX = MESSAGE_WORKERS_MAX,
    STEER_KEY_DEFAULT = 40, /* bytes of an RSS key that matter for addresses and ports */
    STEER_KEY_LEN = 52,     /* that some hardware wants */
    STEER_TABLE = 128,      /* as most hardware's redirection table */
    STEER_NIBBLES = 2 * 36, /* of two IPv6 addresses and two ports */
};

struct steer {
    unsigned n_workers;
    uint8_t key[STEER_KEY_LEN];
    uint8_t workers[STEER_TABLE]; /* by the lowest bits of the hash */
    /* The hash is linear: what each value of each half byte adds to it. */
    uint32_t nibbles[STEER_NIBBLES][16];
};

/* n_workers: 1 to STEER_WORKERS_MAX. */
void steer_init(struct steer *s, unsigned n_workers, const uint8_t key[STEER_KEY_LEN]);

/* The RSS hash of a TCP segment from remote to local, as hardware computes it. */
uint32_t steer_rss(const struct steer *s, const struct ip_endpoint *local,
                   const struct ip_endpoint *remote);

/* The worker of segments with that hash. */
static inline unsigned
steer_hash(const struct steer *s, uint32_t hash)
{
    return s->workers[hash % STEER_TABLE];
}

/* The worker of a TCP connection. */
static inline unsigned
steer_connection(const struct steer *s, const struct ip_endpoint *local,
                 const struct ip_endpoint *remote)
{
    return steer_hash(s, steer_rss(s, local, remote));
}

/* The worker of a UDP datagram or a TCP segment that ip_parse accepted (packet: its IP header).
 * hash: the segment's own, by hardware; NULL: not known. self: whose it is when anybody will do. */
unsigned steer_packet(const struct steer *s, unsigned self, const uint8_t *packet,
                      const struct ip_header *ip, const uint32_t *hash);

#endif
