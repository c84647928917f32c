/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory of keypairs: drawn by the handshaker, used by the worker, given back to the handshaker. */
#ifndef TUNNEL_KEYPAIR_H
#define TUNNEL_KEYPAIR_H

#include <wgtcpd/noise/noise.h>
#include <wgtcpd/transport/path.h>

/* Zeroed, with a replay window for messages that come as the handshake did. NULL: no memory. A
 * session that moves to TCP later has the narrow one until its next handshake. */
struct noise_keypair *keypair_new(enum transport_kind kind);
/* Nothing but what keypair_free needs, its local index and who knows that is left. */
void keypair_wipe(struct noise_keypair *k);
/* Wipes it; k may be NULL. */
void keypair_free(struct noise_keypair *k);

#endif
