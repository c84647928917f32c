/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The known handshake and the 34 messages that went wrong (vectors_noise.h), through a whole node,
 * over UDP and over TCP:
 *
 *     test -- wire -- node 0: tunnel, handshaker, one peer with the vector's key
 *
 * What is refused leaves everything as it was: handshake, timestamp, sessions, replay window,
 * endpoint, timers, counters; nothing is answered, and exactly one drop is counted. A connection on
 * which it came ends as one that said nothing at all: by a reset, at the same time after its SYN,
 * and without a byte before.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <wgtcpd/wire/tcp.h>
#include <wgtcpd/wire/udp.h>

#include "../unit/vectors_hex.h"
#include "../unit/vectors_noise.h"
#include "client.h"
#include "sim.h"

#define MS          WGT_MSEC
#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))
#define VECTOR_NANOSEC                                                                             \
    UINT64_C(0x07000000) /* of the vector's timestamp; its second is the node's */

/* Of the test's end. Over TCP, each is a connection's. */
enum place { FIRST, OTHER };
enum { FIRST_PORT = 40000, OTHER_PORT = 40001 };

static const struct vector_handshake *const v = &vector_handshakes[0];
static struct node *const node = &pair.node[0];
static struct tunnel_peer *peer; /* the vector's other party */
static enum transport_kind kind;

/* --- the test's end of the wire ------------------------------------------------------------------
 */

/* Messages of the node. */
static struct heard {
    unsigned n;
    uint8_t last[NODE_MESSAGE_MAX];
    size_t last_len;
} heard;

static void
end_rx(wgt_time now, const uint8_t *packet, size_t len)
{
    struct ip_header ip;

    (void)now;
    assert_int_equal(ip_parse(packet, len, true, &ip), WGT_OK);
    assert_int_equal(ip.protocol, IP_PROTO_UDP);
    heard.n++;
    heard.last_len = len - ip.header_len - UDP_HEADER_LEN;
    memcpy(heard.last, packet + ip.header_len + UDP_HEADER_LEN, heard.last_len);
}

static void
end_settle(wgt_time now)
{
    (void)now;
}

static wgt_time
end_deadline(void)
{
    return WGT_NEVER;
}

static const struct pair_end end = {end_rx, end_settle, end_deadline};

static struct tcp_flow *flows[2]; /* of the client */
static uint16_t ports[2];

static void
send_datagram(enum place from, const uint8_t *message, size_t len)
{
    struct ip_addr src = node_address(1, IP_V4), dst = node_address(0, IP_V4);
    uint8_t packet[NODE_MESSAGE_MAX + IPV4_HEADER_LEN + UDP_HEADER_LEN];
    struct ip_header ip = {.src = src,
                           .dst = dst,
                           .protocol = IP_PROTO_UDP,
                           .ttl = 64,
                           .payload_len = (uint32_t)(UDP_HEADER_LEN + len)};

    memcpy(packet + IPV4_HEADER_LEN + UDP_HEADER_LEN, message, len);
    udp_write(packet + IPV4_HEADER_LEN, &src, &dst, ports[from], NODE_PORT, len, true);
    ip_write(packet, &ip);
    pair_send(1, packet, IPV4_HEADER_LEN + UDP_HEADER_LEN + len);
}

static void
take_heard(void)
{
    if (kind == TRANSPORT_UDP)
        return;
    heard.n = client.n_taken;
    heard.last_len = client.last_len;
    memcpy(heard.last, client.last, client.last_len);
}

static void
deliver(const char *hex, enum place from)
{
    uint8_t message[NODE_MESSAGE_MAX];
    size_t len = unhex(message, sizeof(message), hex);

    if (kind == TRANSPORT_UDP)
        send_datagram(from, message, len);
    else
        client_send(flows[from], message, len);
    pair_run_for(5 * MS);
    take_heard();
}

static void
expect_heard(const char *hex)
{
    uint8_t message[NODE_MESSAGE_MAX];

    assert_int_equal(heard.last_len, unhex(message, sizeof(message), hex));
    assert_memory_equal(heard.last, message, heard.last_len);
}

/* --- a node that takes the vector's choices ------------------------------------------------------
 */

static struct {
    uint32_t index;
    uint8_t ephemeral[NOISE_KEY_LEN];
} choices;

static void
choose(void *ctx, void *buf, size_t len)
{
    (void)ctx;
    if (len == sizeof(choices.index))
        memcpy(buf, &choices.index, len);
    else if (len == sizeof(choices.ephemeral))
        memcpy(buf, choices.ephemeral, len);
    else
        memset(buf, 0, len);
}

static struct handshaker_peer *
handshaker_peer(void)
{
    return peer->handshaker_peer;
}

static void
add_vector_peer(const char *public_key, bool dials)
{
    struct ip_prefix prefix = {ip_addr_v4((uint8_t[4]){10, 0, 0, 1}), 32};
    uint8_t psk[NOISE_KEY_LEN];

    unhex(psk, sizeof(psk), v->psk);
    peer = calloc(1, sizeof(*peer));
    assert_non_null(peer);
    unhex(peer->public_key, NOISE_KEY_LEN, public_key);
    peer->has_endpoint = dials;
    peer->configured_kind = kind;
    peer->configured = (struct ip_endpoint){node_address(1, IP_V4),
                                            kind == TRANSPORT_UDP ? FIRST_PORT : NODE_PORT};
    assert_int_equal(allowedips_insert(&node->ips, &prefix, peer), 0);
    assert_int_equal(handshaker_add_peer(&node->handshaker, peer, psk), 0);
}

/* What passes on the test's other connection. */
static struct {
    uint16_t port;
    wgt_time syn, reset; /* WGT_NEVER: none */
    size_t bytes;        /* from the node */
} other;

static bool
watch_other(unsigned from, uint8_t *packet, size_t len)
{
    struct tcp_segment seg;
    struct ip_header ip;

    assert_int_equal(ip_parse(packet, len, true, &ip), WGT_OK);
    assert_int_equal(tcp_parse(&ip, packet + ip.header_len, true, &seg), WGT_OK);
    if (from == 1 && (seg.flags & TCP_SYN) && seg.src_port == other.port)
        other.syn = pair.now;
    if (from == 0 && seg.dst_port == other.port) {
        other.bytes += seg.payload.len;
        assert_int_equal(seg.flags & TCP_FIN, 0);
        if (seg.flags & TCP_RST)
            other.reset = pair.now;
    }
    return true;
}

static struct tcp_flow *
connect_client(enum place which)
{
    struct tcp_flow *f = client_dial();

    ports[which] = f->path.local.port;
    return f;
}

static void
begin_tcp(bool responder)
{
    client_start();
    client.mute = true;
    pair.wire = watch_other;
    other.syn = other.reset = WGT_NEVER;
    other.bytes = 0;
    if (responder)
        flows[FIRST] = connect_client(FIRST);
    flows[OTHER] = connect_client(OTHER);
    other.port = ports[OTHER];
    other.syn = pair.now; /* it went in the dial */
    pair_run_for(5 * MS);
    assert_true(flows[OTHER]->established);
}

static void
begin(bool responder)
{
    struct node_config config[2];
    uint8_t private_key[NOISE_KEY_LEN];

    pair_configure(config, kind);
    config[0].dials = false;
    pair_begin(450, IP_V4, config, kind == TRANSPORT_UDP ? &end : &client_end);
    memset(&heard, 0, sizeof(heard));
    ports[FIRST] = FIRST_PORT;
    ports[OTHER] = OTHER_PORT;
    node->wall_offset = VECTOR_NANOSEC;
    node->handshaker.entropy = choose;
    choices.index = responder ? v->responder_index : v->initiator_index;
    unhex(choices.ephemeral, NOISE_KEY_LEN, responder ? v->e_r : v->e_i);
    unhex(private_key, sizeof(private_key), responder ? v->s_r : v->s_i);
    assert_int_equal(handshaker_set_identity(&node->handshaker, private_key), 0);
    add_vector_peer(responder ? v->S_i : v->S_r, !responder);
    node_settle(node, pair.now);
    if (kind == TRANSPORT_TCP)
        begin_tcp(responder);
}

static void
finish(void)
{
    if (kind == TRANSPORT_TCP)
        client_stop();
    pair_finish();
    free(peer);
    peer = NULL;
}

static int
clean_up(void **state)
{
    if (pair.begun && kind == TRANSPORT_TCP)
        client_stop();
    pair_clean_up(state);
    free(peer);
    peer = NULL;
    return 0;
}

/* The connection that the node has dialled, at the client's end. */
static void
take_connection(void)
{
    for (uint32_t i = 0; i < client.tcp.config.max_flows; i++)
        if (client.tcp.flows[i].in_use && &client.tcp.flows[i] != flows[OTHER])
            flows[FIRST] = &client.tcp.flows[i];
    assert_non_null(flows[FIRST]);
    ports[FIRST] = NODE_PORT;
}

/* The node's own initiation; it is the vector's. */
static void
initiate(void)
{
    uint8_t packet[100];

    pair_packet(packet, 0, 1, IP_V4, 0, 0, sizeof(packet));
    memcpy(packet + 16, (uint8_t[4]){10, 0, 0, 1}, 4);
    node_rx_inner(node, pair.now, packet, sizeof(packet));
    node_settle(node, pair.now);
    pair_run_for(5 * MS);
    take_heard();
    assert_int_equal(heard.n, 1);
    expect_heard(v->initiation);
    if (kind == TRANSPORT_TCP)
        take_connection();
}

/* The vector's session, with the node as responder; not confirmed yet. */
static void
respond(void)
{
    deliver(v->initiation, FIRST);
    assert_int_equal(heard.n, 1);
    expect_heard(v->response);
    assert_null(peer->session.current);
    assert_non_null(peer->session.next);
}

static void
confirm(void)
{
    deliver(v->data[0].message, FIRST);
    assert_non_null(peer->session.current);
    assert_int_equal(peer->stats.handshakes, 1);
}

/* --- all that may not change ---------------------------------------------------------------------
 */

struct snapshot {
    struct noise_remote remote;
    bool has_index;
    struct noise_session session;
    struct noise_keypair keypair; /* the only one, with its window */
    struct peer_timers timers;
    struct peer_stats stats;
    struct path path;
    uint64_t drops[WGT_DROP_COUNT];
    unsigned heard, delivered;
};

static void
take(struct snapshot *s)
{
    memset(s, 0, sizeof(*s));
    s->remote = handshaker_peer()->remote;
    /* Made by the first handshake, right or wrong: it depends on the two static keys alone. */
    memset(s->remote.static_static, 0, sizeof(s->remote.static_static));
    s->has_index = handshaker_peer()->has_index;
    s->session = peer->session;
    if (peer->session.current != NULL || peer->session.next != NULL)
        s->keypair = *(peer->session.current != NULL ? peer->session.current : peer->session.next);
    s->timers = peer->timers;
    s->stats = peer->stats;
    s->path = peer->path.path;
    for (unsigned i = 0; i < WGT_DROP_COUNT; i++)
        s->drops[i] = node->tunnel.drops.n[i] + node->handshaker.drops.n[i];
    s->heard = heard.n;
    s->delivered = pair.out[0].n;
}

static void
expect_one_drop(const struct snapshot *before, const struct snapshot *after, enum wgt_drop why)
{
    for (unsigned i = 0; i < WGT_DROP_COUNT; i++)
        if (after->drops[i] != before->drops[i] + (i == why ? 1 : 0))
            fail_msg("drop %s counted %d times", wgt_drop_name(i),
                     (int)(after->drops[i] - before->drops[i]));
    assert_int_equal(after->delivered, before->delivered);
}

static void
expect_untouched(const struct snapshot *before, enum wgt_drop why)
{
    struct snapshot now;

    take(&now);
    expect_one_drop(before, &now, why);
    assert_int_equal(now.heard, before->heard);
    assert_memory_equal(&now.remote, &before->remote, sizeof(now.remote));
    assert_int_equal(now.has_index, before->has_index);
    assert_memory_equal(&now.session, &before->session, sizeof(now.session));
    assert_memory_equal(&now.keypair, &before->keypair, sizeof(now.keypair));
    assert_memory_equal(&now.timers, &before->timers, sizeof(now.timers));
    assert_memory_equal(&now.stats, &before->stats, sizeof(now.stats));
    assert_memory_equal(&now.path, &before->path, sizeof(now.path));
}

/* A frame's length has to be one that a message can have. */
static enum wgt_drop
reason(const struct vector_negative *n)
{
    if (kind == TRANSPORT_TCP && n->expect == WGT_DROP_MESSAGE_SHORT)
        return WGT_DROP_FRAME_LENGTH;
    return n->expect;
}

/* A connection of a stranger's is of a known length, whatever it said. */
static void
expect_silent_end(void)
{
    static wgt_time life; /* of those before */

    if (kind == TRANSPORT_UDP)
        return;
    pair_run_for(11 * WGT_SEC);
    assert_int_equal(other.bytes, 0);
    assert_true(other.reset != WGT_NEVER);
    if (life == 0)
        life = other.reset - other.syn;
    assert_int_equal(other.reset - other.syn, life);
}

/* --- the tests -----------------------------------------------------------------------------------
 */

static void
check_initiation(const struct vector_negative *n)
{
    struct snapshot before;

    begin(true);
    if (n->repeated)
        deliver(n->message, FIRST);
    take(&before);
    deliver(n->message, OTHER);
    if (n->expect != WGT_OK) {
        expect_untouched(&before, reason(n));
        expect_silent_end();
    } else {
        uint8_t message[MESSAGE_INITIATION_LEN];

        unhex(message, sizeof(message), n->message);
        assert_int_equal(heard.n, before.heard + 1);
        assert_int_equal(heard.last_len, MESSAGE_RESPONSE_LEN);
        assert_memory_equal(heard.last + 8, message + 4, 4);
        assert_non_null(peer->session.next);
        assert_int_equal(peer->path.path.remote.port, ports[OTHER]);
    }
    finish();
}

static void
check_all(const struct vector_negative *messages, size_t n,
          void (*check)(const struct vector_negative *n))
{
    for (kind = TRANSPORT_UDP; kind <= TRANSPORT_TCP; kind++)
        for (size_t i = 0; i < n; i++) {
            print_message("  %s: %s\n", transport_kind_name(kind), messages[i].what);
            check(&messages[i]);
        }
}

static void
initiations_gone_wrong_leave_a_node_as_it_was(void **state)
{
    (void)state;
    assert_int_equal(COUNT_OF(vector_negative_responder), 17);
    check_all(vector_negative_responder, COUNT_OF(vector_negative_responder), check_initiation);
}

static void
check_response(const struct vector_negative *n)
{
    struct snapshot before;

    begin(false);
    initiate();
    if (n->repeated)
        deliver(n->message, FIRST);
    take(&before);
    deliver(n->message, OTHER);
    if (n->repeated) {
        /* the session has taken over the handshake's index */
        expect_untouched(&before, WGT_DROP_HANDSHAKE_INDEX);
        expect_silent_end();
    } else if (n->expect != WGT_OK) {
        expect_untouched(&before, reason(n));
        deliver(v->response, FIRST); /* the good one still works */
        assert_non_null(peer->session.current);
        assert_int_equal(peer->stats.handshakes, 1);
        expect_silent_end();
    } else {
        assert_non_null(peer->session.current);
        assert_int_not_equal(peer->session.current->remote_index, v->responder_index);
    }
    finish();
}

static void
responses_gone_wrong_leave_a_node_as_it_was(void **state)
{
    (void)state;
    assert_int_equal(COUNT_OF(vector_negative_initiator), 6);
    check_all(vector_negative_initiator, COUNT_OF(vector_negative_initiator), check_response);
}

/* What noise accepts and the tunnel does not deliver. */
static enum wgt_drop
inner_reason(const struct vector_negative *n)
{
    static const struct {
        const char *what;
        enum wgt_drop why;
    } reasons[] = {
        {"source address", WGT_DROP_INNER_SOURCE},
        {"IPv4 total length 100", WGT_DROP_INNER_LENGTH},
        {"IPv4 total length 19", WGT_DROP_INNER_LENGTH},
        {"inner version", WGT_DROP_INNER_VERSION},
        {"16 zero bytes", WGT_DROP_INNER_VERSION},
        {"length exactly 33", WGT_DROP_INNER_VERSION},
    };

    for (size_t i = 0; i < COUNT_OF(reasons); i++)
        if (strncmp(n->what, reasons[i].what, strlen(reasons[i].what)) == 0)
            return reasons[i].why;
    fail_msg("no reason is known for: %s", n->what);
    return WGT_OK;
}

/* An authenticated message moves the endpoint whatever is in it. */
static void
expect_only_path_moved(const struct snapshot *before, enum wgt_drop why)
{
    struct snapshot now;

    take(&now);
    expect_one_drop(before, &now, why);
    assert_int_equal(now.path.remote.port, ports[OTHER]);
    assert_int_equal(now.stats.rx_packets, before->stats.rx_packets);
    assert_memory_equal(&now.session, &before->session, sizeof(now.session));
    assert_memory_equal(&now.remote, &before->remote, sizeof(now.remote));
}

static void
check_data(const struct vector_negative *n)
{
    struct snapshot before;

    begin(true);
    respond();
    if (n->expect == WGT_OK)
        confirm();
    if (n->repeated)
        deliver(n->message, FIRST);
    take(&before);
    assert_int_equal(before.path.remote.port, ports[FIRST]);
    deliver(n->message, OTHER);
    if (n->expect != WGT_OK) {
        expect_untouched(&before, reason(n));
        expect_silent_end();
    } else {
        expect_only_path_moved(&before, inner_reason(n));
    }
    finish();
}

static void
data_gone_wrong_leaves_a_node_as_it_was(void **state)
{
    (void)state;
    assert_int_equal(COUNT_OF(vector_negative_data), 11);
    check_all(vector_negative_data, COUNT_OF(vector_negative_data), check_data);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(initiations_gone_wrong_leave_a_node_as_it_was, clean_up),
        cmocka_unit_test_teardown(responses_gone_wrong_leave_a_node_as_it_was, clean_up),
        cmocka_unit_test_teardown(data_gone_wrong_leaves_a_node_as_it_was, clean_up),
    };

    return cmocka_run_group_tests(tests, sim_group_setup, sim_group_teardown);
}
