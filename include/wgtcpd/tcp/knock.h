/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The silent SYN: a listener that answers only callers who know its public key, sans-I/O.
 *
 * The caller's SYN carries a tag in the two numbers that a caller may choose freely: its sequence
 * number is the tag, and the upper 17 bits of its timestamp are a nonce. The lower 15 bits are the
 * timestamp clock, started so low that it cannot carry into the nonce while the SYN is repeated:
 * every repetition verifies. To others the SYN looks like any.
 *
 * tag = hash(key, time in steps of 60 s, nonce); key is derived from the listener's public key.
 * A tag is good for its step and the ones beside it: clocks may differ by a minute.
 *
 * The tag covers no address and no port: a NAT on the caller's side rewrites the source, one on the
 * listener's side (a forwarded port) the destination, and the key names the listener already. What
 * the addresses would be good for, that a SYN overheard is of no use from elsewhere, is done by the
 * listener's memory: the first SYN with a tag binds it to the connection it arrived on, and from
 * any other it is refused until it has expired.
 *
 * Limits. Proxies that end TCP, and firewalls that rewrite sequence numbers or strip timestamps,
 * break it: a dialler behind one must go without. Whoever knows the public key can knock; so can,
 * for the rest of two minutes, one who overhears a SYN and keeps it from arriving, or whose copy
 * arrives at a listener that was restarted meanwhile or whose memory (TCP_KNOCK_MEMORY tags) other
 * key holders have filled. A guess has a chance of 3 * 2^-32.
 */
#ifndef WGTCPD_TCP_KNOCK_H
#define WGTCPD_TCP_KNOCK_H

#include <wgtcpd/tcp/listen.h>

enum { TCP_KNOCK_STEP = 60 /* s */, TCP_KNOCK_NONCE_BITS = 17, TCP_KNOCK_MEMORY = 4096 };

/* A SYN may be repeated for this long and still verifies. */
#define TCP_KNOCK_SYN_TIME (16 * WGT_SEC)

/* The dialler's side: o->iss and o->ts_offset for a connection opened at now. random: 4 bytes of
 * entropy. */
void tcp_knock_set(struct tcp_options *o, wgt_time now, uint64_t wall_seconds, tcp_hash hash,
                   const uint8_t key[16], uint32_t random);

struct tcp_knock_seen {
    uint32_t tag;
    uint32_t step;  /* until which it is kept, modulo 2^32 */
    uint64_t tuple; /* hash of the connection; 0: free */
};

struct tcp_knock {
    tcp_hash hash;
    uint8_t key[16];
    uint8_t memory_key[16];
    struct tcp_knock_seen seen[TCP_KNOCK_MEMORY];
};

/* key: of our public key; memory_key: 16 random bytes. */
void tcp_knock_init(struct tcp_knock *k, tcp_hash hash, const uint8_t key[16],
                    const uint8_t memory_key[16]);

/* The listener's side. WGT_OK; TCP_KNOCK: no tag, or not ours, or expired; TCP_KNOCK_REPLAY: seen
 * on another connection. */
enum wgt_drop tcp_knock_check(struct tcp_knock *k, uint64_t wall_seconds,
                              const uint8_t tuple[TCP_TUPLE_LEN], const struct tcp_segment *syn);

#endif
