/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A device with a real handshaker and tunnel behind it, in virtual time: what the tunnel sends is
 * counted and freed, its worker has its turn when rig_turn (or the device's wait) says so.
 */
#ifndef WGTCPD_TEST_DEVICE_RIG_H
#define WGTCPD_TEST_DEVICE_RIG_H

#include <rte_ring_elem.h>

#include <wgtcpd/control/snapshot.h>
#include <wgtcpd/wire/tcp.h>
#include <wgtcpd/wire/udp.h>

#include "eal_rig.h"

enum { RIG_PEERS_MAX = 6000, RIG_PORT = 51820, RIG_PACKETS = 4095, RIG_MESSAGE_MAX = 2048 };

/* What left last. */
struct rig_sent {
    unsigned n;
    uint8_t protocol;
    uint16_t src_port;
    struct ip_endpoint to;
    enum message_type type; /* of a UDP datagram */
    bool syn;
};

static struct rig {
    struct rte_mempool *pool;
    struct rte_ring *events, *commands;
    struct handshaker handshaker;
    struct tunnel tunnel;
    struct allowedips ips;
    struct device device;
    struct rig_sent sent;
    wgt_time now;
    uint64_t entropy;
    unsigned waits, synchronized;
    struct tunnel_report *report; /* that came back last */
} rig;

static inline void
rig_entropy(void *ctx, void *buf, size_t len)
{
    uint8_t *p = buf;

    (void)ctx;
    for (size_t i = 0; i < len; i++) {
        rig.entropy = rig.entropy * 6364136223846793005 + 1442695040888963407;
        p[i] = (uint8_t)(rig.entropy >> 56);
    }
}

static inline void
rig_outer_tx(void *ctx, struct rte_mbuf *m)
{
    const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *), *l4 = p + IPV4_HEADER_LEN;

    (void)ctx;
    rig.sent.n++;
    rig.sent.protocol = p[9];
    rig.sent.src_port = get_be16(l4);
    rig.sent.to = (struct ip_endpoint){ip_addr_v4(p + 16), get_be16(l4 + 2)};
    rig.sent.type = rig.sent.protocol == IP_PROTO_UDP ? l4[UDP_HEADER_LEN] : 0;
    rig.sent.syn = rig.sent.protocol == IP_PROTO_TCP && (l4[13] & TCP_SYN) != 0;
    rte_pktmbuf_free(m);
}

static inline void
rig_inner_tx(void *ctx, struct rte_mbuf *m, const struct inner_packet *inner)
{
    (void)ctx;
    (void)inner;
    rte_pktmbuf_free(m);
}

static inline uint64_t
rig_wall_seconds(void *ctx)
{
    (void)ctx;
    return 1700000000 + rig.now / WGT_SEC;
}

/* Worker and control, until both are at rest. */
static inline void
rig_turn(void)
{
    struct wall_clock wall = {.seconds = 1700000000 + rig.now / WGT_SEC};
    unsigned n;

    do {
        n = tunnel_run(&rig.tunnel, rig.now);
        n += handshaker_run(&rig.handshaker, rig.now, &wall, 64);
    } while (n > 0 || rig.tunnel.report != NULL);
    device_reap(&rig.device);
}

static inline void
rig_wait(void *ctx)
{
    (void)ctx;
    rig.waits++;
    rig_turn();
}

static inline void
rig_synchronize(void *ctx)
{
    (void)ctx;
    rig.synchronized++;
}

static inline void
rig_peer_removed(void *ctx, struct tunnel_peer *peer)
{
    (void)ctx;
    device_peer_removed(&rig.device, peer);
}

static inline void
rig_reported(void *ctx, struct tunnel_report *r)
{
    (void)ctx;
    rig.report = r;
}

/* Once a process. */
static inline int
rig_start(void)
{
    const unsigned flags = RING_F_SP_ENQ | RING_F_SC_DEQ;

    rig.pool = eal_rig_start("test_device", "192", RIG_PACKETS,
                             RTE_PKTMBUF_HEADROOM + RIG_MESSAGE_MAX + 64);
    if (rig.pool == NULL || noise_crypto_init(NULL, 0) != 0)
        return -1;
    rig.events = rte_ring_create_elem("rig.events", sizeof(struct tunnel_event), TUNNEL_RING_SIZE,
                                      SOCKET_ID_ANY, flags);
    rig.commands = rte_ring_create_elem("rig.commands", sizeof(struct tunnel_command),
                                        TUNNEL_RING_SIZE, SOCKET_ID_ANY, flags);
    return rig.events != NULL && rig.commands != NULL ? 0 : -1;
}

/* An interface with a key, UDP and TCP listeners and no peers. key[0] = 0: without a key. */
static inline int
rig_up(const uint8_t private_key[NOISE_KEY_LEN], uint32_t max_peers)
{
    static const uint8_t own[4] = {192, 0, 2, 1};
    static const struct device_config defaults = {.transport = CONFIG_UDP};
    struct tunnel_config config = {
        .name = "rig",
        .listen_port = RIG_PORT,
        .listen_udp = true,
        .listen_tcp = true,
        .mtu = 1392,
        .max_message = RIG_MESSAGE_MAX,
        .max_peers = max_peers,
        .max_flows = 64,
    };
    struct outer outer = {
        .tx = rig_outer_tx,
        .entropy = rig_entropy,
        .wall_seconds = rig_wall_seconds,
        .pool = rig.pool,
        .locals = {{.addr = ip_addr_v4(own), .len = 24}},
        .n_locals = 1,
        .mtu = 1500,
    };

    rig.now = 1000 * WGT_SEC;
    rig.entropy = 1;
    rig.waits = rig.synchronized = 0;
    rig.sent = (struct rig_sent){.n = 0};
    allowedips_init(&rig.ips);
    if (handshaker_init(&rig.handshaker, max_peers, private_key, rig.events, rig.commands,
                        rig_entropy, NULL) != 0)
        return -1;
    rig.handshaker.peer_removed = rig_peer_removed;
    rig.handshaker.reported = rig_reported;
    memcpy(config.mac1_key, rig.handshaker.local.mac1_key, NOISE_KEY_LEN);
    if (tunnel_init(&rig.tunnel, rig.now, &config, &outer, rig_inner_tx, &rig.ips, rig.events,
                    rig.commands) != 0)
        return -1;
    device_init(&rig.device, &defaults, &rig.handshaker, &rig.ips, RIG_PORT, 0);
    rig.device.wait = rig_wait;
    rig.device.synchronize = rig_synchronize;
    return 0;
}

static inline void
rig_down(void)
{
    tunnel_fini(&rig.tunnel);
    handshaker_fini(&rig.handshaker);
    device_fini(&rig.device);
    allowedips_destroy(&rig.ips);
}

#endif
