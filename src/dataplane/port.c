/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/dataplane/port.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_ethdev.h>

#include <wgtcpd/dataplane/tun.h>

enum { RX_DESCRIPTORS = 512, TX_DESCRIPTORS = 512 };

/* A vdev's name is what stands before its first comma; a PCI device is named by its full address.
 */
static int
find_port(const char *device, uint16_t *id)
{
    char name[RTE_ETH_NAME_MAX_LEN];
    size_t len = strcspn(device, ",");

    snprintf(name, sizeof(name), "%.*s", (int)len, device);
    if (rte_eth_dev_get_port_by_name(name, id) == 0)
        return 0;
    snprintf(name, sizeof(name), "0000:%.*s", (int)len, device);
    return rte_eth_dev_get_port_by_name(name, id);
}

/* net_tap offers checksums but computes them in software, slower than we do. */
static bool
offloads_are_real(const struct port *p)
{
    return strcmp(p->driver, "net_tap") != 0;
}

static void
choose_offloads(struct port *p, const struct rte_eth_dev_info *info, struct rte_eth_conf *conf)
{
    uint64_t rx =
        RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_CKSUM;

    if (!offloads_are_real(p))
        return;
    if ((info->rx_offload_capa & rx) == rx) {
        conf->rxmode.offloads |= rx;
        p->rx_checksums = true;
    }
    if (info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_UDP_CKSUM) {
        conf->txmode.offloads |= RTE_ETH_TX_OFFLOAD_UDP_CKSUM;
        p->tx_udp_checksum = true;
    }
    if (info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_TCP_CKSUM) {
        conf->txmode.offloads |= RTE_ETH_TX_OFFLOAD_TCP_CKSUM;
        p->tx_tcp_checksum = true;
    }
    if (p->vlan == 0)
        return;
    if (info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_VLAN_STRIP) {
        conf->rxmode.offloads |= RTE_ETH_RX_OFFLOAD_VLAN_STRIP;
        p->vlan_strip = true;
    }
    if (info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_VLAN_INSERT) {
        conf->txmode.offloads |= RTE_ETH_TX_OFFLOAD_VLAN_INSERT;
        p->vlan_insert = true;
    }
}

/* --- several queues ------------------------------------------------------------------------------
 */

static const uint64_t rss_tcp = RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_NONFRAG_IPV6_TCP;
static const uint64_t rss_udp = RTE_ETH_RSS_NONFRAG_IPV4_UDP | RTE_ETH_RSS_NONFRAG_IPV6_UDP;

static uint16_t
queues_of(const struct port_config *c, const struct rte_eth_dev_info *info)
{
    uint16_t n = RTE_MIN(info->max_rx_queues, info->max_tx_queues);

    return RTE_MAX(RTE_MIN(n, c->queues), 1);
}

/* Segments come to the worker that has their connection; datagrams are spread, and go on to theirs
 * by the receiver index in them, which no hardware knows. */
static void
choose_rss(struct port *p, const struct port_config *c, const struct rte_eth_dev_info *info,
           struct rte_eth_conf *conf)
{
    uint64_t types = info->flow_type_rss_offloads & (rss_tcp | rss_udp);

    if (p->queues == 1 || c->steer == NULL || types == 0 || info->hash_key_size > STEER_KEY_LEN)
        return;
    conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
    conf->rx_adv_conf.rss_conf = (struct rte_eth_rss_conf){
        .rss_key = (uint8_t *)(uintptr_t)c->steer->key,
        .rss_key_len = info->hash_key_size != 0 ? info->hash_key_size : STEER_KEY_DEFAULT,
        .rss_hf = types,
    };
    if (info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_RSS_HASH) {
        conf->rxmode.offloads |= RTE_ETH_RX_OFFLOAD_RSS_HASH;
        p->rx_hash = (types & rss_tcp) == rss_tcp;
    }
}

/* A driver may take a key and use another. */
static bool
hashes_under(const struct port *p, const struct steer *s)
{
    uint8_t key[STEER_KEY_LEN];
    struct rte_eth_rss_conf conf = {.rss_key = key, .rss_key_len = sizeof(key)};

    return rte_eth_dev_rss_hash_conf_get(p->id, &conf) == 0 && (conf.rss_hf & rss_tcp) == rss_tcp &&
           memcmp(key, s->key, STEER_KEY_DEFAULT) == 0;
}

/* Where the hardware has another table or none, segments go on to their worker by software. */
static void
fill_rss_table(struct port *p, const struct steer *s, const struct rte_eth_dev_info *info)
{
    struct rte_eth_rss_reta_entry64 table[RTE_ETH_RSS_RETA_SIZE_512 / RTE_ETH_RETA_GROUP_SIZE];

    p->rx_hash = p->rx_hash && hashes_under(p, s);
    if (info->reta_size == 0 || info->reta_size > RTE_ETH_RSS_RETA_SIZE_512)
        return;
    for (uint16_t i = 0; i < info->reta_size; i++) {
        struct rte_eth_rss_reta_entry64 *group = &table[i / RTE_ETH_RETA_GROUP_SIZE];

        group->mask = UINT64_MAX;
        group->reta[i % RTE_ETH_RETA_GROUP_SIZE] = (uint16_t)(steer_hash(s, i) % p->queues);
    }
    (void)rte_eth_dev_rss_reta_update(p->id, table, info->reta_size);
}

static int
configure(struct port *p, const struct port_config *c, const struct rte_eth_dev_info *info)
{
    struct rte_eth_conf conf = {.intr_conf.rxq = 1};
    int rc;

    p->queues = queues_of(c, info);
    choose_offloads(p, info, &conf);
    choose_rss(p, c, info, &conf);
    p->rx_interrupt = true;
    rc = rte_eth_dev_configure(p->id, p->queues, p->queues, &conf);
    if (rc == 0)
        return 0;
    /* Not every driver has Rx interrupts; the worker naps instead. */
    p->rx_interrupt = false;
    conf.intr_conf.rxq = 0;
    return rte_eth_dev_configure(p->id, p->queues, p->queues, &conf);
}

static int
set_up_queues(struct port *p, struct rte_mempool *pool)
{
    uint16_t rx = RX_DESCRIPTORS, tx = TX_DESCRIPTORS;
    unsigned socket = (unsigned)rte_eth_dev_socket_id(p->id);
    int rc = rte_eth_dev_adjust_nb_rx_tx_desc(p->id, &rx, &tx);

    for (uint16_t i = 0; i < p->queues && rc == 0; i++) {
        rc = rte_eth_rx_queue_setup(p->id, i, rx, socket, NULL, pool);
        if (rc == 0)
            rc = rte_eth_tx_queue_setup(p->id, i, tx, socket, NULL);
    }
    return rc;
}

static int
set_mtu(struct port *p, uint16_t mtu)
{
    int rc = mtu != 0 ? rte_eth_dev_set_mtu(p->id, mtu) : 0;

    if (rc == 0)
        rc = rte_eth_dev_get_mtu(p->id, &p->mtu);
    return rc;
}

static int
fail(char *error, size_t len, const char *device, const char *what, int rc)
{
    snprintf(error, len, "port %s: %s: %s", device, what, strerror(rc < 0 ? -rc : rc));
    return -1;
}

/* An address that is not the kernel end's. */
static void
part_from_kernel_end(struct port *p, uint64_t identity)
{
    p->eth.bytes[0] = 0x02; /* locally administered */
    for (unsigned i = 1; i < ETH_ADDR_LEN; i++)
        p->eth.bytes[i] = (uint8_t)(identity >> 8 * i);
}

static void
close_taps(struct port *p)
{
    for (uint16_t i = 0; i < p->queues; i++)
        tun_close(&p->taps[i]);
    free(p->taps);
    p->taps = NULL;
}

/* One that was there before may have a single queue. */
static int
open_taps(struct port *p, const struct port_config *c)
{
    const enum wgt_drop tx = c->inner ? WGT_DROP_INNER_TX : WGT_DROP_OUTER_TX;
    uint16_t wanted = RTE_MAX(c->queues, 1);
    int rc = 0;

    p->taps = calloc(wanted, sizeof(*p->taps));
    if (p->taps == NULL)
        return -ENOMEM;
    for (p->queues = 0; p->queues < wanted && rc == 0; p->queues += rc == 0)
        rc = tap_open(&p->taps[p->queues], c->tap, wanted > 1, c->offload, c->inner, tx);
    if (rc == -EINVAL && p->queues == 0 && wanted > 1) {
        rc = tap_open(&p->taps[0], c->tap, false, c->offload, c->inner, tx);
        p->queues = rc == 0;
    }
    p->mtu = c->mtu;
    if (rc == 0)
        rc = tap_up(&p->taps[0], &p->mtu);
    if (rc != 0)
        close_taps(p);
    return rc;
}

static int
start_tap(struct port *p, const struct port_config *c, char *error, size_t error_len)
{
    int rc = open_taps(p, c);

    if (rc != 0)
        return fail(error, error_len, c->device, "the kernel's TAP cannot be had", rc);
    snprintf(p->driver, sizeof(p->driver), "tap");
    p->rx_interrupt = true;
    p->rx_checksums = p->tx_udp_checksum = p->tx_tcp_checksum = p->taps[0].offload;
    part_from_kernel_end(p, c->identity);
    return 0;
}

int
port_start(struct port *p, const struct port_config *c, struct rte_mempool *pool, char *error,
           size_t error_len)
{
    const char *device = c->device;
    struct rte_eth_dev_info info;
    struct rte_ether_addr eth;
    int rc;

    *p = (struct port){.vlan = c->vlan};
    if (c->tap != NULL)
        return start_tap(p, c, error, error_len);
    rc = find_port(device, &p->id);
    if (rc != 0)
        return fail(error, error_len, device, "DPDK made no such device", rc);
    rc = rte_eth_dev_info_get(p->id, &info);
    if (rc != 0)
        return fail(error, error_len, device, "no information", rc);
    snprintf(p->driver, sizeof(p->driver), "%s", info.driver_name);
    rc = configure(p, c, &info);
    if (rc != 0)
        return fail(error, error_len, device, "cannot be configured", rc);
    rc = set_mtu(p, c->mtu);
    if (rc != 0)
        return fail(error, error_len, device, "MTU refused", rc);
    rc = set_up_queues(p, pool);
    if (rc != 0)
        return fail(error, error_len, device, "queues cannot be set up", rc);
    rc = rte_eth_dev_start(p->id);
    if (rc != 0)
        return fail(error, error_len, device, "cannot be started", rc);
    if (p->queues > 1 && c->steer != NULL)
        fill_rss_table(p, c->steer, &info);
    rc = rte_eth_macaddr_get(p->id, &eth);
    if (rc != 0)
        return fail(error, error_len, device, "has no address", rc);
    memcpy(p->eth.bytes, eth.addr_bytes, ETH_ADDR_LEN);
    if (strcmp(p->driver, "net_tap") == 0)
        part_from_kernel_end(p, c->identity);
    /* Solicited-node multicast; drivers that can't filter deliver everything anyway. */
    (void)rte_eth_allmulticast_enable(p->id);
    return 0;
}

void
port_stop(struct port *p)
{
    if (p->taps != NULL) {
        close_taps(p);
        return;
    }
    rte_eth_dev_stop(p->id);
    rte_eth_dev_close(p->id);
}
