/* SPDX-License-Identifier: BSD-3-Clause */
/* Who seals and opens for a node's workers: takes batches now and then, and is done with them some
 * turns later, in any order. */
#ifndef SIM_CRYPTO_H
#define SIM_CRYPTO_H

#include <wgtcpd/tunnel/tunnel.h>

#include "prng.h"

enum { CRYPTO_HANDS_MAX = 4 };

struct crypto_hand {
    struct crypto_batch *batch; /* NULL: none */
    uint64_t turn;              /* when it is done; or when it is waited for */
};

struct crypto_crew {
    unsigned n; /* 0: there is nobody */
    struct crypto_hand hands[CRYPTO_HANDS_MAX];
    struct prng chance;
    uint64_t turn, batches, late; /* late: that were done after younger ones */
    bool idle;                    /* takes nothing */
};

void crypto_crew_init(struct crypto_crew *c, unsigned n, uint64_t seed);
/* One turn beside those of these tunnels. */
void crypto_crew_run(struct crypto_crew *c, struct tunnel *const *tunnels, unsigned n);
/* Whatever has been taken is done now: tunnel_crypto.await. */
void crypto_crew_finish(struct crypto_crew *c);

#endif
