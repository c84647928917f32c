/* SPDX-License-Identifier: BSD-3-Clause */
#include "shards.h"

#include <stdlib.h>

#include <wgtcpd/wire/inner.h>
#include <wgtcpd/wire/message.h>
#include <wgtcpd/wire/udp.h>

enum { TURNS_BETWEEN_MAX = 3, INDEX_END = 12 };

void
shards_init(struct shards *s, unsigned n, uint64_t seed)
{
    *s = (struct shards){.n = n, .chance = prng_fork(seed, 'h')};
    s->last = &s->first;
}

void
shards_fini(struct shards *s)
{
    struct shards_handed *h;

    while ((h = s->first) != NULL) {
        s->first = h->next;
        rte_pktmbuf_free(h->m);
        free(h);
    }
    s->last = &s->first;
}

unsigned
shards_of_connection(unsigned n, const struct ip_endpoint *local, const struct ip_endpoint *remote)
{
    return ((unsigned)local->port * 31 + (unsigned)remote->port * 17 + remote->addr.bytes[3]) % n;
}

static unsigned
any(struct shards *s)
{
    return (unsigned)prng_below(&s->chance, s->n);
}

/* Initiations go to whoever gets them. */
static unsigned
of_datagram(struct shards *s, const uint8_t *message, size_t len)
{
    if (len < INDEX_END || message[0] == MESSAGE_INITIATION || message[0] > MESSAGE_DATA)
        return any(s);
    return message_index_worker(message_receiver(message, message[0])) % s->n;
}

unsigned
shards_of_packet(struct shards *s, const struct ip_header *ip, const uint8_t *packet, size_t len)
{
    const uint8_t *upper = packet + ip->header_len;
    size_t rest = len - ip->header_len;

    if (s->n == 1 || rest < UDP_HEADER_LEN)
        return 0;
    if (ip->protocol == IP_PROTO_UDP)
        return of_datagram(s, upper + UDP_HEADER_LEN, rest - UDP_HEADER_LEN);
    return shards_of_connection(s->n, &(struct ip_endpoint){ip->dst, get_be16(upper + 2)},
                                &(struct ip_endpoint){ip->src, get_be16(upper)});
}

unsigned
shards_of_inner(struct shards *s, const struct allowedips *ips, const uint8_t *packet, size_t len)
{
    struct inner_packet inner;
    const struct tunnel_peer *p;

    if (s->n == 1)
        return 0;
    if (inner_parse(packet, len, &inner) != WGT_OK)
        return any(s);
    p = allowedips_lookup(ips, &inner.dst);
    return p != NULL ? tunnel_peer_worker(p) : any(s);
}

void
shards_hand_over(struct shards *s, unsigned worker, const struct path *from, struct rte_mbuf *m)
{
    struct shards_handed *h = calloc(1, sizeof(*h));

    if (h == NULL)
        abort();
    h->worker = worker;
    h->turn = s->turn + 1 + prng_below(&s->chance, TURNS_BETWEEN_MAX);
    h->inner = from == NULL;
    if (from != NULL)
        h->path = *from;
    h->m = m;
    s->handed += !h->inner;
    s->handed_inner += h->inner;
    *s->last = h;
    s->last = &h->next;
}

/* In order: as long as the first is under way, nothing overtakes it. */
static unsigned
arrive(struct shards *s, wgt_time clock)
{
    struct shards_handed *h;
    unsigned n = 0;

    for (; (h = s->first) != NULL && h->turn <= s->turn; n++) {
        struct tunnel *t = s->of[h->worker];

        s->first = h->next;
        if (s->first == NULL)
            s->last = &s->first;
        if (h->inner) {
            tunnel_rx_inner(t, clock, h->m);
            tunnel_rx_inner_end(t, clock);
        } else {
            tunnel_rx_handed(t, clock, &h->path, h->m);
        }
        free(h);
    }
    return n;
}

unsigned
shards_run(struct shards *s, wgt_time clock)
{
    unsigned work;

    s->turn++;
    work = arrive(s, clock);
    for (unsigned i = 0; i < s->n; i++)
        if (s->n == 1 || prng_below(&s->chance, 3) != 0)
            work += tunnel_run(s->of[i], clock);
    return work;
}

bool
shards_rest(const struct shards *s, wgt_time clock)
{
    return s->first == NULL && shards_deadline(s) > clock;
}

wgt_time
shards_deadline(const struct shards *s)
{
    wgt_time due = WGT_NEVER;

    for (unsigned i = 0; i < s->n; i++)
        due = wgt_time_min(due, tunnel_deadline(s->of[i]));
    return due;
}
