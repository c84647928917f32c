/* SPDX-License-Identifier: BSD-3-Clause */
/* A snapshot made by hand: two peers that work, over UDP and over TCP. */
#ifndef SNAPSHOT_RIG_H
#define SNAPSHOT_RIG_H

#include <wgtcpd/control/snapshot.h>

#define RIG_NOW (1000 * WGT_SEC)

static struct rig {
    struct snapshot s;
    struct snapshot_peer peers[2];
    struct device_peer device[2];
    struct tunnel_peer tunnel[2];
    struct allowedips ips;
} rig;

static inline struct ip_addr
rig_addr(const char *text)
{
    struct ip_addr a = {.family = IP_NONE};

    (void)ip_addr_parse(&a, text);
    return a;
}

static inline struct ip_endpoint
rig_endpoint(const char *addr, uint16_t port)
{
    return (struct ip_endpoint){rig_addr(addr), port};
}

static inline struct trouble
rig_trouble(uint32_t n, wgt_time age)
{
    return (struct trouble){n, RIG_NOW - age};
}

static inline void
rig_peer(unsigned i, const char *allowed, const char *endpoint)
{
    struct snapshot_peer *p = &rig.peers[i];
    struct ip_prefix prefix;

    memset(p->public_key, (int)(0x10 + i), sizeof(p->public_key));
    rig.device[i].tunnel = &rig.tunnel[i];
    p->device = &rig.device[i];
    p->endpoint = rig.device[i].endpoint = rig_endpoint(endpoint, 51820);
    p->handshaken = p->session = true;
    p->handshake_age = 12 * WGT_SEC;
    p->handshake_seconds = 1700000000;
    p->inner_mtu = 1392;
    p->stats = (struct peer_stats){
        .tx_bytes = 2048, .rx_bytes = 1536, .tx_packets = 20, .rx_packets = 15, .handshakes = 1};
    (void)ip_prefix_parse(&prefix, allowed);
    (void)allowedips_insert(&rig.ips, &prefix, &rig.tunnel[i]);
}

static inline int
rig_setup(void **state)
{
    (void)state;
    memset(&rig, 0, sizeof(rig));
    allowedips_init(&rig.ips);
    rig.s = (struct snapshot){.ifname = "wg0",
                              .has_private_key = true,
                              .listen_port = 51820,
                              .mtu = 1392,
                              .aead = "test",
                              .uptime_s = 999,
                              .now = RIG_NOW,
                              .n_peers = 2,
                              .peers = rig.peers};
    memset(rig.s.public_key, 0xaa, sizeof(rig.s.public_key));
    rig.s.worker.outer_rx = 35;
    rig_peer(0, "10.9.0.1/32", "192.0.2.1");
    rig_peer(1, "fd09::2/128", "2001:db8::2");
    rig.peers[0].path = TRANSPORT_UDP;
    rig.peers[1].path = TRANSPORT_TCP;
    rig.device[1].transport = CONFIG_TCP;
    rig.peers[1].connected = true;
    rig.peers[1].connection = (struct snapshot_connection){
        .dialled = true,
        .local = rig_endpoint("2001:db8::1", 40000),
        .info = {.state = TCP_ESTABLISHED,
                 .cc = "bbr",
                 .recovery = "none",
                 .srtt = 3600 * WGT_USEC,
                 .min_rtt = WGT_NEVER,
                 .cwnd = 15360,
                 .mss = 1428},
        .early_delivered = 7,
    };
    return 0;
}

static inline int
rig_teardown(void **state)
{
    (void)state;
    allowedips_destroy(&rig.ips);
    return 0;
}

#endif
