/* SPDX-License-Identifier: BSD-3-Clause */
/* What of a dialled connection shows in IP packets: its numbers, congestion marks, ICMP errors. */
#include "transport_rig.h"

enum { POOL = 1023, PEER_PORT = 443, MAX_MESSAGE = 2048, FLOWS = 64, PEER_ISS = -5 };

static struct tcp_transport t;
static struct outer outer;
static struct wgt_drop_counters drops;
static struct packet_queue sent;
static unsigned n_ended;
static enum tcp_end why_ended;

static void
tx(void *ctx, struct rte_mbuf *m)
{
    (void)ctx;
    packet_queue_push(&sent, take_off_the_wire(m));
}

static void
on_message(void *ctx, wgt_time at, const struct path *from, struct rte_mbuf *m)
{
    (void)ctx;
    (void)at;
    (void)from;
    rte_pktmbuf_free(m);
}

static void
on_dial_ended(void *ctx, wgt_time at, void *dialer, struct tcp_flow *f, enum tcp_end why)
{
    (void)ctx;
    (void)at;
    (void)dialer;
    (void)f;
    n_ended++;
    why_ended = why;
}

static int
set_up(void **state)
{
    struct tcp_transport_config config = {
        .listen_port = 51820,
        .max_flows = FLOWS,
        .max_unauthenticated = FLOWS / 4,
        .max_message = MAX_MESSAGE,
        .receive_buffer = 1 << 20,
    };
    struct tcp_transport_events events = {
        .message = on_message,
        .established = ignore_established,
        .path_lost = ignore_path_lost,
        .dial_ended = on_dial_ended,
        .writable = ignore_writable,
    };

    (void)state;
    prng = 7;
    now = 59 * WGT_SEC;
    n_ended = 0;
    memset(&drops, 0, sizeof(drops));
    packet_queue_init(&sent);
    outer = (struct outer){
        .tx = tx,
        .entropy = entropy,
        .wall_seconds = wall_seconds,
        .pool = pool,
        .locals = {{ip_addr_v4((uint8_t[4]){192, 0, 2, 1}), 24},
                   {ip_addr_v6((uint8_t[16]){0x20, 1, 0xd, 0xb8, [15] = 1}), 64}},
        .n_locals = 2,
        .mtu = 1500,
        .drops = &drops,
    };
    assert_int_equal(tcp_transport_init(&t, now, &outer, &events, &config), 0);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    tcp_transport_fini(&t);
    packet_queue_purge(&sent);
    assert_int_equal(rte_mempool_avail_count(pool), POOL);
    return 0;
}

/* --- packets ------------------------------------------------------------------------------------
 */

static struct ip_addr
peer(enum ip_family family, uint8_t host)
{
    if (family == IP_V4)
        return ip_addr_v4((uint8_t[4]){192, 0, 2, host});
    return ip_addr_v6((uint8_t[16]){0x20, 1, 0xd, 0xb8, [15] = host});
}

static struct tcp_flow *
dial(enum ip_family family, uint8_t host)
{
    struct tcp_dial how = {.remote = {peer(family, host), PEER_PORT}, .dialer = &t};
    struct tcp_flow *f = tcp_transport_dial(&t, now, &how);

    assert_non_null(f);
    tcp_transport_run(&t, now);
    return f;
}

/* The next packet that has left. */
static struct ip_header
take(struct tcp_segment *seg)
{
    struct rte_mbuf *m = packet_queue_pop(&sent);
    struct ip_header ip;

    assert_non_null(m);
    assert_int_equal(ip_parse(rte_pktmbuf_mtod(m, uint8_t *), rte_pktmbuf_data_len(m), true, &ip),
                     WGT_OK);
    assert_int_equal(
        tcp_parse(&ip, rte_pktmbuf_mtod_offset(m, uint8_t *, ip.header_len), true, seg), WGT_OK);
    seg->payload.data = NULL;
    rte_pktmbuf_free(m);
    return ip;
}

static void
inject(const struct tcp_flow *f, struct tcp_segment *seg, uint8_t traffic_class, size_t len)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
    struct ip_header ip = {
        .src = f->path.remote.addr,
        .dst = f->path.local.addr,
        .protocol = IP_PROTO_TCP,
        .traffic_class = traffic_class,
    };
    size_t header;

    assert_non_null(m);
    seg->src_port = PEER_PORT;
    seg->dst_port = f->path.local.port;
    seg->window = 60000;
    seg->payload.len = len;
    header = tcp_header_len(seg);
    ip.payload_len = (uint32_t)(header + len);
    memset(rte_pktmbuf_append(m, (uint16_t)ip.payload_len), 0, ip.payload_len);
    tcp_write(rte_pktmbuf_mtod(m, uint8_t *), &ip.src, &ip.dst, seg, true);
    tcp_transport_rx(&t, now, &ip, m, true);
    tcp_transport_run(&t, now);
}

/* Dialled and answered, with ECN; *iss: of ours. */
static struct tcp_flow *
established(enum ip_family family, uint32_t *iss)
{
    struct tcp_flow *f = dial(family, 9);
    struct tcp_segment syn, answer;
    struct ip_header ip = take(&syn);

    assert_int_equal(ip.traffic_class, 0);
    assert_int_equal(syn.flags, TCP_SYN | TCP_ECE | TCP_CWR);
    *iss = syn.seq;
    answer = (struct tcp_segment){
        .seq = (uint32_t)PEER_ISS,
        .ack = syn.seq + 1,
        .flags = TCP_SYN | TCP_ACK | TCP_ECE,
        .has_mss = true,
        .mss = 1460,
        .has_sack_permitted = true,
    };
    inject(f, &answer, 0, 0);
    assert_int_equal(take(&answer).traffic_class, 0);
    assert_int_equal(answer.flags, TCP_ACK);
    return f;
}

static void
send_message(struct tcp_flow *f, size_t len)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

    assert_non_null(m);
    memset(rte_pktmbuf_append(m, (uint16_t)len), 4, len);
    tcp_flow_send(&t, now, f, m, false);
    tcp_transport_run(&t, now);
}

static struct icmp_error
error_about(const struct tcp_flow *f, enum icmp_error_kind kind, uint32_t seq)
{
    return (struct icmp_error){
        .kind = kind, .src = f->path.local, .dst = f->path.remote, .packet_len = 1500, .seq = seq};
}

static void
report(const struct icmp_error *e)
{
    tcp_transport_icmp(&t, now, e);
    tcp_transport_run(&t, now);
}

/* --- numbers ------------------------------------------------------------------------------------
 */

/* RFC 6528 3: by a keyed function of addresses and ports, on a clock of 4 us. */
static void
rfc6528_3_initial_sequence_numbers(void **state)
{
    struct tcp_segment first, second, later;
    uint32_t distance;

    (void)state;
    (void)dial(IP_V4, 9);
    (void)take(&first);
    (void)dial(IP_V4, 10);
    (void)take(&second);
    distance = second.seq - first.seq;
    assert_true(distance > 100000 && distance < 0u - 100000);
    distance = second.ts_val - first.ts_val;
    assert_true(distance > 100000 && distance < 0u - 100000); /* RFC 7323 5.4 */

    /* The same four numbers a second later: the clock has moved on. */
    tear_down(state);
    set_up(state);
    (void)dial(IP_V4, 9);
    (void)take(&first);
    tear_down(state);
    set_up(state);
    now += WGT_SEC;
    (void)dial(IP_V4, 9);
    (void)take(&later);
    assert_int_equal(later.src_port, first.src_port);
    assert_int_equal(later.seq - first.seq, 250000);
    assert_int_equal(later.ts_val - first.ts_val, 1000);
}

/* RFC 6056 3.3.1: random, in the dynamic range, never one in use with the same peer. */
static void
rfc6056_3_3_1_ports_are_random(void **state)
{
    uint16_t ports[FLOWS];
    unsigned steps = 0;

    (void)state;
    for (unsigned i = 0; i < FLOWS; i++) {
        struct tcp_segment syn;

        (void)dial(IP_V4, 9);
        (void)take(&syn);
        ports[i] = syn.src_port;
        assert_true(ports[i] >= 49152);
        for (unsigned j = 0; j < i; j++)
            assert_int_not_equal(ports[i], ports[j]);
        if (i > 0)
            steps += (uint16_t)(ports[i] - ports[i - 1]) == 1;
    }
    assert_true(steps < 3);
}

/* --- congestion marks ----------------------------------------------------------------------------
 */

static void
rfc3168_5_capable_packets_carry_new_data(void **state)
{
    static const enum ip_family families[] = {IP_V4, IP_V6};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct tcp_segment seg;
        struct tcp_flow *f;
        uint32_t iss;

        f = established(families[i], &iss);
        send_message(f, 100);
        assert_int_equal(take(&seg).traffic_class, IP_ECN_ECT0);
        assert_int_equal(seg.payload.len, 102);
        assert_int_equal(sent.count, 0);
        /* sent again */
        while (sent.count == 0) {
            now = tcp_transport_deadline(&t);
            tcp_transport_run(&t, now);
        }
        assert_int_equal(take(&seg).traffic_class, IP_ECN_NOT_ECT);
        assert_int_equal(seg.seq, iss + 1);
        tcp_flow_reset(&t, now, f);
        tcp_transport_run(&t, now);
        packet_queue_purge(&sent);
    }
}

static void
rfc3168_6_1_3_mark_in_the_ip_header_is_echoed(void **state)
{
    static const struct {
        uint8_t traffic_class;
        bool echoed;
    } cases[] = {{0xb8 | IP_ECN_CE, true},
                 {IP_ECN_ECT0, false},
                 {IP_ECN_ECT1, false},
                 {IP_ECN_NOT_ECT, false}};

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct tcp_segment seg;
        struct tcp_flow *f;
        uint32_t iss;

        f = established(IP_V4, &iss);
        seg = (struct tcp_segment){
            .seq = (uint32_t)PEER_ISS + 1, .ack = iss + 1, .flags = TCP_ACK | TCP_PSH};
        inject(f, &seg, cases[i].traffic_class, 2); /* an empty frame */
        while (sent.count == 0) {
            now = tcp_transport_deadline(&t);
            tcp_transport_run(&t, now);
        }
        assert_int_equal(take(&seg).traffic_class, 0);
        assert_int_equal(seg.flags, cases[i].echoed ? TCP_ACK | TCP_ECE : TCP_ACK);
        tcp_flow_reset(&t, now, f);
        tcp_transport_run(&t, now);
        packet_queue_purge(&sent);
    }
}

/* --- ICMP errors --------------------------------------------------------------------------------
 */

static void
refused_dial_ends(void **state)
{
    struct tcp_flow *f = dial(IP_V4, 9);
    struct tcp_segment syn;
    struct icmp_error e;

    (void)state;
    (void)take(&syn);
    e = error_about(f, ICMP_ERROR_REFUSED, syn.seq + 1);
    report(&e);
    assert_int_equal(n_ended, 0);
    assert_int_equal(drops.n[WGT_DROP_ICMP_SEQUENCE], 1);
    e.seq = syn.seq;
    report(&e);
    assert_int_equal(n_ended, 1);
    assert_int_equal(why_ended, TCP_END_UNREACHABLE);
    assert_int_equal(sent.count, 0);
}

static void
error_for_no_connection_is_counted(void **state)
{
    struct tcp_flow *f = dial(IP_V6, 9);
    struct tcp_segment syn;
    struct icmp_error e;

    (void)state;
    (void)take(&syn);
    e = error_about(f, ICMP_ERROR_REFUSED, syn.seq);
    e.src.port ^= 1;
    report(&e);
    e.src.port ^= 1;
    e.dst.port ^= 1;
    report(&e);
    assert_int_equal(drops.n[WGT_DROP_ICMP_QUOTE], 2);
    assert_int_equal(n_ended, 0);
}

static void
rfc1191_packet_too_big_makes_messages_smaller(void **state)
{
    struct tcp_segment seg;
    struct tcp_flow *f;
    struct icmp_error e;
    uint32_t iss;

    (void)state;
    f = established(IP_V4, &iss);
    assert_int_equal(tcp_flow_message_max(f), 1460 - 2);
    send_message(f, 1458);
    (void)take(&seg);
    assert_int_equal(seg.payload.len, 1460);
    e = error_about(f, ICMP_ERROR_TOO_BIG, seg.seq);
    e.mtu = 1400;
    report(&e);
    assert_int_equal(tcp_flow_message_max(f), 1360 - 2);
    e.mtu = 1500;
    report(&e);
    assert_int_equal(drops.n[WGT_DROP_ICMP_MTU], 1);
    assert_int_equal(tcp_flow_message_max(f), 1360 - 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        T(rfc6528_3_initial_sequence_numbers),
        T(rfc6056_3_3_1_ports_are_random),
        T(rfc3168_5_capable_packets_carry_new_data),
        T(rfc3168_6_1_3_mark_in_the_ip_header_is_echoed),
        T(refused_dial_ends),
        T(error_for_no_connection_is_counted),
        T(rfc1191_packet_too_big_makes_messages_smaller),
#undef T
    };

    if (!rig_start("test_transport_path", POOL, RTE_MBUF_DEFAULT_BUF_SIZE))
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
