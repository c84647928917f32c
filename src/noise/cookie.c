/* SPDX-License-Identifier: BSD-3-Clause */
/* Cookies: proof that the sender of a handshake message owns its source address. */
#include "crypto.h"
#include "identity.h"
#include "macs.h"

enum {
    OFF_SENDER = 4, /* of an initiation or response */
    OFF_RECEIVER = 4,
    OFF_NONCE = 8,
    OFF_COOKIE = 32,
};

static const wgt_time secret_max_age = 120 * WGT_SEC;

static void
refresh(struct noise_cookie_secret *s, wgt_time now, const uint8_t fresh[NOISE_COOKIE_SECRET_LEN])
{
    if (s->valid && now - s->birth < secret_max_age)
        return;
    memcpy(s->key, fresh, sizeof(s->key));
    s->birth = now;
    s->valid = true;
}

static void
make_cookie(uint8_t cookie[NOISE_MAC_LEN], const struct noise_cookie_secret *s,
            const struct ip_endpoint *source)
{
    uint8_t port[2];

    put_be16(port, source->port);
    noise_mac(cookie, s->key, sizeof(s->key), source->addr.bytes, ip_addr_len(&source->addr), port,
              sizeof(port));
}

bool
noise_mac2_check(struct noise_cookie_secret *s, wgt_time now,
                 const uint8_t fresh[NOISE_COOKIE_SECRET_LEN], const struct ip_endpoint *source,
                 const uint8_t *message, size_t len)
{
    uint8_t cookie[NOISE_MAC_LEN], mac2[NOISE_MAC_LEN];
    bool ok;

    if (!macs_present(len))
        return false;
    refresh(s, now, fresh);
    make_cookie(cookie, s, source);
    noise_mac(mac2, cookie, sizeof(cookie), message, len - NOISE_MAC_LEN, NULL, 0);
    ok = noise_equal(mac2, macs_mac2(message, len), sizeof(mac2));
    noise_wipe(cookie, sizeof(cookie));
    noise_wipe(mac2, sizeof(mac2));
    return ok;
}

void
noise_cookie_reply_create(struct noise_cookie_secret *s, const struct noise_local *l, wgt_time now,
                          const uint8_t fresh[NOISE_COOKIE_SECRET_LEN],
                          const uint8_t nonce[NOISE_COOKIE_NONCE_LEN],
                          const struct ip_endpoint *source, const uint8_t *message, size_t len,
                          uint8_t out[MESSAGE_COOKIE_REPLY_LEN])
{
    uint8_t cookie[NOISE_MAC_LEN];

    refresh(s, now, fresh);
    make_cookie(cookie, s, source);
    put_le32(out, MESSAGE_COOKIE_REPLY);
    put_le32(out + OFF_RECEIVER, get_le32(message + OFF_SENDER));
    memcpy(out + OFF_NONCE, nonce, NOISE_COOKIE_NONCE_LEN);
    noise_xaead_seal(out + OFF_COOKIE, l->cookie_key, nonce, cookie, macs_mac1(message, len));
    noise_wipe(cookie, sizeof(cookie));
}

enum wgt_drop
noise_cookie_reply_consume(struct noise_remote *r, wgt_time now,
                           const uint8_t message[MESSAGE_COOKIE_REPLY_LEN])
{
    uint8_t cookie[NOISE_MAC_LEN], cookie_key[NOISE_KEY_LEN];

    if (!r->have_sent_mac1)
        return WGT_DROP_COOKIE_UNEXPECTED;
    cookie_key_of(cookie_key, r->public_key);
    if (!noise_xaead_open(cookie, cookie_key, message + OFF_NONCE, message + OFF_COOKIE,
                          r->last_mac1))
        return WGT_DROP_COOKIE_TAG;
    memcpy(r->cookie, cookie, sizeof(r->cookie));
    r->have_cookie = true;
    r->cookie_birth = now;
    r->have_sent_mac1 = false;
    noise_wipe(cookie, sizeof(cookie));
    return WGT_OK;
}
