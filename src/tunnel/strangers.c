/* SPDX-License-Identifier: BSD-3-Clause */
/* Whose handshake messages were dropped, by address. A flood costs others their place, no more. */
#include <wgtcpd/tunnel/trouble.h>

static bool
is_same(const struct stranger *s, enum wgt_drop why, const struct ip_endpoint *from,
        const uint8_t *key)
{
    return s->why == why && ip_addr_equal(&s->from.addr, &from->addr) &&
           (key == NULL || memcmp(s->key, key, sizeof(s->key)) == 0);
}

static bool
gives_place_before(const struct stranger *a, const struct stranger *b)
{
    return (a->why == WGT_OK && b->why != WGT_OK) ||
           (a->why != WGT_OK && b->why != WGT_OK && a->seen.last < b->seen.last);
}

void
strangers_note(struct strangers *s, wgt_time now, enum wgt_drop why, const struct ip_endpoint *from,
               const uint8_t *key)
{
    struct stranger *place = &s->of[0];

    for (unsigned i = 0; i < STRANGERS_MAX; i++) {
        if (is_same(&s->of[i], why, from, key)) {
            s->of[i].from = *from;
            trouble_note(&s->of[i].seen, now);
            return;
        }
        if (gives_place_before(&s->of[i], place))
            place = &s->of[i];
    }
    *place = (struct stranger){.from = *from, .why = why, .seen = {1, now}};
    if (key != NULL)
        memcpy(place->key, key, sizeof(place->key));
}

static void
add(struct strangers *s, const struct stranger *o)
{
    const uint8_t *key = o->why == WGT_DROP_HANDSHAKE_UNKNOWN_PEER ? o->key : NULL;
    struct stranger *place = &s->of[0];

    for (unsigned i = 0; i < STRANGERS_MAX; i++) {
        struct stranger *same = &s->of[i];

        if (is_same(same, o->why, &o->from, key)) {
            same->seen.n += o->seen.n;
            if (o->seen.last > same->seen.last) {
                same->from = o->from;
                same->seen.last = o->seen.last;
            }
            return;
        }
        if (gives_place_before(same, place))
            place = same;
    }
    if (gives_place_before(place, o))
        *place = *o;
}

void
strangers_add(struct strangers *s, const struct strangers *other)
{
    for (unsigned i = 0; i < STRANGERS_MAX; i++)
        if (other->of[i].why != WGT_OK)
            add(s, &other->of[i]);
}
