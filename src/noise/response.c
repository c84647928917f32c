/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The second message:  type, sender, receiver, e, encrypted nothing, mac1, mac2
 * Noise:               <- e, ee, se, psk, {}
 */
#include "crypto.h"
#include "macs.h"
#include "symmetric.h"

enum {
    OFF_SENDER = 4,
    OFF_RECEIVER = 8,
    OFF_EPHEMERAL = 12,
    OFF_NOTHING = 44,
};

static void
resume(struct symmetric *s, const struct noise_handshake *h)
{
    memcpy(s->h, h->hash, NOISE_HASH_LEN);
    memcpy(s->ck, h->chaining_key, NOISE_HASH_LEN);
}

/* The session's keys; the caller's owner and memory stay. */
static void
derive_keypair(struct noise_keypair *k, const struct symmetric *s, wgt_time now, bool initiator,
               uint32_t local_index, uint32_t remote_index)
{
    k->send_counter = 0;
    k->birth = now;
    k->local_index = local_index;
    k->remote_index = remote_index;
    k->initiator = initiator;
    k->send_allowed = true;
    noise_replay_init(&k->replay, k->replay.wide);
    symmetric_split(s, initiator, k);
}

static enum wgt_drop
write_tokens(struct symmetric *s, const struct noise_remote *r,
             const uint8_t private_key[NOISE_KEY_LEN], uint8_t message[MESSAGE_RESPONSE_LEN])
{
    resume(s, &r->handshake);

    /* e */
    noise_public_key(message + OFF_EPHEMERAL, private_key);
    symmetric_mix_ephemeral(s, message + OFF_EPHEMERAL);

    /* ee */
    if (!symmetric_mix_dh_only(s, private_key, r->handshake.remote_ephemeral))
        return WGT_DROP_HANDSHAKE_DH;

    /* se */
    if (!symmetric_mix_dh_only(s, private_key, r->public_key))
        return WGT_DROP_HANDSHAKE_DH;

    /* psk */
    symmetric_mix_psk(s, r->preshared_key);

    /* {} */
    symmetric_encrypt(s, message + OFF_NOTHING, NULL, 0);
    return WGT_OK;
}

enum wgt_drop
noise_response_create(struct noise_remote *r, const struct noise_local *l, wgt_time now,
                      const uint8_t ephemeral[NOISE_KEY_LEN], uint32_t index,
                      uint8_t out[MESSAGE_RESPONSE_LEN], struct noise_keypair *keypair)
{
    uint8_t message[MESSAGE_RESPONSE_LEN], private_key[NOISE_KEY_LEN];
    struct symmetric s;
    enum wgt_drop rc;

    if (!l->has_identity)
        return WGT_DROP_NO_IDENTITY;
    if (r->handshake.state != NOISE_CONSUMED_INITIATION)
        return WGT_DROP_HANDSHAKE_STATE;
    memcpy(private_key, ephemeral, sizeof(private_key));
    noise_clamp(private_key);
    put_le32(message, MESSAGE_RESPONSE);
    put_le32(message + OFF_SENDER, index);
    put_le32(message + OFF_RECEIVER, r->handshake.remote_index);

    rc = write_tokens(&s, r, private_key, message);
    if (rc == WGT_OK) {
        derive_keypair(keypair, &s, now, false, index, r->handshake.remote_index);
        noise_handshake_clear(r);
        macs_add(r, now, message, sizeof(message));
        memcpy(out, message, sizeof(message));
    }
    noise_wipe(private_key, sizeof(private_key));
    noise_wipe(&s, sizeof(s));
    return rc;
}

static enum wgt_drop
read_tokens(struct symmetric *s, const struct noise_remote *r, const struct noise_local *l,
            const uint8_t message[MESSAGE_RESPONSE_LEN])
{
    const uint8_t *remote_ephemeral = message + OFF_EPHEMERAL;
    uint8_t nothing[1];

    resume(s, &r->handshake);

    /* e */
    symmetric_mix_ephemeral(s, remote_ephemeral);

    /* ee */
    if (!symmetric_mix_dh_only(s, r->handshake.ephemeral_private, remote_ephemeral))
        return WGT_DROP_HANDSHAKE_DH;

    /* se */
    if (!symmetric_mix_dh_only(s, l->private_key, remote_ephemeral))
        return WGT_DROP_HANDSHAKE_DH;

    /* psk */
    symmetric_mix_psk(s, r->preshared_key);

    /* {} */
    if (!symmetric_decrypt(s, nothing, message + OFF_NOTHING, MESSAGE_TAG_LEN))
        return WGT_DROP_HANDSHAKE_TAG;
    return WGT_OK;
}

enum wgt_drop
noise_response_consume(struct noise_remote *r, const struct noise_local *l, wgt_time now,
                       const uint8_t message[MESSAGE_RESPONSE_LEN], struct noise_keypair *keypair)
{
    struct symmetric s;
    enum wgt_drop rc;

    if (!l->has_identity)
        return WGT_DROP_NO_IDENTITY;
    if (r->handshake.state != NOISE_CREATED_INITIATION)
        return WGT_DROP_HANDSHAKE_STATE;
    if (get_le32(message + OFF_RECEIVER) != r->handshake.local_index)
        return WGT_DROP_HANDSHAKE_INDEX;

    rc = read_tokens(&s, r, l, message);
    if (rc == WGT_OK) {
        derive_keypair(keypair, &s, now, true, r->handshake.local_index,
                       get_le32(message + OFF_SENDER));
        noise_handshake_clear(r);
    }
    noise_wipe(&s, sizeof(s));
    return rc;
}
