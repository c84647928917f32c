/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/dataplane/tun.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* Linux 6.2; both or none. */
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

/* --- opening -------------------------------------------------------------------------------------
 */

static int
set_header(int fd)
{
    int len = VNET_HEADER_LEN, little_endian = 1;

    if (ioctl(fd, TUNSETVNETHDRSZ, &len) < 0 || ioctl(fd, TUNSETVNETLE, &little_endian) < 0)
        return -errno;
    return 0;
}

/* What the kernel may hand out. That it takes the same from us is its habit, but for UDP, which
 * older ones know in neither direction. */
static void
set_offload(struct tun_port *p, bool offload)
{
    const unsigned long tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
    bool udp = offload && ioctl(p->fd, TUNSETOFFLOAD, tcp | TUN_F_USO4 | TUN_F_USO6) == 0;

    if (offload && !udp && ioctl(p->fd, TUNSETOFFLOAD, tcp) != 0)
        offload = false;
    p->offload = offload;
    coalesce_init(&p->joined, offload, udp);
}

static int
set_up(struct tun_port *p, const char *name, bool offload)
{
    struct ifreq ifr = {.ifr_flags = (short)(p->kind | IFF_NO_PI | IFF_VNET_HDR)};
    int rc;

    snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
    if (ioctl(p->fd, TUNSETIFF, &ifr) < 0)
        return -errno;
    snprintf(p->name, sizeof(p->name), "%s", ifr.ifr_name);
    rc = set_header(p->fd);
    if (rc == 0)
        set_offload(p, offload);
    return rc;
}

static int
open_device(struct tun_port *p, const char *name, bool offload)
{
    int rc = -ENOMEM;

    p->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (p->fd < 0)
        return -errno;
    p->super = malloc(TUN_SUPER_ROOM);
    if (p->super != NULL)
        rc = set_up(p, name, offload);
    if (rc != 0)
        tun_close(p);
    return rc;
}

/* The first makes the device, the others join it. */
static int
open_queue(struct tun_port *p, bool first, bool several, const char *name, bool offload)
{
    int kind = IFF_TUN | (first ? IFF_TUN_EXCL : 0) | (several ? IFF_MULTI_QUEUE : 0);

    *p = (struct tun_port){
        .kind = kind,
        .reasons = {WGT_DROP_INNER_OFFLOAD, WGT_DROP_INNER_TOO_BIG, WGT_DROP_INNER_TX}};
    return open_device(p, name, offload);
}

int
tun_open(struct tun_port *queues, unsigned n, const char *name, bool offload)
{
    unsigned made = 0;
    int rc = 0;

    for (; made < n && rc == 0; made++)
        rc = open_queue(&queues[made], made == 0, n > 1, name, offload);
    for (unsigned i = 0; rc != 0 && i < made; i++)
        tun_close(&queues[i]);
    return rc;
}

int
tap_open(struct tun_port *p, const char *name, bool several, bool offload, bool complete,
         enum wgt_drop tx)
{
    *p = (struct tun_port){
        .ethernet = true,
        .kind = several ? IFF_TAP | IFF_MULTI_QUEUE : IFF_TAP,
        .complete = complete,
        .reasons = {WGT_DROP_ETH_OFFLOAD, WGT_DROP_ETH_TOO_BIG, tx},
    };
    return open_device(p, name, offload);
}

/* The interface's MTU and flags, through any socket. */
static int
bring_up(int s, const char *name, uint16_t *mtu)
{
    struct ifreq ifr = {.ifr_mtu = *mtu};

    snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
    if ((*mtu != 0 && ioctl(s, SIOCSIFMTU, &ifr) < 0) || ioctl(s, SIOCGIFMTU, &ifr) < 0)
        return -errno;
    *mtu = ifr.ifr_mtu < UINT16_MAX ? (uint16_t)ifr.ifr_mtu : UINT16_MAX;
    if (ioctl(s, SIOCGIFFLAGS, &ifr) < 0)
        return -errno;
    ifr.ifr_flags |= IFF_UP;
    return ioctl(s, SIOCSIFFLAGS, &ifr) < 0 ? -errno : 0;
}

int
tap_up(const struct tun_port *p, uint16_t *mtu)
{
    int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc;

    if (s < 0)
        return -errno;
    rc = bring_up(s, p->name, mtu);
    close(s);
    return rc;
}

void
tun_close(struct tun_port *p)
{
    rte_pktmbuf_free_bulk(p->tx_packets, p->joined.n_packets);
    coalesce_clear(&p->joined);
    p->cut.at = p->cut.end;
    free(p->super);
    p->super = NULL;
    if (p->fd >= 0)
        close(p->fd);
    p->fd = -1;
}

/* --- from the kernel -----------------------------------------------------------------------------
 */

enum rx { RX_NONE, RX_PACKET, RX_SUPER, RX_REFUSED };

static void
set_len(struct rte_mbuf *m, size_t len)
{
    m->data_len = (uint16_t)len;
    m->pkt_len = (uint32_t)len;
}

/* One read takes either: what is longer than the mbuf goes on in p->super, at its own place there.
 */
static ssize_t
read_packet(struct tun_port *p, struct rte_mbuf *m, struct vnet_header *h)
{
    size_t room = rte_pktmbuf_tailroom(m);
    uint8_t vnet[VNET_HEADER_LEN];
    struct iovec parts[] = {
        {vnet, sizeof(vnet)},
        {rte_pktmbuf_mtod(m, void *), room},
        {p->super + room, TUN_SUPER_ROOM - room},
    };
    ssize_t len = readv(p->fd, parts, 3);

    if (len < 0) {
        /* EIO: the interface is down; EBADFD: it was deleted. */
        if (errno == EBADFD)
            p->error = errno;
        return -1;
    }
    if (len < VNET_HEADER_LEN)
        return 0;
    vnet_read(h, vnet);
    return len - VNET_HEADER_LEN;
}

/* m has the beginning of a super-packet; the cutter wants it in one piece, and m for what it cuts
 * off. */
static enum wgt_drop
begin_to_cut(struct tun_port *p, const struct vnet_header *h, const struct rte_mbuf *m, size_t len)
{
    size_t room = rte_pktmbuf_tailroom(m);
    enum wgt_drop why;

    memcpy(p->super, rte_pktmbuf_mtod(m, const void *), len < room ? len : room);
    why = p->ethernet ? segment_begin_frame(&p->cut, h, p->super, len, !p->complete)
                      : segment_begin(&p->cut, h, p->super, len);
    if (why != WGT_OK)
        return p->reasons.offload;
    if (segment_max(&p->cut) <= room)
        return WGT_OK;
    p->cut.at = p->cut.end;
    return p->reasons.too_big;
}

/* What is no super-packet, and whole in m. */
static enum wgt_drop
take_as_it_is(const struct tun_port *p, const struct vnet_header *h, struct rte_mbuf *m, size_t len)
{
    uint8_t *packet = rte_pktmbuf_mtod(m, uint8_t *);

    set_len(m, len);
    if (p->ethernet && !p->complete && segment_is_vouched_for(h, packet, len)) {
        m->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_GOOD;
        return WGT_OK;
    }
    return segment_complete(h, packet, len) == WGT_OK ? WGT_OK : p->reasons.offload;
}

static enum rx
read_into(struct tun_port *p, struct rte_mbuf *m)
{
    struct vnet_header h;
    ssize_t len = read_packet(p, m, &h);
    enum wgt_drop why;

    if (len < 0)
        return RX_NONE;
    if (len > 0 && h.gso != VNET_GSO_NONE) {
        why = begin_to_cut(p, &h, m, (size_t)len);
        if (why == WGT_OK) {
            p->stats.rx_supers++;
            return RX_SUPER;
        }
    } else if (len == 0 || (size_t)len > rte_pktmbuf_tailroom(m)) {
        why = p->reasons.too_big;
    } else {
        why = take_as_it_is(p, &h, m, (size_t)len);
        if (why == WGT_OK)
            return RX_PACKET;
    }
    wgt_drop_count(p->drops, why);
    return RX_REFUSED;
}

/* Fills m with a packet: RX_PACKET, RX_NONE or RX_REFUSED. */
static enum rx
receive(struct tun_port *p, struct rte_mbuf *m)
{
    enum rx what = RX_SUPER;

    if (!segment_is_left(&p->cut))
        what = read_into(p, m);
    if (what != RX_SUPER)
        return what;
    set_len(m, segment_next(&p->cut, rte_pktmbuf_mtod(m, uint8_t *)));
    if (p->cut.partial)
        m->ol_flags |= RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD;
    p->stats.rx_cut++;
    return RX_PACKET;
}

unsigned
tun_rx_burst(struct tun_port *p, struct rte_mempool *pool, struct rte_mbuf **packets, unsigned n)
{
    unsigned got = 0;

    for (unsigned i = 0; i < n; i++) {
        struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
        enum rx what = RX_NONE;

        if (m != NULL)
            what = receive(p, m);
        if (what == RX_PACKET)
            packets[got++] = m;
        else
            rte_pktmbuf_free(m);
        if (what == RX_NONE)
            break;
    }
    p->stats.rx += got;
    return got;
}

/* --- to the kernel -------------------------------------------------------------------------------
 */

static bool
write_chain(struct tun_port *p, const struct coalesce_chain *chain, uint8_t vnet[VNET_HEADER_LEN])
{
    struct iovec parts[1 + COALESCE_CHAIN_MAX] = {{vnet, VNET_HEADER_LEN}};
    uint16_t at = chain->first;

    for (unsigned i = 0; i < chain->n; i++) {
        const struct coalesce_packet *packet = &p->joined.packets[at];
        size_t skip = packet->header_len;

        if (i == 0)
            parts[1] =
                (struct iovec){packet->data - packet->link_len, packet->link_len + packet->len};
        else
            parts[1 + i] = (struct iovec){packet->data + skip, packet->len - skip};
        at = packet->next;
    }
    return writev(p->fd, parts, 1 + chain->n) > 0;
}

static void
flush_chain(struct tun_port *p, unsigned i)
{
    const struct coalesce_chain *chain = &p->joined.chains[i];
    uint8_t vnet[VNET_HEADER_LEN];

    coalesce_finish(&p->joined, i, vnet);
    if (!write_chain(p, chain, vnet)) {
        p->drops->n[p->reasons.tx] += chain->n;
        return;
    }
    p->stats.tx += chain->n;
    if (chain->n > 1) {
        p->stats.tx_supers++;
        p->stats.tx_joined += chain->n;
    }
}

void
tun_flush(struct tun_port *p)
{
    if (p->joined.n_packets == 0)
        return;
    for (unsigned i = 0; i < p->joined.n_chains; i++)
        flush_chain(p, i);
    rte_pktmbuf_free_bulk(p->tx_packets, p->joined.n_packets);
    coalesce_clear(&p->joined);
}

void
tun_tx(struct tun_port *p, struct rte_mbuf *m)
{
    if (coalesce_is_full(&p->joined))
        tun_flush(p);
    p->tx_packets[p->joined.n_packets] = m;
    if (p->ethernet)
        coalesce_add_frame(&p->joined, rte_pktmbuf_mtod(m, uint8_t *), rte_pktmbuf_data_len(m),
                           (m->ol_flags & RTE_MBUF_F_TX_L4_MASK) != 0);
    else
        coalesce_add(&p->joined, rte_pktmbuf_mtod(m, uint8_t *), rte_pktmbuf_data_len(m));
}
