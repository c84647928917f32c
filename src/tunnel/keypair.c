/* SPDX-License-Identifier: BSD-3-Clause */
#include "keypair.h"

#include <stdlib.h>

#include <wgtcpd/vault/vault.h>

struct noise_keypair *
keypair_new(enum transport_kind kind)
{
    struct noise_keypair *k = vault_alloc(sizeof(*k));

    if (k == NULL || kind != TRANSPORT_TCP)
        return k;
    k->replay.wide = calloc(1, NOISE_REPLAY_WIDE_BITS / 8);
    if (k->replay.wide != NULL)
        return k;
    vault_free(k, sizeof(*k));
    return NULL;
}

void
keypair_wipe(struct noise_keypair *k)
{
    uint64_t *wide = k->replay.wide;
    uint32_t index = k->local_index;
    uint16_t known_to = k->known_to;

    noise_keypair_wipe(k);
    k->replay.wide = wide;
    k->local_index = index;
    k->known_to = known_to;
}

void
keypair_free(struct noise_keypair *k)
{
    if (k == NULL)
        return;
    free(k->replay.wide);
    noise_keypair_wipe(k);
    vault_free(k, sizeof(*k));
}
