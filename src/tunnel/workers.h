/* SPDX-License-Identifier: BSD-3-Clause */
/* Between the handshaker's files: the workers' rings, and who has which peer. */
#ifndef TUNNEL_WORKERS_H
#define TUNNEL_WORKERS_H

#include <wgtcpd/tunnel/handshaker.h>

/* To one; false: no room (counted). */
bool workers_send(struct handshaker *h, unsigned worker, const struct tunnel_command *c);
/* To all; false: some have no room, and nobody is told (counted). */
bool workers_tell_all(struct handshaker *h, const struct tunnel_command *c);
/* A new peer's: the one with the fewest. */
unsigned workers_choose(const struct handshaker *h);
/* The peer goes to that worker, where it was heard on path (NULL: that is told otherwise). false:
 * it stays, for there is no room for the commands. */
bool workers_move(struct handshaker *h, struct handshaker_peer *p, unsigned to,
                  const struct path *path);
/* A keypair for the peer's worker, in a command that is sent next: messages to its index find the
 * way there. false: no room. */
bool workers_mark(struct handshaker *h, const struct handshaker_peer *p, struct noise_keypair *k);
/* A keypair (taken) is out of use. */
void workers_retired(struct handshaker *h, struct noise_keypair *k);
/* The tunnel that had the peer has said its last word of it: whether all have been heard. If not,
 * workers_finish will call handshaker_finish_removal. */
bool workers_heard_all(struct handshaker *h, struct handshaker_peer *p);
/* Once a run: what waited for rings. */
void workers_finish(struct handshaker *h);

/* handshaker.c */
void handshaker_finish_removal(struct handshaker *h, struct handshaker_peer *p);
void handshaker_release_index(struct handshaker *h, uint32_t index);

#endif
