/* SPDX-License-Identifier: BSD-3-Clause */
#include "client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <wgtcpd/wire/udp.h>

struct client client;

enum { CLIENT_FLOWS = 8, RECEIVE_BUFFER = 1 << 20 };

/* --- what the transport asks for ----------------------------------------------------------------
 */

static void
on_tx(void *ctx, struct rte_mbuf *m)
{
    uint8_t packet[NODE_MESSAGE_MAX];
    size_t len = rte_pktmbuf_pkt_len(m);

    (void)ctx;
    assert_true(len <= sizeof(packet));
    memcpy(packet, rte_pktmbuf_mtod(m, uint8_t *), len);
    rte_pktmbuf_free(m);
    pair_send(1, packet, len);
}

static void
on_entropy(void *ctx, void *buf, size_t len)
{
    (void)ctx;
    prng_fill(&client.entropy, buf, len);
}

static void
on_established(void *ctx, wgt_time now, struct tcp_flow *f)
{
    (void)ctx;
    (void)now;
    (void)f;
}

static void
on_path_lost(void *ctx, wgt_time now, struct path_user *u, const struct tcp_flow *f)
{
    (void)f;
    (void)ctx;
    (void)now;
    (void)u;
}

static void
on_dial_ended(void *ctx, wgt_time now, void *dialer, struct tcp_flow *f, enum tcp_end why)
{
    (void)ctx;
    (void)now;
    (void)dialer;
    (void)f;
    (void)why;
}

static enum path_turn
on_writable(void *ctx, wgt_time now, struct path_user *u)
{
    (void)ctx;
    (void)now;
    (void)u;
    return PATH_DONE;
}

/* --- messages ------------------------------------------------------------------------------------
 */

void
client_send(struct tcp_flow *f, const uint8_t *message, size_t len)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(client.outer.pool);

    assert_non_null(m);
    memcpy(rte_pktmbuf_append(m, (uint16_t)len), message, len);
    tcp_flow_send(&client.tcp, pair.now, f, m, false);
    tcp_transport_run(&client.tcp, pair.now);
}

/* plaintext: len bytes, padded already. */
static void
send_sealed(unsigned key, struct tcp_flow *f, const uint8_t *plaintext, size_t len)
{
    uint8_t message[NODE_MESSAGE_MAX];

    assert_non_null(client.key[key].keypair);
    if (len > 0)
        memcpy(message + MESSAGE_DATA_HEADER_LEN, plaintext, len);
    assert_true(noise_seal(client.key[key].keypair, message, len));
    client_send(f, message, len + MESSAGE_DATA_OVERHEAD);
}

static void
forget_session(struct client_key *k)
{
    if (k->keypair == NULL)
        return;
    noise_keypair_wipe(k->keypair);
    free(k->keypair);
    k->keypair = NULL;
}

static void
take_response(unsigned key, struct tcp_flow *f, const uint8_t *message)
{
    struct client_key *k = &client.key[key];

    k->responses++;
    forget_session(k);
    k->keypair = aligned_alloc(64, RTE_ALIGN_CEIL(sizeof(*k->keypair), 64));
    assert_non_null(k->keypair);
    memset(k->keypair, 0, sizeof(*k->keypair));
    assert_int_equal(noise_response_consume(&k->server, &k->local, pair.now, message, k->keypair),
                     WGT_OK);
    client_keepalive(key, f);
}

static void
take_data(unsigned key, struct tcp_flow *f, uint8_t *message, size_t len)
{
    struct client_key *k = &client.key[key];
    const uint8_t *packet = message + MESSAGE_DATA_HEADER_LEN;

    assert_non_null(k->keypair);
    assert_int_equal(noise_open(k->keypair, message, len), WGT_OK);
    k->heard_on = f;
    if (len == MESSAGE_DATA_OVERHEAD) {
        k->keepalives++;
        return;
    }
    assert_true(k->n_heard < CLIENT_HEARD_MAX);
    k->heard[k->n_heard++] = get_be32(packet + IPV4_HEADER_LEN + UDP_HEADER_LEN);
}

/* Indices are the numbers of the keys. */
static void
on_message(void *ctx, wgt_time now, const struct path *from, struct rte_mbuf *m)
{
    uint8_t *message = rte_pktmbuf_mtod(m, uint8_t *);
    size_t len = rte_pktmbuf_pkt_len(m);
    struct tcp_flow *f = tcp_flow_of(from);
    enum message_type type;
    uint32_t index;

    (void)ctx;
    (void)now;
    assert_int_equal(message_check(message, len, &type), WGT_OK);
    tcp_flow_authenticated(&client.tcp, f);
    client.n_taken++;
    client.last_len = len;
    memcpy(client.last, message, len);
    if (!client.mute) {
        index = message_receiver(message, type);
        assert_true(index < CLIENT_KEYS);
        if (type == MESSAGE_RESPONSE)
            take_response(index, f, message);
        else
            take_data(index, f, message, len);
    }
    rte_pktmbuf_free(m);
}

void
client_initiate(unsigned key, struct tcp_flow *f)
{
    struct client_key *k = &client.key[key];
    uint8_t message[MESSAGE_INITIATION_LEN], ephemeral[NOISE_KEY_LEN], stamp[NOISE_TIMESTAMP_LEN];

    prng_fill(&client.entropy, ephemeral, sizeof(ephemeral));
    noise_tai64n(stamp, ++client.stamp, 0);
    assert_int_equal(
        noise_initiation_create(&k->server, &k->local, pair.now, stamp, ephemeral, key, message),
        WGT_OK);
    client_send(f, message, sizeof(message));
}

void
client_keepalive(unsigned key, struct tcp_flow *f)
{
    send_sealed(key, f, NULL, 0);
}

void
client_data(unsigned key, struct tcp_flow *f, uint32_t number)
{
    uint8_t packet[RTE_ALIGN_CEIL(PAIR_PACKET_LEN, MESSAGE_PADDING)] = {0};

    pair_packet(packet, 1 + key, 0, IP_V4, 0, number, PAIR_PACKET_LEN);
    send_sealed(key, f, packet, sizeof(packet));
}

/* --- an end of the wire --------------------------------------------------------------------------
 */

static void
rx(wgt_time now, const uint8_t *packet, size_t len)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(client.outer.pool);
    struct ip_header ip;

    assert_non_null(m);
    assert_int_equal(ip_parse(packet, len, true, &ip), WGT_OK);
    assert_int_equal(ip.protocol, IP_PROTO_TCP);
    memcpy(rte_pktmbuf_append(m, (uint16_t)len), packet, len);
    tcp_transport_rx(&client.tcp, now, &ip, m, true);
}

static void
settle(wgt_time now)
{
    tcp_transport_run(&client.tcp, now);
}

static wgt_time
deadline(void)
{
    return tcp_transport_deadline(&client.tcp);
}

const struct pair_end client_end = {rx, settle, deadline};

/* --- life --------------------------------------------------------------------------------------
 */

struct tcp_flow *
client_dial(void)
{
    struct tcp_dial how = {.remote = {node_address(0, IP_V4), NODE_PORT}};
    struct tcp_flow *f = tcp_transport_dial(&client.tcp, pair.now, &how);

    assert_non_null(f);
    tcp_transport_run(&client.tcp, pair.now);
    return f;
}

void
client_reset(struct tcp_flow *f)
{
    tcp_flow_reset(&client.tcp, pair.now, f);
    tcp_transport_run(&client.tcp, pair.now);
}

static void
take_keys(void)
{
    struct node other;

    for (unsigned i = 0; i < CLIENT_KEYS; i++) {
        struct client_key *k = &client.key[i];

        node_init(&other, 1 + i, &pair.node[1].config, &pair.shared, &pair.node[1].host);
        noise_local_init(&k->local, other.private_key);
        assert_int_equal(noise_remote_init(&k->server, pair.node[0].public_key, NULL), WGT_OK);
    }
}

void
client_start(void)
{
    struct tcp_transport_config config = {
        .listen_port = NODE_PORT,
        .listen = true,
        .max_flows = CLIENT_FLOWS,
        .max_unauthenticated = CLIENT_FLOWS,
        .max_message = NODE_MESSAGE_MAX,
        .receive_buffer = RECEIVE_BUFFER,
    };
    struct tcp_transport_events events = {
        .message = on_message,
        .established = on_established,
        .path_lost = on_path_lost,
        .dial_ended = on_dial_ended,
        .writable = on_writable,
    };

    client = (struct client){.entropy = prng_fork(pair.shared.seed, 'c')};
    client.outer = (struct outer){
        .tx = on_tx,
        .entropy = on_entropy,
        .pool = pair.node[1].pool,
        .locals = {{node_address(1, IP_V4), 24}},
        .n_locals = 1,
        .mtu = pair.shared.outer_mtu,
        .drops = &client.drops,
    };
    take_keys();
    assert_int_equal(tcp_transport_init(&client.tcp, pair.now, &client.outer, &events, &config), 0);
}

void
client_stop(void)
{
    for (unsigned i = 0; i < CLIENT_KEYS; i++) {
        forget_session(&client.key[i]);
        noise_remote_wipe(&client.key[i].server);
        noise_local_wipe(&client.key[i].local);
    }
    tcp_transport_fini(&client.tcp);
}
