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

/* Its own, or the one that gives way to it. */
static struct stranger *
place_for(struct strangers *s, enum wgt_drop why, const struct ip_endpoint *from,
          const uint8_t *key, bool *known)
{
    struct stranger *place = &s->of[0];

    for (unsigned i = 0; i < STRANGERS_MAX; i++) {
        *known = is_same(&s->of[i], why, from, key);
        if (*known)
            return &s->of[i];
        if (gives_place_before(&s->of[i], place))
            place = &s->of[i];
    }
    return place;
}

void
strangers_note(struct strangers *s, wgt_time now, enum wgt_drop why, const struct ip_endpoint *from,
               const uint8_t *key)
{
    bool known;
    struct stranger *place = place_for(s, why, from, key, &known);

    if (known) {
        place->from = *from;
        trouble_note(&place->seen, now);
        return;
    }
    *place = (struct stranger){.from = *from, .why = why, .seen = {1, now}};
    if (key != NULL)
        memcpy(place->key, key, sizeof(place->key));
}

static void
add(struct strangers *s, const struct stranger *o)
{
    const uint8_t *key = o->why == WGT_DROP_HANDSHAKE_UNKNOWN_PEER ? o->key : NULL;
    bool known;
    struct stranger *place = place_for(s, o->why, &o->from, key, &known);

    if (known) {
        place->seen.n += o->seen.n;
        if (o->seen.last > place->seen.last) {
            place->from = o->from;
            place->seen.last = o->seen.last;
        }
    } else if (gives_place_before(place, o)) {
        *place = *o;
    }
}

void
strangers_add(struct strangers *s, const struct strangers *other)
{
    for (unsigned i = 0; i < STRANGERS_MAX; i++)
        if (other->of[i].why != WGT_OK)
            add(s, &other->of[i]);
}
