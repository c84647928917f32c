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
