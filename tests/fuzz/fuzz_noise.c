/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages from the network against two parties who know each other.
 *
 * The first byte says what the rest is: a message as it came, or a pattern laid over a good message
 * of one type (XOR, from its first byte on), whose mac1 is then made right so that it gets past the
 * first gate. Whatever is refused must leave no trace; whatever is accepted must be the good
 * message but for the bytes that Noise does not cover.
 */
#include <stdlib.h>

#include <wgtcpd/noise/noise.h>

#include "../../src/noise/macs.h"

enum { ROOM = 2048 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct party {
    struct noise_local local;
    struct noise_remote remote;
    struct noise_keypair keypair;
};

/* Both as they stand before each message, and the message that each of the four ways carries. */
static struct world {
    struct party initiator, responder;
    uint8_t initiation[MESSAGE_INITIATION_LEN], response[MESSAGE_RESPONSE_LEN];
    uint8_t cookie_reply[MESSAGE_COOKIE_REPLY_LEN], packet[MESSAGE_DATA_OVERHEAD + 64];
} origin;

static const wgt_time now = WGT_SEC;
static const struct ip_endpoint source = {.addr = {.family = IP_V4}, .port = 1};

static void
require(bool holds)
{
    if (!holds)
        abort();
}

static void
introduce(struct world *w)
{
    const uint8_t private_i[NOISE_KEY_LEN] = {1, 2, 3}, private_r[NOISE_KEY_LEN] = {4, 5, 6};
    struct party *i = &w->initiator, *r = &w->responder;

    noise_local_init(&i->local, private_i);
    noise_local_init(&r->local, private_r);
    require(noise_remote_init(&i->remote, r->local.public_key, NULL) == WGT_OK);
    require(noise_remote_init(&r->remote, i->local.public_key, NULL) == WGT_OK);
}

static enum wgt_drop
consume_initiation(struct party *p, const uint8_t *message)
{
    struct noise_initiation in;
    enum wgt_drop rc = noise_initiation_open(&p->local, message, &in);

    if (rc != WGT_OK)
        return rc;
    if (!noise_equal(in.static_public, p->remote.public_key, NOISE_KEY_LEN))
        return WGT_DROP_HANDSHAKE_UNKNOWN_PEER;
    return noise_initiation_accept(&p->remote, &p->local, now, &in);
}

/* Make the good messages. Each party ends with a session and with a handshake it could finish. */
static void
prepare(struct world *w)
{
    const uint8_t entropy[NOISE_COOKIE_SECRET_LEN] = {7};
    uint8_t t[NOISE_TIMESTAMP_LEN] = {1};
    struct noise_cookie_secret secret = {0};
    struct party *i = &w->initiator, *r = &w->responder, before;

    introduce(w);
    require(noise_initiation_create(&i->remote, &i->local, 0, t, entropy, 1, w->initiation) ==
            WGT_OK);
    require(consume_initiation(r, w->initiation) == WGT_OK);
    require(noise_response_create(&r->remote, &r->local, 0, entropy, 2, w->response, &r->keypair) ==
            WGT_OK);
    require(noise_response_consume(&i->remote, &i->local, 0, w->response, &i->keypair) == WGT_OK);
    require(noise_seal(&i->keypair, w->packet, 64));

    /* a second round, stopped before the messages arrive */
    t[0] = 2;
    r->remote.consumed_any = false;
    require(noise_initiation_create(&i->remote, &i->local, 0, t, entropy, 3, w->initiation) ==
            WGT_OK);
    before = *r;
    require(consume_initiation(r, w->initiation) == WGT_OK);
    require(noise_response_create(&r->remote, &r->local, 0, entropy, 4, w->response,
                                  &(struct noise_keypair){0}) == WGT_OK);
    *r = before;
    noise_cookie_reply_create(&secret, &r->local, 0, entropy, entropy, &source, w->initiation,
                              sizeof(w->initiation), w->cookie_reply);
}

static enum wgt_drop
receive_handshake(struct party *p, const uint8_t *message, size_t len, enum message_type type)
{
    struct noise_cookie_secret secret = {0};
    const uint8_t fresh[NOISE_COOKIE_SECRET_LEN] = {0};

    if (!noise_mac1_check(&p->local, message, len))
        return WGT_DROP_MAC1;
    (void)noise_mac2_check(&secret, now, fresh, &source, message, len);
    if (type == MESSAGE_INITIATION)
        return consume_initiation(p, message);
    return noise_response_consume(&p->remote, &p->local, now, message, &p->keypair);
}

/* What a node does with bytes from the network. */
static enum wgt_drop
receive(struct party *p, uint8_t *message, size_t len)
{
    enum message_type type;
    enum wgt_drop rc = message_check(message, len, &type);

    if (rc != WGT_OK)
        return rc;
    switch (type) {
    case MESSAGE_INITIATION:
    case MESSAGE_RESPONSE:
        return receive_handshake(p, message, len, type);
    case MESSAGE_COOKIE_REPLY:
        return noise_cookie_reply_consume(&p->remote, now, message);
    case MESSAGE_DATA:
        return noise_open(&p->keypair, message, len);
    }
    abort();
}

static enum wgt_drop
receive_without_trace(struct party *p, uint8_t *message, size_t len)
{
    const struct party before = *p;
    enum wgt_drop rc = receive(p, message, len);

    require(rc == WGT_OK || memcmp(p, &before, sizeof(before)) == 0);
    return rc;
}

static bool
overlay(uint8_t *out, const uint8_t *good, size_t len, const uint8_t *pattern, size_t pattern_len)
{
    memcpy(out, good, len);
    for (size_t n = 0; n < len && n < pattern_len; n++)
        out[n] ^= pattern[n];
    return memcmp(out, good, 4) == 0;
}

/* Only bytes from..to and those behind `end` may differ in a message that was accepted. */
static void
require_same_but(const uint8_t *message, const uint8_t *good, size_t from, size_t to, size_t end)
{
    require(memcmp(message, good, from) == 0);
    require(memcmp(message + to, good + to, end - to) == 0);
}

static void
laid_over_handshake(struct world *w, bool response, const uint8_t *pattern, size_t pattern_len)
{
    const size_t len = response ? MESSAGE_RESPONSE_LEN : MESSAGE_INITIATION_LEN;
    const uint8_t *good = response ? w->response : w->initiation;
    struct party *to = response ? &w->initiator : &w->responder;
    struct noise_remote maker = response ? w->responder.remote : w->initiator.remote;
    uint8_t message[MESSAGE_INITIATION_LEN];

    if (!overlay(message, good, len, pattern, pattern_len))
        return;
    macs_add(&maker, 0, message, len);
    if (receive_without_trace(to, message, len) == WGT_OK)
        require_same_but(message, good, 4, 8, len - MACS_LEN);
    else
        require(memcmp(message, good, len - MACS_LEN) != 0);
}

static void
laid_over_cookie_reply(struct world *w, const uint8_t *pattern, size_t pattern_len)
{
    uint8_t message[MESSAGE_COOKIE_REPLY_LEN];

    if (!overlay(message, w->cookie_reply, sizeof(message), pattern, pattern_len))
        return;
    if (receive_without_trace(&w->initiator, message, sizeof(message)) == WGT_OK)
        require_same_but(message, w->cookie_reply, 4, 8, sizeof(message));
    else
        require(memcmp(message, w->cookie_reply, sizeof(message)) != 0);
}

static void
laid_over_data(struct world *w, const uint8_t *pattern, size_t pattern_len)
{
    uint8_t message[sizeof(w->packet)], sent[sizeof(w->packet)];

    if (!overlay(message, w->packet, sizeof(message), pattern, pattern_len))
        return;
    memcpy(sent, message, sizeof(sent));
    if (receive_without_trace(&w->responder, message, sizeof(message)) == WGT_OK) {
        require_same_but(sent, w->packet, 4, 8, sizeof(sent));
        require(noise_is_zero(message + MESSAGE_DATA_HEADER_LEN, 64));
    } else {
        require(memcmp(sent, w->packet, sizeof(sent)) != 0);
    }
}

static void
as_it_came(struct party *p, const uint8_t *data, size_t size)
{
    /* its own allocation, so that a read past the end is seen */
    uint8_t *message = malloc(size);

    require(message != NULL || size == 0);
    if (size > 0)
        memcpy(message, data, size);
    (void)receive_without_trace(p, message, size);
    free(message);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool ready;
    static struct world w;

    if (!ready) {
        require(noise_crypto_init(NULL, 0) == 0);
        prepare(&origin);
        ready = true;
    }
    if (size == 0 || size > ROOM)
        return 0;
    w = origin;
    switch (data[0] % 6) {
    case 0:
        laid_over_handshake(&w, false, data + 1, size - 1);
        break;
    case 1:
        laid_over_handshake(&w, true, data + 1, size - 1);
        break;
    case 2:
        laid_over_cookie_reply(&w, data + 1, size - 1);
        break;
    case 3:
        laid_over_data(&w, data + 1, size - 1);
        break;
    case 4:
        as_it_came(&w.initiator, data + 1, size - 1);
        break;
    case 5:
        as_it_came(&w.responder, data + 1, size - 1);
        break;
    }
    return 0;
}
