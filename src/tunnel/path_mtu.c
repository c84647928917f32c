/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the way to a peer's UDP endpoint carries (RFC 1191, RFC 8201). Datagrams are not probed: a
 * router's word is all there is. It is believed of an attacker, too, who knows the receiver index
 * of a session; what he gains is bounded by the smallest MTU that paths have.
 *
 * IPv4 datagrams may be cut on the way, so that routers speak up about IPv6 ones above all.
 */
#include "internal.h"

#define MTU_AGE      (600 * WGT_SEC) /* RFC 1191 6.3, RFC 8201 4 */
#define MTU_INTERVAL (10 * WGT_MSEC) /* each word costs a walk over the peers */
#define MTU_BURST    (50 * MTU_INTERVAL)

/* RFC 8201 4: no IPv6 link is smaller. Of IPv4 paths: what hosts take at least (RFC 791 3.1);
 * less serves an attacker. */
enum { OUTER_MTU_MIN_V6 = 1280, OUTER_MTU_MIN_V4 = 576 };

size_t
path_mtu_of(const struct tunnel *t, wgt_time now, const struct tunnel_peer *p)
{
    const struct tunnel_path_mtu *m = &p->path_mtu;

    if (now < m->until && m->mtu < t->outer.mtu &&
        ip_endpoint_equal(&m->remote, &p->path.path.remote))
        return m->mtu;
    return t->outer.mtu;
}

static bool
sends_under(const struct tunnel_peer *p, uint32_t receiver)
{
    const struct noise_keypair *keys[] = {p->session.current, p->session.previous};

    for (unsigned i = 0; i < 2; i++)
        if (keys[i] != NULL && keys[i]->remote_index == receiver)
            return true;
    return false;
}

/* RFC 5927 4.1: only who sees our datagrams knows all of this. */
static struct tunnel_peer *
find_peer(const struct tunnel *t, const struct icmp_error *e)
{
    struct path quoted = {.kind = TRANSPORT_UDP, .local = e->src, .remote = e->dst};
    struct tunnel_peer *p;

    LIST_FOREACH(p, &t->peers, link)
    {
        if (path_equal(&p->path.path, &quoted) && sends_under(p, e->receiver))
            return p;
    }
    return NULL;
}

static enum wgt_drop
lower(struct tunnel *t, wgt_time now, struct tunnel_peer *p, const struct icmp_error *e)
{
    bool v4 = e->dst.addr.family == IP_V4;
    uint32_t mtu = v4 && e->mtu < OUTER_MTU_MIN_V4 ? OUTER_MTU_MIN_V4 : e->mtu;

    if (e->packet_len <= e->mtu || (!v4 && mtu < OUTER_MTU_MIN_V6) || mtu >= path_mtu_of(t, now, p))
        return WGT_DROP_ICMP_MTU;
    p->path_mtu =
        (struct tunnel_path_mtu){.remote = e->dst, .mtu = (uint16_t)mtu, .until = now + MTU_AGE};
    p->stats.path_mtu_lowered++;
    return WGT_OK;
}

/* Anybody can forge these, and so nothing is done about them: the timers find out. But an operator
 * wants to hear of a closed port. */
static void
note_unreachable(struct tunnel *t, wgt_time now, const struct icmp_error *e)
{
    struct path quoted = {.kind = TRANSPORT_UDP, .local = e->src, .remote = e->dst};
    struct tunnel_peer *p;

    if (e->src.port != t->config.listen_port ||
        !bucket_take(&t->path_mtu_at, now, MTU_INTERVAL, MTU_BURST))
        return;
    LIST_FOREACH(p, &t->peers, link)
    {
        if (path_equal(&p->path.path, &quoted))
            peer_trouble(t, p,
                         e->kind == ICMP_ERROR_REFUSED ? PEER_TROUBLE_UDP_REFUSED
                                                       : PEER_TROUBLE_UDP_UNREACHABLE,
                         now);
    }
}

static enum wgt_drop
believe(struct tunnel *t, wgt_time now, const struct icmp_error *e)
{
    struct tunnel_peer *p;

    if (e->kind != ICMP_ERROR_TOO_BIG) {
        note_unreachable(t, now, e);
        return WGT_DROP_ICMP_TYPE;
    }
    if (e->src.port != t->config.listen_port)
        return WGT_DROP_ICMP_QUOTE;
    if (!bucket_take(&t->path_mtu_at, now, MTU_INTERVAL, MTU_BURST))
        return WGT_DROP_ICMP_RATE;
    p = find_peer(t, e);
    return p != NULL ? lower(t, now, p, e) : WGT_DROP_ICMP_QUOTE;
}

void
path_mtu_rx(struct tunnel *t, wgt_time now, const struct icmp_error *e)
{
    enum wgt_drop why = believe(t, now, e);

    if (why != WGT_OK)
        wgt_drop_count(&t->drops, why);
}
