/* SPDX-License-Identifier: BSD-3-Clause */
/* Sessions without handshakes: both ends know the keys of a peer from its number. */
#ifndef WGTCPD_BENCH_KEYS_H
#define WGTCPD_BENCH_KEYS_H

#include <wgtcpd/noise/noise.h>

#include "../../src/noise/aead.h"
#include "packet.h"

/* Costs nothing and changes nothing: what the path takes with it is what it takes beside the AEAD.
 */
extern const struct aead_backend aead_null;

/* The receiver index of a peer's messages to the node; of the node's to a peer it is its number. */
uint32_t keys_index(uint32_t peer);

/* The node's session with a peer, of vault_alloc. Ends the bench when there is no memory. */
struct noise_keypair *keys_of_node(uint32_t peer, wgt_time now);

/* The data message of a peer to the node: len bytes of plaintext lie behind its header. */
void keys_seal(uint32_t peer, uint64_t counter, uint8_t *message, size_t len);
/* A data message of the node: whose it is. Ends the bench when it does not authenticate. */
uint32_t keys_open(uint8_t *message, size_t len);

#endif
