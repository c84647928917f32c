/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/dataplane/fragments.h>

#include <errno.h>

#include <wgtcpd/transport/packet.h>
#include <wgtcpd/wire/checksum.h>
#include <wgtcpd/wire/ip.h>

enum {
    BUCKETS = 64,
    BUCKET_ENTRIES = 4,
    IPV6_FRAGMENT = 44,
    IPV6_FRAGMENT_LEN = 8,
    IPV6_FRAGMENT_ID = 4, /* offset in its header */
};

int
fragments_init(struct fragments *f, struct wgt_drop_counters *drops)
{
    /* The library counts time in units of the caller's choice. */
    f->table = rte_ip_frag_table_create(BUCKETS, BUCKET_ENTRIES, FRAGMENTS_DATAGRAMS_MAX,
                                        FRAGMENTS_TIME, SOCKET_ID_ANY);
    f->dead.cnt = 0;
    f->drops = drops;
    f->reassembled = 0;
    return f->table != NULL ? 0 : -ENOMEM;
}

void
fragments_fini(struct fragments *f)
{
    if (f->table != NULL)
        rte_ip_frag_table_destroy(f->table);
    f->table = NULL;
}

/* --- putting together ----------------------------------------------------------------------------
 */

static struct rte_mbuf *
drop(struct fragments *f, enum wgt_drop why, struct rte_mbuf *m)
{
    wgt_drop_count(f->drops, why);
    rte_pktmbuf_free(m);
    return NULL;
}

/* The library names them in its own "death row": parts that made no sense, and old ones. */
static void
bury_dead(struct fragments *f)
{
    f->drops->n[WGT_DROP_IP_REASSEMBLY] += f->dead.cnt;
    rte_ip_frag_free_death_row(&f->dead, 0);
}

/* Header and lengths were checked by ip_parse; what lies behind the packet is link padding. */
static struct rte_mbuf *
add_v4(struct fragments *f, wgt_time now, struct rte_mbuf *m)
{
    uint8_t *p = rte_pktmbuf_mtod(m, uint8_t *);

    if (p[9] != IP_PROTO_UDP)
        return drop(f, WGT_DROP_IP_FRAGMENT, m);
    packet_set(m, p, get_be16(p + 2));
    m->l3_len = ipv4_header_len(p) & 0x1ff;
    return rte_ipv4_frag_reassemble_packet(f->table, &f->dead, m, now, (void *)p);
}

/* With the fragment header first, as everybody sends it. */
static struct rte_mbuf *
add_v6(struct fragments *f, wgt_time now, struct rte_mbuf *m)
{
    uint8_t *p = rte_pktmbuf_mtod(m, uint8_t *), *fragment = p + IPV6_HEADER_LEN;
    size_t payload = get_be16(p + 4);

    if (p[6] != IPV6_FRAGMENT || payload <= IPV6_FRAGMENT_LEN || fragment[0] != IP_PROTO_UDP)
        return drop(f, WGT_DROP_IP_FRAGMENT, m);
    packet_set(m, p, IPV6_HEADER_LEN + payload);
    m->l3_len = IPV6_HEADER_LEN + IPV6_FRAGMENT_LEN;
    return rte_ipv6_frag_reassemble_packet(f->table, &f->dead, m, now, (void *)p, (void *)fragment);
}

struct rte_mbuf *
fragments_add(struct fragments *f, wgt_time now, struct rte_mbuf *m)
{
    m->l2_len = 0;
    /* What hardware said was about the part. */
    m->ol_flags = 0;
    m = ip_is_v4(rte_pktmbuf_mtod(m, const uint8_t *)) ? add_v4(f, now, m) : add_v6(f, now, m);
    if (f->dead.cnt > 0)
        bury_dead(f);
    if (m == NULL)
        return NULL;
    /* Larger than a buffer: no message of ours. */
    if (rte_pktmbuf_linearize(m) != 0)
        return drop(f, WGT_DROP_IP_REASSEMBLY, m);
    m->ol_flags = 0;
    f->reassembled++;
    return m;
}

/* --- cutting -------------------------------------------------------------------------------------
 */

static void
finish_v4(struct rte_mbuf *m)
{
    uint8_t *p = rte_pktmbuf_mtod(m, uint8_t *);

    put_be16(p + 10, 0);
    put_be16(p + 10, checksum_ipv4_header(p, ipv4_header_len(p)));
}

/* The library leaves the identification zero. */
static void
finish_v6(struct rte_mbuf *m, uint32_t id)
{
    put_be32(rte_pktmbuf_mtod_offset(m, uint8_t *, IPV6_HEADER_LEN + IPV6_FRAGMENT_ID), id);
}

/* The library's parts share the packet's bytes; ours are whole, as neighbours and ports expect. */
static bool
finish_all(struct rte_mbuf **out, int n, bool v4, uint32_t id)
{
    for (int i = 0; i < n; i++) {
        if (rte_pktmbuf_linearize(out[i]) != 0)
            return false;
        out[i]->ol_flags = 0;
        if (v4)
            finish_v4(out[i]);
        else
            finish_v6(out[i], id);
    }
    return true;
}

unsigned
fragments_cut(struct rte_mempool *pool, struct rte_mbuf *m, uint16_t mtu, uint32_t id,
              struct rte_mbuf *out[FRAGMENTS_OUT_MAX])
{
    bool v4 = ip_is_v4(rte_pktmbuf_mtod(m, const uint8_t *));
    int n;

    m->l2_len = 0;
    n = v4 ? rte_ipv4_fragment_packet(m, out, FRAGMENTS_OUT_MAX, mtu, pool, pool)
           : rte_ipv6_fragment_packet(m, out, FRAGMENTS_OUT_MAX, mtu, pool, pool);
    if (n > 0 && !finish_all(out, n, v4, id)) {
        rte_pktmbuf_free_bulk(out, (unsigned)n);
        n = 0;
    }
    rte_pktmbuf_free(m);
    return n > 0 ? (unsigned)n : 0;
}
