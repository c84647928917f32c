/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The first message:  type, sender, e, encrypted s, encrypted timestamp, mac1, mac2
 * Noise:              -> e, es, s, ss, {t}
 */
#include "crypto.h"
#include "identity.h"
#include "macs.h"
#include "symmetric.h"

enum {
    OFF_SENDER = 4,
    OFF_EPHEMERAL = 8,
    OFF_STATIC = 40,
    OFF_TIMESTAMP = 88,
    STATIC_LEN = NOISE_KEY_LEN + MESSAGE_TAG_LEN,
    TIMESTAMP_LEN = NOISE_TIMESTAMP_LEN + MESSAGE_TAG_LEN,
};

/* A peer may start this many handshakes a second (section 5.1). */
static const wgt_time flood_interval = WGT_SEC / 50;

static enum wgt_drop
write_tokens(struct symmetric *s, struct noise_remote *r, const struct noise_local *l,
             const uint8_t tai64n[NOISE_TIMESTAMP_LEN], const uint8_t private_key[NOISE_KEY_LEN],
             uint8_t message[MESSAGE_INITIATION_LEN])
{
    symmetric_init(s, r->public_key);

    /* e */
    noise_public_key(message + OFF_EPHEMERAL, private_key);
    symmetric_mix_ephemeral(s, message + OFF_EPHEMERAL);

    /* es */
    if (!symmetric_mix_dh(s, private_key, r->public_key))
        return WGT_DROP_HANDSHAKE_DH;

    /* s */
    symmetric_encrypt(s, message + OFF_STATIC, l->public_key, NOISE_KEY_LEN);

    /* ss */
    if (!remote_static_static(r, l))
        return WGT_DROP_HANDSHAKE_DH;
    symmetric_mix_key(s, r->static_static);

    /* {t} */
    symmetric_encrypt(s, message + OFF_TIMESTAMP, tai64n, NOISE_TIMESTAMP_LEN);
    return WGT_OK;
}

static void
commit_created(struct noise_remote *r, const struct symmetric *s, uint32_t index,
               const uint8_t private_key[NOISE_KEY_LEN])
{
    noise_handshake_clear(r);
    r->handshake.state = NOISE_CREATED_INITIATION;
    r->handshake.local_index = index;
    memcpy(r->handshake.ephemeral_private, private_key, NOISE_KEY_LEN);
    memcpy(r->handshake.hash, s->h, NOISE_HASH_LEN);
    memcpy(r->handshake.chaining_key, s->ck, NOISE_HASH_LEN);
}

enum wgt_drop
noise_initiation_create(struct noise_remote *r, const struct noise_local *l, wgt_time now,
                        const uint8_t tai64n[NOISE_TIMESTAMP_LEN],
                        const uint8_t ephemeral[NOISE_KEY_LEN], uint32_t index,
                        uint8_t out[MESSAGE_INITIATION_LEN])
{
    uint8_t message[MESSAGE_INITIATION_LEN], private_key[NOISE_KEY_LEN];
    struct symmetric s;
    enum wgt_drop rc;

    if (!l->has_identity)
        return WGT_DROP_NO_IDENTITY;
    memcpy(private_key, ephemeral, sizeof(private_key));
    noise_clamp(private_key);
    put_le32(message, MESSAGE_INITIATION);
    put_le32(message + OFF_SENDER, index);

    rc = write_tokens(&s, r, l, tai64n, private_key, message);
    if (rc == WGT_OK) {
        commit_created(r, &s, index, private_key);
        macs_add(r, now, message, sizeof(message));
        memcpy(out, message, sizeof(message));
    }
    noise_wipe(private_key, sizeof(private_key));
    noise_wipe(&s, sizeof(s));
    return rc;
}

static enum wgt_drop
read_static(struct symmetric *s, const struct noise_local *l,
            const uint8_t message[MESSAGE_INITIATION_LEN], uint8_t static_public[NOISE_KEY_LEN])
{
    symmetric_init(s, l->public_key);

    /* e */
    symmetric_mix_ephemeral(s, message + OFF_EPHEMERAL);

    /* es */
    if (!symmetric_mix_dh(s, l->private_key, message + OFF_EPHEMERAL))
        return WGT_DROP_HANDSHAKE_DH;

    /* s */
    if (!symmetric_decrypt(s, static_public, message + OFF_STATIC, STATIC_LEN))
        return WGT_DROP_HANDSHAKE_STATIC;
    return WGT_OK;
}

enum wgt_drop
noise_initiation_open(const struct noise_local *l, const uint8_t message[MESSAGE_INITIATION_LEN],
                      struct noise_initiation *out)
{
    struct symmetric s;
    enum wgt_drop rc;

    memset(out, 0, sizeof(*out));
    if (!l->has_identity)
        return WGT_DROP_NO_IDENTITY;

    rc = read_static(&s, l, message, out->static_public);
    if (rc == WGT_OK) {
        out->sender_index = get_le32(message + OFF_SENDER);
        memcpy(out->remote_ephemeral, message + OFF_EPHEMERAL, NOISE_KEY_LEN);
        memcpy(out->encrypted_timestamp, message + OFF_TIMESTAMP, TIMESTAMP_LEN);
        memcpy(out->hash, s.h, NOISE_HASH_LEN);
        memcpy(out->chaining_key, s.ck, NOISE_HASH_LEN);
    }
    noise_wipe(&s, sizeof(s));
    return rc;
}

static enum wgt_drop
read_timestamp(struct symmetric *s, struct noise_remote *r, const struct noise_local *l,
               const struct noise_initiation *in, uint8_t timestamp[NOISE_TIMESTAMP_LEN])
{
    memcpy(s->h, in->hash, NOISE_HASH_LEN);
    memcpy(s->ck, in->chaining_key, NOISE_HASH_LEN);

    /* ss */
    if (!remote_static_static(r, l))
        return WGT_DROP_HANDSHAKE_DH;
    symmetric_mix_key(s, r->static_static);

    /* {t} */
    if (!symmetric_decrypt(s, timestamp, in->encrypted_timestamp, TIMESTAMP_LEN))
        return WGT_DROP_HANDSHAKE_TIMESTAMP;
    return WGT_OK;
}

/* Neither old nor too soon. Big-endian timestamps compare as bytes. */
static enum wgt_drop
check_recency(const struct noise_remote *r, wgt_time now,
              const uint8_t timestamp[NOISE_TIMESTAMP_LEN])
{
    if (memcmp(timestamp, r->latest_timestamp, NOISE_TIMESTAMP_LEN) <= 0)
        return WGT_DROP_HANDSHAKE_REPLAY;
    if (r->consumed_any && now < r->last_consumed + flood_interval)
        return WGT_DROP_HANDSHAKE_FLOOD;
    return WGT_OK;
}

static void
commit_consumed(struct noise_remote *r, const struct symmetric *s, wgt_time now,
                const struct noise_initiation *in, const uint8_t timestamp[NOISE_TIMESTAMP_LEN])
{
    const uint32_t local_index = r->handshake.local_index;

    noise_handshake_clear(r);
    r->handshake.state = NOISE_CONSUMED_INITIATION;
    r->handshake.local_index = local_index;
    r->handshake.remote_index = in->sender_index;
    memcpy(r->handshake.remote_ephemeral, in->remote_ephemeral, NOISE_KEY_LEN);
    memcpy(r->handshake.hash, s->h, NOISE_HASH_LEN);
    memcpy(r->handshake.chaining_key, s->ck, NOISE_HASH_LEN);
    memcpy(r->latest_timestamp, timestamp, NOISE_TIMESTAMP_LEN);
    r->consumed_any = true;
    r->last_consumed = now;
}

enum wgt_drop
noise_initiation_accept(struct noise_remote *r, const struct noise_local *l, wgt_time now,
                        const struct noise_initiation *in)
{
    uint8_t timestamp[NOISE_TIMESTAMP_LEN];
    struct symmetric s;
    enum wgt_drop rc = read_timestamp(&s, r, l, in, timestamp);

    if (rc == WGT_OK)
        rc = check_recency(r, now, timestamp);
    if (rc == WGT_OK)
        commit_consumed(r, &s, now, in, timestamp);
    noise_wipe(&s, sizeof(s));
    return rc;
}
