/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The handshaker's peers by public key. Open addressing with linear probing; half of the slots at
 * least are free. Keys are hashed by a secret: who chooses the key of a peer cannot choose its
 * neighbours.
 */
#ifndef TUNNEL_KEY_TABLE_H
#define TUNNEL_KEY_TABLE_H

#include <wgtcpd/tunnel/handshaker.h>

/* 0 or -ENOMEM. hash_key: 16 random bytes. */
int key_table_init(struct key_table *t, uint32_t max_peers, const uint8_t hash_key[16]);
/* The peers stay whose they are. */
void key_table_fini(struct key_table *t);

/* NULL: there is none. */
struct handshaker_peer *key_table_find(const struct key_table *t,
                                       const uint8_t public_key[NOISE_KEY_LEN]);
/* No peer of that public key is in it. false: it has max_peers. */
bool key_table_insert(struct key_table *t, struct handshaker_peer *p);
void key_table_remove(struct key_table *t, const struct handshaker_peer *p);

/* One peer after the other: *at begins at 0. NULL: that was the last. The table must not change
 * meanwhile. */
struct handshaker_peer *key_table_next(const struct key_table *t, uint32_t *at);

#endif
