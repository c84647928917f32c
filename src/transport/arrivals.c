/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Segments that arrive in a burst go a stage at a time: their flows are looked up and fetched into
 * the caches for all of them, then what those have outstanding, and only then each has its turn.
 */
#include "flow.h"

static void
prefetch_lines(const void *from, size_t len)
{
    for (size_t at = 0; at < len; at += RTE_CACHE_LINE_SIZE)
        rte_prefetch0((const char *)from + at);
}

static void
prefetch_flow(const struct tcp_flow *f)
{
    tcp_prefetch(&f->conn);
    prefetch_lines(&f->conn + 1, sizeof(*f) - sizeof(f->conn));
}

/* The first packet that waits for its acknowledgment: as a chunk, and as what will be freed. */
static void
prefetch_sent(const struct tcp_flow *f)
{
    struct tcp_chunk *first = tcp_first_queued(&f->conn);

    if (first != NULL)
        prefetch_lines(packet_of_chunk(first), sizeof(struct rte_mbuf) + sizeof(*first));
}

void
tcp_flow_prefetch(const struct path *p)
{
    if (p->kind == TRANSPORT_TCP && p->flow != NULL)
        prefetch_flow(p->flow);
}

void
tcp_flow_prefetch_sent(const struct path *p)
{
    if (p->kind == TRANSPORT_TCP && p->flow != NULL)
        tcp_prefetch_busy(&p->flow->conn);
}

static struct ip_endpoint
local_of(const struct tcp_arrival *a)
{
    return (struct ip_endpoint){a->ip.dst, a->seg.dst_port};
}

static struct ip_endpoint
remote_of(const struct tcp_arrival *a)
{
    return (struct ip_endpoint){a->ip.src, a->seg.src_port};
}

static bool
is_of_same_flow(const struct tcp_arrival *a, const struct tcp_arrival *b)
{
    return a->seg.src_port == b->seg.src_port && a->seg.dst_port == b->seg.dst_port &&
           ip_addr_equal(&a->ip.src, &b->ip.src) && ip_addr_equal(&a->ip.dst, &b->ip.dst);
}

/* First stage: where to look. */
static void
find_bucket(const struct tcp_transport *t, struct tcp_arrival *a)
{
    struct ip_endpoint local = local_of(a), remote = remote_of(a);

    a->bucket = NULL;
    if (a != t->arrived && is_of_same_flow(a, a - 1))
        return;
    a->bucket = flow_bucket(t, &local, &remote);
    rte_prefetch0(a->bucket);
}

void
tcp_transport_rx(struct tcp_transport *t, wgt_time now, const struct ip_header *ip,
                 struct rte_mbuf *m, bool verify_checksum)
{
    uint8_t *data = rte_pktmbuf_mtod_offset(m, uint8_t *, ip->header_len);
    struct tcp_arrival *a = &t->arrived[t->n_arrived];
    enum wgt_drop why = tcp_parse(ip, data, verify_checksum, &a->seg);

    if (why != WGT_OK) {
        outer_drop(t->outer, why, m);
        return;
    }
    t->stats.segments_in++;
    a->seg.ce = (ip->traffic_class & IP_ECN_CE) == IP_ECN_CE;
    a->ip = *ip;
    a->m = m;
    rte_prefetch0(a->seg.payload.data); /* beyond the line that the headers are in */
    find_bucket(t, a);
    if (++t->n_arrived == TCP_BURST)
        tcp_transport_rx_end(t, now);
}

/* Second stage: the first of a bucket mostly is the one. */
static void
guess_flows(const struct tcp_transport *t, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (t->arrived[i].bucket != NULL && *t->arrived[i].bucket != 0)
            prefetch_flow(&t->flows[*t->arrived[i].bucket - 1]);
}

/* Third stage. */
static void
find_flows(struct tcp_transport *t, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        struct tcp_arrival *a = &t->arrived[i];
        struct ip_endpoint local = local_of(a), remote = remote_of(a);

        if (a->bucket == NULL) {
            a->flow = (a - 1)->flow;
            continue;
        }
        a->flow = flow_find_in(t, a->bucket, &local, &remote);
        if (a->flow != NULL)
            tcp_prefetch_busy(&a->flow->conn);
    }
}

/* Fourth stage. */
static void
fetch_sent(const struct tcp_transport *t, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (t->arrived[i].bucket != NULL && t->arrived[i].flow != NULL)
            prefetch_sent(t->arrived[i].flow);
}

/* What those before it did may have ended a flow, or begun one. */
static struct tcp_flow *
receiver(const struct tcp_transport *t, const struct tcp_arrival *a)
{
    struct ip_endpoint local = local_of(a), remote = remote_of(a);
    struct tcp_flow *f = a->flow;

    if (f != NULL && f->in_use && ip_endpoint_equal(&f->path.remote, &remote) &&
        ip_endpoint_equal(&f->path.local, &local))
        return f;
    return flow_find(t, &local, &remote);
}

static void
take_turn(struct tcp_transport *t, wgt_time now, const struct tcp_arrival *a)
{
    struct tcp_flow *f = receiver(t, a);

    if (likely(f != NULL)) {
        flow_rx(t, now, f, &a->seg, a->m);
        return;
    }
    if (listener_rx(t, now, &a->ip, &a->seg, a->m))
        return;
    flow_send_reset(t, &a->ip, &a->seg);
    outer_drop(t->outer,
               a->seg.dst_port == t->config.listen_port ? WGT_DROP_TCP_NO_CONNECTION
                                                        : WGT_DROP_TCP_PORT,
               a->m);
}

void
tcp_transport_rx_end(struct tcp_transport *t, wgt_time now)
{
    unsigned n = t->n_arrived;

    t->n_arrived = 0;
    guess_flows(t, n);
    find_flows(t, n);
    fetch_sent(t, n);
    for (unsigned i = 0; i < n; i++)
        take_turn(t, now, &t->arrived[i]);
}
