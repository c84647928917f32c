/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/dataplane/neighbours.h>

#include <errno.h>
#include <stdlib.h>

#include <wgtcpd/wire/arp.h>

static const struct eth_addr broadcast = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

int
neighbours_init(struct neighbours *n, const char *name)
{
    struct rte_hash_parameters params = {
        .name = name,
        .entries = NEIGHBOURS_MAX,
        .key_len = sizeof(struct ip_addr),
        .extra_flag = RTE_HASH_EXTRA_FLAGS_EXT_TABLE,
    };

    n->table = rte_hash_create(&params);
    n->entries = calloc(NEIGHBOURS_MAX, sizeof(*n->entries));
    n->next_run = WGT_NEVER;
    n->last = NULL;
    if (n->table != NULL && n->entries != NULL)
        return 0;
    neighbours_fini(n);
    return -ENOMEM;
}

void
neighbours_fini(struct neighbours *n)
{
    for (unsigned i = 0; n->entries != NULL && i < NEIGHBOURS_MAX; i++)
        if (n->entries[i].in_use)
            packet_queue_purge(&n->entries[i].waiting);
    rte_hash_free(n->table);
    free(n->entries);
    n->table = NULL;
    n->entries = NULL;
}

/* --- the table -----------------------------------------------------------------------------------
 */

static struct neighbour *
find(const struct neighbours *n, const struct ip_addr *addr)
{
    void *data;

    return rte_hash_lookup_data(n->table, addr, &data) >= 0 ? data : NULL;
}

static void
give_up_waiting(struct neighbours *n, wgt_time now, struct neighbour *e)
{
    uint32_t waiting = e->waiting.count;
    struct rte_mbuf *m;

    n->n_waiting -= waiting;
    if (n->unreachable == NULL) {
        n->drops->n[WGT_DROP_NEIGHBOUR_UNRESOLVED] += waiting;
        packet_queue_purge(&e->waiting);
        return;
    }
    while ((m = packet_queue_pop(&e->waiting)) != NULL)
        n->unreachable(n->owner, now, m);
}

static void
forget(struct neighbours *n, wgt_time now, struct neighbour *e)
{
    give_up_waiting(n, now, e);
    rte_hash_del_key(n->table, &e->addr);
    if (e->probing)
        n->n_probing--;
    if (n->last == e)
        n->last = NULL;
    e->in_use = false;
}

/* A free entry; when there is none, the one unused longest. */
static struct neighbour *
make_room(struct neighbours *n, wgt_time now)
{
    struct neighbour *oldest = &n->entries[0];

    for (unsigned i = 0; i < NEIGHBOURS_MAX; i++) {
        if (!n->entries[i].in_use)
            return &n->entries[i];
        if (n->entries[i].used < oldest->used)
            oldest = &n->entries[i];
    }
    forget(n, now, oldest);
    return oldest;
}

static struct neighbour *
add(struct neighbours *n, wgt_time now, const struct ip_addr *addr)
{
    struct neighbour *e = make_room(n, now);

    *e = (struct neighbour){.addr = *addr, .in_use = true, .used = now};
    packet_queue_init(&e->waiting);
    if (rte_hash_add_key_data(n->table, addr, e) == 0)
        return e;
    e->in_use = false;
    return NULL;
}

/* --- asking --------------------------------------------------------------------------------------
 */

static inline void
send_under(struct neighbours *n, struct rte_mbuf *m, const uint8_t header[ETH_HEADER_LEN])
{
    char *p = rte_pktmbuf_prepend(m, ETH_HEADER_LEN);

    if (unlikely(p == NULL)) {
        wgt_drop_count(n->drops, WGT_DROP_NO_BUFFER);
        rte_pktmbuf_free(m);
        return;
    }
    memcpy(p, header, ETH_HEADER_LEN);
    n->tx(n->ctx, m);
}

static void
write_header(const struct neighbours *n, const struct eth_addr *dst, uint16_t type,
             uint8_t header[ETH_HEADER_LEN])
{
    struct eth_header h = {.dst = *dst, .src = n->eth, .type = type};

    eth_write(header, &h);
}

static void
send_frame(struct neighbours *n, struct rte_mbuf *m, const struct eth_addr *dst, uint16_t type)
{
    uint8_t header[ETH_HEADER_LEN];

    write_header(n, dst, type, header);
    send_under(n, m, header);
}

static struct rte_mbuf *
new_packet(struct neighbours *n)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(n->pool);

    if (m == NULL)
        wgt_drop_count(n->drops, WGT_DROP_NO_BUFFER);
    return m;
}

static void
send_arp(struct neighbours *n, const struct arp_packet *arp, const struct eth_addr *to)
{
    struct rte_mbuf *m = new_packet(n);

    if (m == NULL)
        return;
    arp_write((uint8_t *)rte_pktmbuf_append(m, ARP_LEN), arp);
    send_frame(n, m, to, ETH_ARP);
}

static void
send_nd(struct neighbours *n, const struct ip_addr *src, const struct ip_addr *dst,
        const struct nd_message *nd, const struct eth_addr *to)
{
    struct rte_mbuf *m = new_packet(n);

    if (m == NULL)
        return;
    nd_write((uint8_t *)rte_pktmbuf_append(m, IPV6_HEADER_LEN + ND_LEN), src, dst, nd);
    send_frame(n, m, to, ETH_IPV6);
}

static void
ask(struct neighbours *n, const struct ip_addr *addr)
{
    struct ip_addr source;

    if (!addresses_source(n->addresses, addr, &source))
        return;
    if (addr->family == IP_V4) {
        struct arp_packet arp = {
            .operation = ARP_REQUEST, .sender_eth = n->eth, .sender = source, .target = *addr};

        send_arp(n, &arp, &broadcast);
    } else {
        struct nd_message nd = {
            .type = ICMPV6_NEIGHBOUR_SOLICITATION, .target = *addr, .link_addr = n->eth};
        struct ip_addr group = nd_solicited_node(addr);
        struct eth_addr to = eth_addr_of_multicast(&group);

        send_nd(n, &source, &group, &nd, &to);
    }
}

static void
probe(struct neighbours *n, wgt_time now, struct neighbour *e)
{
    if (!e->probing) {
        e->probing = true;
        e->probes = 0;
        n->n_probing++;
    }
    e->probes++;
    e->next_probe = now + NEIGHBOUR_RETRY;
    n->next_run = wgt_time_min(n->next_run, e->next_probe);
    ask(n, &e->addr);
}

static void
stop_probing(struct neighbours *n, struct neighbour *e)
{
    if (!e->probing)
        return;
    e->probing = false;
    n->n_probing--;
}

static uint16_t
eth_type_of(const struct ip_addr *a)
{
    return a->family == IP_V4 ? ETH_IPV4 : ETH_IPV6;
}

static void
learn(struct neighbours *n, wgt_time now, struct neighbour *e, const struct eth_addr *eth)
{
    struct rte_mbuf *m;

    write_header(n, eth, eth_type_of(&e->addr), e->header);
    e->resolved = true;
    e->confirmed = now;
    stop_probing(n, e);
    n->n_waiting -= e->waiting.count;
    while ((m = packet_queue_pop(&e->waiting)) != NULL)
        send_under(n, m, e->header);
}

/* --- sending -------------------------------------------------------------------------------------
 */

static struct ip_addr
destination_of(const struct rte_mbuf *m)
{
    const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);

    return ip_is_v4(p) ? ip_addr_v4(p + 16) : ip_addr_v6(p + 24);
}

static bool
next_hop(const struct neighbours *n, const struct ip_addr *dst, struct ip_addr *hop)
{
    const struct address_route *r = addresses_route(n->addresses, dst);

    if (r == NULL)
        return false;
    *hop = r->via.family == IP_NONE ? *dst : r->via;
    return true;
}

static void
wait_for(struct neighbours *n, wgt_time now, struct neighbour *e, struct rte_mbuf *m)
{
    if (e->waiting.count >= NEIGHBOUR_QUEUE_MAX) {
        wgt_drop_count(n->drops, WGT_DROP_NEIGHBOUR_QUEUE);
        rte_pktmbuf_free(packet_queue_pop(&e->waiting));
        n->n_waiting--;
    }
    if (n->n_waiting < NEIGHBOUR_WAITING_MAX) {
        packet_queue_push(&e->waiting, m);
        n->n_waiting++;
    } else {
        wgt_drop_count(n->drops, WGT_DROP_NEIGHBOUR_QUEUE);
        rte_pktmbuf_free(m);
    }
    if (!e->probing)
        probe(n, now, e);
}

/* NULL: the reason in *why. */
static struct neighbour *
neighbour_towards(struct neighbours *n, wgt_time now, const struct ip_addr *dst, enum wgt_drop *why)
{
    struct neighbour *e;
    struct ip_addr hop;

    *why = WGT_DROP_NO_ROUTE;
    if (!next_hop(n, dst, &hop))
        return NULL;
    *why = WGT_DROP_NEIGHBOUR_QUEUE;
    e = n->last;
    if (e == NULL || !ip_addr_equal(&e->addr, &hop))
        e = find(n, &hop);
    if (e == NULL)
        e = add(n, now, &hop);
    n->last = e;
    n->last_dst = *dst;
    return e;
}

/* Whether the packet goes where the last one went. */
static inline bool
goes_to_last(const struct neighbours *n, const struct rte_mbuf *m)
{
    const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);

    if (n->last == NULL)
        return false;
    if (ip_is_v4(p))
        return n->last_dst.family == IP_V4 && memcmp(p + 16, n->last_dst.bytes, 4) == 0;
    return n->last_dst.family == IP_V6 && memcmp(p + 24, n->last_dst.bytes, 16) == 0;
}

static __rte_noinline void
send_unconfirmed(struct neighbours *n, wgt_time now, struct neighbour *e, struct rte_mbuf *m)
{
    if (!e->resolved) {
        wait_for(n, now, e, m);
        return;
    }
    if (!e->probing)
        probe(n, now, e);
    send_under(n, m, e->header);
}

static inline void
send_to(struct neighbours *n, wgt_time now, struct neighbour *e, struct rte_mbuf *m)
{
    e->used = now;
    if (likely(e->resolved && now - e->confirmed < NEIGHBOUR_REACHABLE_TIME))
        send_under(n, m, e->header);
    else
        send_unconfirmed(n, now, e, m);
}

static __rte_noinline void
send_anywhere(struct neighbours *n, wgt_time now, struct rte_mbuf *m)
{
    struct ip_addr dst = destination_of(m);
    enum wgt_drop why;
    struct neighbour *e = neighbour_towards(n, now, &dst, &why);

    if (e != NULL) {
        send_to(n, now, e, m);
        return;
    }
    wgt_drop_count(n->drops, why);
    rte_pktmbuf_free(m);
}

void
neighbours_send(struct neighbours *n, wgt_time now, struct rte_mbuf *m)
{
    if (likely(goes_to_last(n, m)))
        send_to(n, now, n->last, m);
    else
        send_anywhere(n, now, m);
}

/* --- hearing -------------------------------------------------------------------------------------
 */

/* Known neighbours are updated by anything they say; new ones are learnt only from those who asked
 * for us, so that nobody fills the table with strangers. */
static void
hear(struct neighbours *n, wgt_time now, const struct ip_addr *addr, const struct eth_addr *eth,
     bool asked_for_us)
{
    struct neighbour *e = find(n, addr);
    struct ip_addr hop;

    if (e == NULL && asked_for_us && next_hop(n, addr, &hop) && ip_addr_equal(addr, &hop))
        e = add(n, now, addr);
    if (e != NULL)
        learn(n, now, e, eth);
}

void
neighbours_rx_arp(struct neighbours *n, wgt_time now, struct rte_mbuf *m)
{
    struct arp_packet in;
    enum wgt_drop why =
        arp_parse(rte_pktmbuf_mtod(m, const uint8_t *), rte_pktmbuf_data_len(m), &in);
    bool for_us;

    rte_pktmbuf_free(m);
    if (why != WGT_OK) {
        wgt_drop_count(n->drops, why);
        return;
    }
    for_us = addresses_are_local(n->addresses, &in.target);
    if (!addresses_are_local(n->addresses, &in.sender))
        hear(n, now, &in.sender, &in.sender_eth, for_us);
    if (n->silent)
        return;
    if (!for_us)
        wgt_drop_count(n->drops, WGT_DROP_ARP_NOT_FOR_US);
    else if (in.operation == ARP_REQUEST) {
        struct arp_packet out = {.operation = ARP_REPLY,
                                 .sender_eth = n->eth,
                                 .sender = in.target,
                                 .target_eth = in.sender_eth,
                                 .target = in.sender};

        send_arp(n, &out, &in.sender_eth);
    }
}

static bool
is_unspecified(const struct ip_addr *a)
{
    static const uint8_t zero[16];

    return memcmp(a->bytes, zero, 16) == 0;
}

static void
answer_solicitation(struct neighbours *n, wgt_time now, const struct ip_header *ip,
                    const struct nd_message *in)
{
    static const struct ip_addr all_nodes = {.family = IP_V6, .bytes = {0xff, 0x02, [15] = 1}};
    struct nd_message out = {.type = ICMPV6_NEIGHBOUR_ADVERTISEMENT,
                             .target = in->target,
                             .link_addr = n->eth,
                             .override = true,
                             .router = n->router};

    if (is_unspecified(&ip->src)) { /* somebody's duplicate address detection: to all nodes */
        struct eth_addr to = eth_addr_of_multicast(&all_nodes);

        if (!n->silent)
            send_nd(n, &in->target, &all_nodes, &out, &to);
        return;
    }
    if (!in->has_link_addr)
        return;
    hear(n, now, &ip->src, &in->link_addr, true);
    out.solicited = true;
    if (!n->silent)
        send_nd(n, &in->target, &ip->src, &out, &in->link_addr);
}

void
neighbours_rx_nd(struct neighbours *n, wgt_time now, const struct ip_header *ip,
                 const struct nd_message *nd, struct rte_mbuf *m)
{
    rte_pktmbuf_free(m);
    if (nd->type == ICMPV6_NEIGHBOUR_ADVERTISEMENT) {
        if (nd->has_link_addr && !addresses_are_local(n->addresses, &nd->target))
            hear(n, now, &nd->target, &nd->link_addr, false);
    } else if (addresses_are_local(n->addresses, &nd->target)) {
        answer_solicitation(n, now, ip, nd);
    } else if (!n->silent) {
        wgt_drop_count(n->drops, WGT_DROP_ND_NOT_FOR_US);
    }
}

static void
tell_who_we_are(struct neighbours *n)
{
    static const struct ip_addr all_nodes = {.family = IP_V6, .bytes = {0xff, 0x02, [15] = 1}};
    struct eth_addr to = eth_addr_of_multicast(&all_nodes);

    for (unsigned i = 0; i < n->addresses->n_locals; i++) {
        const struct ip_addr *a = &n->addresses->locals[i].addr;

        if (a->family == IP_V4) {
            struct arp_packet arp = {
                .operation = ARP_REQUEST, .sender_eth = n->eth, .sender = *a, .target = *a};

            send_arp(n, &arp, &broadcast);
        } else {
            struct nd_message nd = {.type = ICMPV6_NEIGHBOUR_ADVERTISEMENT,
                                    .target = *a,
                                    .link_addr = n->eth,
                                    .override = true,
                                    .router = n->router};

            send_nd(n, a, &all_nodes, &nd, &to);
        }
    }
}

static void
announce_if_due(struct neighbours *n, wgt_time now)
{
    if (n->announcements == 0)
        return;
    if (now >= n->next_announcement) {
        n->announcements--;
        n->next_announcement = now + (WGT_SEC << (NEIGHBOUR_ANNOUNCEMENTS - 1 - n->announcements));
        tell_who_we_are(n);
    }
    if (n->announcements > 0)
        n->next_run = wgt_time_min(n->next_run, n->next_announcement);
}

void
neighbours_announce(struct neighbours *n, wgt_time now)
{
    n->announcements = NEIGHBOUR_ANNOUNCEMENTS;
    n->next_announcement = now;
    announce_if_due(n, now);
}

/* --- time ----------------------------------------------------------------------------------------
 */

/* Where nobody wants to hear of lost packets, the last known address remains: a link that was down
 * comes back with the same machines on it, and the first packet goes out at once instead of after
 * the next answer. RFC 1122 2.3.2.1 is kept: packets to it go on asking, and whoever answers from
 * elsewhere is believed. */
static void
probe_again(struct neighbours *n, wgt_time now, struct neighbour *e)
{
    if (e->probes < NEIGHBOUR_PROBES)
        probe(n, now, e);
    else if (e->resolved && n->unreachable == NULL)
        stop_probing(n, e);
    else
        forget(n, now, e);
}

void
neighbours_run(struct neighbours *n, wgt_time now)
{
    if (now < n->next_run)
        return;
    n->next_run = WGT_NEVER;
    announce_if_due(n, now);
    for (unsigned i = 0; i < NEIGHBOURS_MAX && n->n_probing > 0; i++) {
        struct neighbour *e = &n->entries[i];

        if (!e->in_use || !e->probing)
            continue;
        if (now >= e->next_probe)
            probe_again(n, now, e);
        else
            n->next_run = wgt_time_min(n->next_run, e->next_probe);
    }
}

wgt_time
neighbours_deadline(const struct neighbours *n)
{
    return n->next_run;
}
