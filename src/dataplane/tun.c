/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/dataplane/tun.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <unistd.h>

int
tun_open(struct tun_port *p, const char *name)
{
    struct ifreq ifr = {.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_TUN_EXCL};
    int rc;

    p->error = 0;
    p->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (p->fd < 0)
        return -errno;
    snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
    if (ioctl(p->fd, TUNSETIFF, &ifr) < 0) {
        rc = -errno;
        tun_close(p);
        return rc;
    }
    snprintf(p->name, sizeof(p->name), "%s", ifr.ifr_name);
    return 0;
}

void
tun_close(struct tun_port *p)
{
    if (p->fd >= 0)
        close(p->fd);
    p->fd = -1;
}

unsigned
tun_rx_burst(struct tun_port *p, struct rte_mempool *pool, struct rte_mbuf **packets, unsigned n)
{
    unsigned got = 0;

    while (got < n) {
        struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
        ssize_t len;

        if (m == NULL)
            break;
        len = read(p->fd, rte_pktmbuf_mtod(m, void *), rte_pktmbuf_tailroom(m));
        if (len <= 0) {
            rte_pktmbuf_free(m);
            /* EIO: the interface is down; EBADFD: it was deleted. */
            if (len < 0 && errno == EBADFD)
                p->error = errno;
            break;
        }
        m->data_len = (uint16_t)len;
        m->pkt_len = (uint32_t)len;
        packets[got++] = m;
    }
    return got;
}

bool
tun_tx(struct tun_port *p, struct rte_mbuf *m)
{
    ssize_t len = write(p->fd, rte_pktmbuf_mtod(m, const void *), rte_pktmbuf_data_len(m));

    rte_pktmbuf_free(m);
    return len > 0;
}
