/* SPDX-License-Identifier: BSD-3-Clause */
#include "keys.h"

#include <wgtcpd/vault/vault.h>

#include "bench.h"

enum { OFF_RECEIVER = 4, OFF_COUNTER = 8 };
/* Odd: a bijection of 32 bits, so that neighbours' indices lie apart as random ones do. */
#define INDEX_SPREAD UINT32_C(0x9e3779b1)

/* --- the null backend ---------------------------------------------------------------------------
 */

static bool
null_crypt(const struct noise_aead *a, uint64_t counter, uint8_t *data, size_t len)
{
    (void)a;
    (void)counter;
    (void)data;
    (void)len;
    return true;
}

static void
null_expand(struct noise_aead *a, const uint8_t key[NOISE_KEY_LEN])
{
    (void)a;
    (void)key;
}

static void
null_wipe(struct noise_aead *a)
{
    (void)a;
}

const struct aead_backend aead_null = {
    .name = "null",
    .expand = null_expand,
    .seal = null_crypt,
    .open = null_crypt,
    .wipe = null_wipe,
};

/* --- sessions -----------------------------------------------------------------------------------
 */

uint32_t
keys_index(uint32_t peer)
{
    return peer * INDEX_SPREAD;
}

static void
expand(struct noise_aead *a, uint32_t peer, enum way way)
{
    uint64_t chance = ((uint64_t)peer << 1 | (way == WAY_SEND)) + 1;
    uint8_t key[NOISE_KEY_LEN];

    for (unsigned i = 0; i < NOISE_KEY_LEN; i += 8)
        put_le64(key + i, bench_random(&chance));
    aead_selected()->expand(a, key);
}

struct noise_keypair *
keys_of_node(uint32_t peer, wgt_time now)
{
    struct noise_keypair *k = vault_alloc(sizeof(*k));

    if (k == NULL)
        bench_die("no memory for the session of peer %u", peer);
    k->birth = now;
    k->initiator = k->send_allowed = true;
    k->local_index = keys_index(peer);
    k->remote_index = peer;
    expand(&k->send, peer, WAY_SEND);
    expand(&k->receive, peer, WAY_RECEIVE);
    return k;
}

void
keys_seal(uint32_t peer, uint64_t counter, uint8_t *message, size_t len)
{
    const struct aead_backend *aead = aead_selected();
    struct noise_aead a;

    put_le32(message, MESSAGE_DATA);
    put_le32(message + OFF_RECEIVER, keys_index(peer));
    put_le64(message + OFF_COUNTER, counter);
    expand(&a, peer, WAY_RECEIVE);
    if (!aead->seal(&a, counter, message + MESSAGE_DATA_HEADER_LEN, len))
        bench_die("a message could not be sealed");
    aead->wipe(&a);
}

uint32_t
keys_open(uint8_t *message, size_t len)
{
    const struct aead_backend *aead = aead_selected();
    enum message_type type;
    struct noise_aead a;
    uint32_t peer;

    if (message_check(message, len, &type) != WGT_OK || type != MESSAGE_DATA)
        bench_die("the node sent something else than a data message");
    peer = message_receiver(message, MESSAGE_DATA);
    expand(&a, peer, WAY_SEND);
    if (!aead->open(&a, get_le64(message + OFF_COUNTER), message + MESSAGE_DATA_HEADER_LEN,
                    len - MESSAGE_DATA_OVERHEAD))
        bench_die("a message of the node does not authenticate");
    aead->wipe(&a);
    return peer;
}
