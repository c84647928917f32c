/* SPDX-License-Identifier: BSD-3-Clause */
/* The TCP transport: two of them back to back, and strangers who speak raw TCP to one. */
#include "transport_rig.h"

enum { POOL = 4095, LISTEN_PORT = 51820, MAX_MESSAGE = 2048, MESSAGES_MAX = 512 };

struct end {
    struct outer outer;
    struct tcp_transport t;
    struct wgt_drop_counters drops;
    struct packet_queue sent; /* copies of what it sent */
    unsigned n_established, n_lost, n_dial_ended, n_writable;
    enum tcp_end why;
    struct tcp_flow *last_flow;
    size_t n_messages;
    struct {
        uint16_t len;
        uint8_t first, last;
    } messages[MESSAGES_MAX];
};

static struct end a, b;

static void
tx(void *ctx, struct rte_mbuf *m)
{
    struct end *e = ctx;

    packet_queue_push(&e->sent, take_off_the_wire(m));
}

static void
on_message(void *ctx, wgt_time at, const struct path *from, struct rte_mbuf *m)
{
    struct end *e = ctx;
    const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
    uint16_t len = rte_pktmbuf_data_len(m);

    (void)at;
    e->last_flow = tcp_flow_of(from);
    if (e->n_messages < MESSAGES_MAX) {
        e->messages[e->n_messages].len = len;
        e->messages[e->n_messages].first = p[0];
        e->messages[e->n_messages].last = p[len - 1];
    }
    e->n_messages++;
    rte_pktmbuf_free(m);
}

static void
on_established(void *ctx, wgt_time at, struct tcp_flow *f)
{
    struct end *e = ctx;

    (void)at;
    e->last_flow = f;
    e->n_established++;
}

static void
on_path_lost(void *ctx, wgt_time at, struct path_user *u, const struct tcp_flow *f)
{
    (void)f;
    (void)at;
    assert_int_equal(u->path.kind, TRANSPORT_NONE);
    ((struct end *)ctx)->n_lost++;
}

static void
on_dial_ended(void *ctx, wgt_time at, void *dialer, struct tcp_flow *f, enum tcp_end why)
{
    struct end *e = ctx;

    (void)at;
    (void)f;
    assert_ptr_equal(dialer, e);
    e->n_dial_ended++;
    e->why = why;
}

static enum path_turn (*writable)(wgt_time at, struct path_user *u); /* NULL: has nothing to send */

static enum path_turn
on_writable(void *ctx, wgt_time at, struct path_user *u)
{
    ((struct end *)ctx)->n_writable++;
    return writable != NULL ? writable(at, u) : PATH_DONE;
}

static void
start(struct end *e, uint8_t host, bool listen)
{
    struct tcp_transport_config config = {
        .listen_port = LISTEN_PORT,
        .listen = listen,
        .max_flows = 64,
        .max_unauthenticated = 8,
        .max_message = MAX_MESSAGE,
        .receive_buffer = 1 << 20,
    };
    struct tcp_transport_events events = {
        .ctx = e,
        .message = on_message,
        .established = on_established,
        .path_lost = on_path_lost,
        .dial_ended = on_dial_ended,
        .writable = on_writable,
    };

    memset(e, 0, sizeof(*e));
    packet_queue_init(&e->sent);
    e->outer = (struct outer){
        .ctx = e,
        .tx = tx,
        .entropy = entropy,
        .pool = pool,
        .locals = {{ip_addr_v4((uint8_t[4]){192, 0, 2, host}), 24}},
        .n_locals = 1,
        .mtu = 1500,
        .drops = &e->drops,
    };
    assert_int_equal(tcp_transport_init(&e->t, now, &e->outer, &events, &config), 0);
}

static int
set_up(void **state)
{
    (void)state;
    prng = 7;
    now = WGT_SEC;
    writable = NULL;
    start(&a, 1, false);
    start(&b, 2, true);
    return 0;
}

/* Nothing that was lent may be missing at the end. */
static int
tear_down(void **state)
{
    (void)state;
    tcp_transport_fini(&a.t);
    tcp_transport_fini(&b.t);
    packet_queue_purge(&a.sent);
    packet_queue_purge(&b.sent);
    assert_int_equal(rte_mempool_avail_count(pool), POOL);
    return 0;
}

static bool
carry(struct end *from, struct end *to)
{
    struct rte_mbuf *m = packet_queue_pop(&from->sent);
    struct ip_header ip;

    if (m == NULL)
        return false;
    assert_int_equal(ip_parse(rte_pktmbuf_mtod(m, uint8_t *), rte_pktmbuf_data_len(m), true, &ip),
                     WGT_OK);
    tcp_transport_rx(&to->t, now, &ip, m, true);
    tcp_transport_rx_end(&to->t, now);
    return true;
}

/* Lets both ends talk until `end`; the way between them takes no time. */
static void
run_until(wgt_time end)
{
    for (;;) {
        wgt_time next;

        bool there, back;

        do {
            tcp_transport_run(&a.t, now);
            tcp_transport_run(&b.t, now);
            there = carry(&a, &b);
            back = carry(&b, &a);
        } while (there || back);
        next = wgt_time_min(tcp_transport_deadline(&a.t), tcp_transport_deadline(&b.t));
        if (next > end)
            break;
        now = next > now ? next : now;
    }
    now = end;
}

static struct ip_endpoint
b_listens(void)
{
    return (struct ip_endpoint){b.outer.locals[0].addr, LISTEN_PORT};
}

static struct tcp_flow *
dial(void)
{
    struct ip_endpoint to = b_listens();

    return tcp_transport_dial(&a.t, now, &(struct tcp_dial){.remote = to, .dialer = &a});
}

static struct rte_mbuf *
message(size_t len, uint8_t fill)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

    assert_non_null(m);
    memset(rte_pktmbuf_append(m, (uint16_t)len), fill, len);
    return m;
}

/* Bytes as a stranger would write them: no frame of ours. */
static void
send_raw(struct tcp_flow *f, const uint8_t *bytes, size_t len)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
    struct tcp_chunk *c = &packet_meta(m)->chunk;

    *c = (struct tcp_chunk){.data = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)len),
                            .len = (uint32_t)len};
    memcpy(c->data, bytes, len);
    assert_true(tcp_send(&f->conn, now, c));
    /* An empty close of nothing: only to have the flow looked at. */
    tcp_flow_send(&a.t, now, f, message(64, 0), false);
}

static void
messages_arrive_whole_and_in_order(void **state)
{
    static const uint16_t lengths[] = {148, 32, 92, 1446, 64, 1447, 2048, 33, 1500};
    struct tcp_flow *f = dial();

    (void)state;
    for (uint8_t i = 0; i < 9; i++)
        tcp_flow_send(&a.t, now, f, message(lengths[i], i), false);
    run_until(now + WGT_SEC);
    assert_int_equal(a.n_established, 1);
    assert_int_equal(b.n_established, 1);
    assert_int_equal(b.n_messages, 9);
    for (uint8_t i = 0; i < 9; i++) {
        assert_int_equal(b.messages[i].len, lengths[i]);
        assert_int_equal(b.messages[i].first, i);
        assert_int_equal(b.messages[i].last, i);
    }
}

static void
one_message_to_a_segment_goes_without_a_copy(void **state)
{
    struct tcp_flow *f = dial();
    uint64_t copies;

    (void)state;
    tcp_flow_send(&a.t, now, f, message(148, 1), false);
    run_until(now + WGT_SEC);
    tcp_flow_authenticated(&b.t, b.last_flow);
    run_until(now + WGT_SEC);
    copies = a.t.stats.copies;
    for (int i = 0; i < 10; i++)
        tcp_flow_send(&a.t, now, f, message(1440, 1), false);
    run_until(now + WGT_SEC);
    assert_int_equal(b.n_messages, 11);
    assert_int_equal(a.t.stats.copies, copies);
}

static void
answers_find_their_way_back(void **state)
{
    struct tcp_flow *f = dial();

    (void)state;
    tcp_flow_send(&a.t, now, f, message(148, 1), false);
    run_until(now + WGT_SEC);
    assert_non_null(b.last_flow);
    tcp_flow_send(&b.t, now, b.last_flow, message(92, 2), false);
    run_until(now + WGT_SEC);
    assert_int_equal(a.n_messages, 1);
    assert_int_equal(a.messages[0].len, 92);
}

static void
stranger_without_an_authenticated_message_is_reset_in_time(void **state)
{
    (void)state;
    dial();
    run_until(now + TCP_FLOW_AUTH_TIMEOUT - WGT_MSEC);
    assert_int_equal(tcp_transport_embryos(&b.t), 1);
    assert_int_equal(b.t.n_flows, 0); /* it has sent nothing */
    run_until(now + 10 * WGT_MSEC);
    assert_int_equal(tcp_transport_embryos(&b.t), 0);
    assert_int_equal(a.n_dial_ended, 1);
    assert_int_equal(a.why, TCP_END_RESET);
}

/* A stranger that leaves a hole and sends on pins a few buffers, not megabytes of them. */
static void
stranger_gets_a_small_window_and_the_authenticated_a_large_one(void **state)
{
    struct tcp_flow *f = dial();
    struct tcp_info info;

    (void)state;
    tcp_flow_send(&a.t, now, f, message(148, 1), false);
    run_until(now + WGT_SEC);
    tcp_info(&f->conn, &info);
    assert_true(info.snd_wnd <= TCP_FLOW_STRANGER_WINDOW);
    assert_true(info.snd_wnd >= MESSAGE_INITIATION_LEN);
    tcp_flow_authenticated(&b.t, b.last_flow);
    run_until(now + WGT_SEC);
    tcp_info(&f->conn, &info); /* told unasked */
    assert_true(info.snd_wnd > (1 << 19));
}

static void
authenticated_connection_stays(void **state)
{
    struct tcp_flow *f = dial();
    struct path_user user = {.path.kind = TRANSPORT_NONE};

    (void)state;
    tcp_flow_send(&a.t, now, f, message(148, 1), false);
    run_until(now + WGT_SEC);
    tcp_flow_authenticated(&b.t, b.last_flow);
    tcp_transport_attach(&b.t, now, &user, &b.last_flow->path);
    run_until(now + 600 * WGT_SEC);
    assert_int_equal(b.t.n_flows, 1);
    assert_true(tcp_flow_usable(b.last_flow));
    tcp_transport_detach(&b.t, now, &user);
}

/* Nonsense, silence and a message that means nothing: one looks like the other from outside. */
static void
strangers_end_the_same_way_whatever_was_wrong(void **state)
{
    static const struct {
        uint8_t raw[40];
        size_t len;
        bool late; /* sent when half of the time is up */
    } cases[] = {
        {{0, 1}, 40, false},
        {{0, 31}, 40, false},
        {{(MAX_MESSAGE + 1) >> 8, (MAX_MESSAGE + 1) & 0xff}, 40, true},
        {{0xff, 0xff}, 2, false},
        {{0, 148}, 2, false},             /* a message that never ends */
        {{0, 32, 1, 0, 0, 0}, 34, false}, /* one that the tunnel drops */
        {{0}, 0, false},
    };

    (void)state;
    for (unsigned i = 0; i < 7; i++) {
        struct tcp_flow *f = dial();
        wgt_time dialled = now;

        a.n_dial_ended = 0;
        run_until(dialled + (cases[i].late ? TCP_FLOW_AUTH_TIMEOUT / 2 : WGT_MSEC));
        if (cases[i].len > 0)
            send_raw(f, cases[i].raw, cases[i].len);
        run_until(dialled + TCP_FLOW_AUTH_TIMEOUT - 300 * WGT_MSEC);
        assert_int_equal(tcp_unsent(&f->conn), 0);
        if (cases[i].len > 0) { /* all of it is acknowledged, and there is room for more */
            struct tcp_info info;

            send_raw(f, cases[i].raw, cases[i].len);
            run_until(now + 100 * WGT_MSEC);
            tcp_info(&f->conn, &info);
            assert_int_equal(info.flight, 0);
            assert_in_range(info.snd_wnd, 800, TCP_FLOW_STRANGER_WINDOW);
        }
        run_until(dialled + TCP_FLOW_AUTH_TIMEOUT - WGT_MSEC);
        assert_int_equal(a.n_dial_ended, 0);
        run_until(dialled + TCP_FLOW_AUTH_TIMEOUT + WGT_MSEC);
        assert_int_equal(a.n_dial_ended, 1);
        assert_int_equal(a.why, TCP_END_RESET);
        assert_int_equal(b.t.n_flows, 0);
    }
    assert_int_equal(b.drops.n[WGT_DROP_FRAME_LENGTH], 4);
    assert_true(b.drops.n[WGT_DROP_TCP_SILENCED] >= 4);
}

static void
nonsense_on_an_authenticated_connection_resets_it_at_once(void **state)
{
    static const uint8_t raw[40] = {0, 1};
    struct tcp_flow *f = dial();

    (void)state;
    tcp_flow_send(&a.t, now, f, message(148, 1), false);
    run_until(now + WGT_SEC);
    tcp_flow_authenticated(&b.t, b.last_flow);
    send_raw(f, raw, sizeof(raw));
    run_until(now + WGT_SEC);
    assert_int_equal(a.why, TCP_END_RESET);
    assert_int_equal(b.t.n_flows, 0);
}

static void
empty_frame_is_counted_and_skipped(void **state)
{
    static const uint8_t raw[] = {0, 0, 0, 0};
    struct tcp_flow *f = dial();

    (void)state;
    run_until(now + WGT_SEC);
    send_raw(f, raw, sizeof(raw));
    run_until(now + WGT_SEC);
    assert_int_equal(b.drops.n[WGT_DROP_FRAME_EMPTY], 2);
    assert_int_equal(b.n_messages, 1);
    assert_int_equal(b.messages[0].len, 64);
}

/* Those that have sent something; the oldest makes room. */
static void
strangers_with_data_are_bounded(void **state)
{
    struct path paths[12];

    (void)state;
    for (int i = 0; i < 12; i++) {
        struct tcp_flow *f = dial();

        paths[i] = f->path;
        tcp_flow_send(&a.t, now, f, message(148, 1), false);
        run_until(now + WGT_MSEC);
        assert_true(b.t.n_unauthenticated <= 8);
    }
    assert_int_equal(b.t.n_unauthenticated, 8);
    assert_int_equal(b.drops.n[WGT_DROP_TCP_BACKLOG], 4);
    assert_int_equal(b.t.stats.strangers_evicted, 4);
    assert_int_equal(b.n_messages, 12);
    for (int i = 0; i < 12; i++)
        assert_int_equal(tcp_flow_of(&paths[i]) != NULL, i >= 4);
}

static void
strangers_do_not_evict_the_authenticated(void **state)
{
    (void)state;
    for (int i = 0; i < 8; i++) {
        tcp_flow_send(&a.t, now, dial(), message(148, 1), false);
        run_until(now + WGT_MSEC);
        tcp_flow_authenticated(&b.t, b.last_flow);
    }
    for (int i = 0; i < 40; i++)
        tcp_flow_send(&a.t, now, dial(), message(148, 1), false);
    run_until(now + WGT_SEC);
    assert_int_equal(b.t.n_flows, 16);
    assert_int_equal(b.t.n_unauthenticated, 8);
}

/* RFC 9293 3.5: our SYN and a SYN of the other end cross. */
static void
dialled_connection_is_not_evicted_while_half_open(void **state)
{
    struct path_user user = {.path.kind = TRANSPORT_NONE};
    struct ip_endpoint to = {a.outer.locals[0].addr, 1234};
    struct tcp_flow *f =
        tcp_transport_dial(&b.t, now, &(struct tcp_dial){.remote = to, .dialer = &b});
    struct tcp_segment syn = {
        .src_port = 1234, .dst_port = f->path.local.port, .seq = 7, .flags = TCP_SYN};
    struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
    struct ip_header ip = {.src = to.addr,
                           .dst = b.outer.locals[0].addr,
                           .protocol = IP_PROTO_TCP,
                           .payload_len = (uint32_t)tcp_header_len(&syn)};

    (void)state;
    tcp_transport_attach(&b.t, now, &user, &f->path);
    tcp_transport_run(&b.t, now);
    tcp_write((uint8_t *)rte_pktmbuf_append(m, (uint16_t)ip.payload_len), &ip.src, &ip.dst, &syn,
              true);
    tcp_transport_rx(&b.t, now, &ip, m, true);
    tcp_transport_rx_end(&b.t, now);
    assert_int_equal(tcp_state(&f->conn), TCP_SYN_RECEIVED);
    for (int i = 0; i < 200; i++)
        dial();
    tcp_transport_run(&a.t, now);
    while (carry(&a, &b))
        ;
    assert_true(f->in_use);
    assert_ptr_equal(tcp_flow_of(&user.path), f);
    tcp_transport_detach(&b.t, now, &user);
}

/* Its FIN would otherwise leave a connection that waits for an ACK without counting as a stranger.
 */
static void
stranger_that_closes_is_reset_and_forgotten(void **state)
{
    struct tcp_flow *f;

    (void)state;
    for (int i = 0; i < 2; i++) { /* silent, and after a message */
        f = dial();
        if (i == 1)
            tcp_flow_send(&a.t, now, f, message(148, 1), false);
        run_until(now + WGT_SEC);
        assert_int_equal(b.t.n_unauthenticated + tcp_transport_embryos(&b.t), 1);
        a.n_dial_ended = 0;
        tcp_flow_close(&a.t, now, f);
        run_until(now + WGT_SEC);
        assert_int_equal(b.t.n_unauthenticated + tcp_transport_embryos(&b.t), 0);
        assert_int_equal(b.t.n_flows, 0);
        assert_int_equal(a.n_dial_ended, 1);
        assert_int_equal(a.why, TCP_END_RESET);
    }
}

static void
retiring_a_flow_twice_leaves_users_of_another_alone(void **state)
{
    struct path_user user = {.path.kind = TRANSPORT_NONE};
    struct tcp_flow *good = dial(), *bad = dial();
    struct path stale = bad->path;

    (void)state;
    run_until(now + WGT_SEC);
    tcp_transport_attach(&a.t, now, &user, &good->path);
    tcp_flow_close(&a.t, now, bad);
    assert_false(tcp_flow_usable(bad));
    assert_null(LIST_FIRST(&bad->users));
    tcp_flow_retire(&a.t, now, bad); /* twice is as good as once */
    assert_ptr_equal(tcp_flow_of(&user.path), good);
    assert_true(path_equal(&user.path, &good->path));
    assert_false(path_equal(&user.path, &stale));
    tcp_transport_detach(&a.t, now, &user);
}

static void
closed_port_answers_with_reset(void **state)
{
    struct ip_endpoint to = b_listens();

    (void)state;
    to.port = 1234;
    assert_non_null(tcp_transport_dial(&a.t, now, &(struct tcp_dial){.remote = to, .dialer = &a}));
    run_until(now + WGT_SEC);
    assert_int_equal(a.n_dial_ended, 1);
    assert_int_equal(a.why, TCP_END_REFUSED);
    assert_int_equal(b.drops.n[WGT_DROP_TCP_PORT], 1);
    assert_int_equal(a.t.n_flows, 0);
}

static void
no_listener_no_connection(void **state)
{
    (void)state;
    b.t.config.listen = false;
    dial();
    run_until(now + WGT_SEC);
    assert_int_equal(a.why, TCP_END_REFUSED);
    assert_int_equal(b.t.n_flows, 0);
}

static void
dead_peer_ends_the_dial_within_the_connect_timeout(void **state)
{
    struct ip_endpoint to = b_listens();

    (void)state;
    to.addr.bytes[3] = 77; /* b drops it: not its connection, and the RST goes astray */
    assert_non_null(tcp_transport_dial(&a.t, now, &(struct tcp_dial){.remote = to, .dialer = &a}));
    for (wgt_time end = now + 2 * TCP_FLOW_CONNECT_TIMEOUT; now < end; now += 100 * WGT_MSEC) {
        struct rte_mbuf *m;

        tcp_transport_run(&a.t, now);
        while ((m = packet_queue_pop(&a.sent)) != NULL) {
            assert_int_equal(rte_pktmbuf_mtod(m, uint8_t *)[IPV4_HEADER_LEN + 13] & 0x3f, TCP_SYN);
            rte_pktmbuf_free(m);
        }
    }
    assert_int_equal(a.n_dial_ended, 1);
    assert_int_equal(a.why, TCP_END_TIMEOUT);
}

static void
unused_connection_is_closed_with_fin_after_the_linger_time(void **state)
{
    struct path_user user = {.path.kind = TRANSPORT_NONE};
    struct tcp_flow *f = dial();

    (void)state;
    tcp_transport_attach(&a.t, now, &user, &f->path);
    tcp_flow_send(&a.t, now, f, message(148, 1), false);
    run_until(now + WGT_SEC);
    tcp_flow_authenticated(&b.t, b.last_flow);
    tcp_transport_detach(&a.t, now, &user);
    run_until(now + TCP_FLOW_LINGER - WGT_MSEC);
    assert_int_equal(tcp_state(&f->conn), TCP_ESTABLISHED);
    run_until(now + 10 * WGT_MSEC);
    assert_int_equal(a.t.n_flows, 0); /* TIME-WAIT takes no flow */
    assert_int_equal(a.t.listener.n[TCP_STUB_TIME_WAIT], 1);
    assert_int_equal(b.t.n_flows, 0);
    assert_int_equal(a.why, TCP_END_NORMAL);
    run_until(now + 59 * WGT_SEC);
    assert_int_equal(a.t.listener.n[TCP_STUB_TIME_WAIT], 1);
    run_until(now + 2 * WGT_SEC);
    assert_int_equal(a.t.listener.n[TCP_STUB_TIME_WAIT], 0);
}

/* A peer's connection, but it is heard on another. */
static void
connection_that_never_was_used_is_closed_after_the_linger_time(void **state)
{
    struct path_user user = {.path.kind = TRANSPORT_NONE};
    struct tcp_flow *f = dial();

    (void)state;
    tcp_flow_send(&a.t, now, f, message(148, 1), false);
    run_until(now + WGT_SEC);
    tcp_flow_authenticated(&b.t, b.last_flow);
    tcp_flow_unused(&b.t, now, b.last_flow, &user);
    run_until(now + TCP_FLOW_LINGER / 2);
    tcp_flow_unused(&b.t, now, b.last_flow, &user); /* no more time for that */
    run_until(now + TCP_FLOW_LINGER / 2 - WGT_MSEC);
    assert_int_equal(b.t.n_flows, 1);
    run_until(now + 10 * WGT_MSEC);
    assert_int_equal(b.t.n_flows, 0);
}

/* A peer's connection at b, dialled by a. */
static struct tcp_flow *
authenticated_at_b(void)
{
    tcp_flow_send(&a.t, now, dial(), message(148, 1), false);
    run_until(now + WGT_MSEC);
    tcp_flow_authenticated(&b.t, b.last_flow);
    return b.last_flow;
}

enum { PLACES = 16 };

static void
full_table_gives_away_the_place_that_is_unused_for_longest(void **state)
{
    struct path_user used = {.path.kind = TRANSPORT_NONE}, left[PLACES] = {0};
    struct path path[PLACES], newcomer;

    (void)state;
    b.t.config.max_flows = PLACES;
    for (unsigned i = 0; i < PLACES; i++) {
        struct tcp_flow *f = authenticated_at_b();

        path[i] = f->path;
        tcp_flow_unused(&b.t, now, f, &left[i]);
    }
    tcp_transport_attach(&b.t, now, &used, &path[0]); /* used after all */
    tcp_transport_attach(&b.t, now, &left[1], &path[1]);
    tcp_transport_detach(&b.t, now, &left[1]); /* and this one until now */
    for (unsigned i = 2; i < 5; i++) {
        assert_int_equal(b.t.n_flows, PLACES);
        newcomer = authenticated_at_b()->path;
        assert_non_null(tcp_flow_of(&newcomer));
        tcp_transport_attach(&b.t, now, &left[i], &newcomer);
        for (unsigned k = 0; k < PLACES; k++)
            assert_int_equal(tcp_flow_of(&path[k]) != NULL, k < 2 || k > i);
    }
    assert_int_equal(b.t.stats.unused_evicted, 3);
    assert_int_equal(b.drops.n[WGT_DROP_TCP_TABLE_FULL], 0);
    assert_int_equal(a.why, TCP_END_RESET);
    tcp_transport_detach(&b.t, now, &used);
    for (unsigned i = 2; i < 5; i++)
        tcp_transport_detach(&b.t, now, &left[i]);
    b.t.config.max_flows = 64;
}

/* Without an answer to its FIN it would last longer than one that lingers. */
static void
closing_connections_give_their_places_away_too(void **state)
{
    struct path closing;

    (void)state;
    b.t.config.max_flows = 1;
    closing = authenticated_at_b()->path;
    tcp_flow_close(&b.t, now, tcp_flow_of(&closing));
    tcp_transport_run(&b.t, now);
    packet_queue_purge(&b.sent);
    assert_non_null(tcp_flow_of(&closing));
    assert_non_null(tcp_flow_of(&authenticated_at_b()->path));
    assert_null(tcp_flow_of(&closing));
    b.t.config.max_flows = 64;
}

static void
table_full_of_used_connections_takes_no_more(void **state)
{
    struct path_user used[PLACES] = {0};

    (void)state;
    b.t.config.max_flows = PLACES;
    for (unsigned i = 0; i < PLACES; i++) {
        tcp_transport_attach(&b.t, now, &used[i], &authenticated_at_b()->path);
    }
    tcp_flow_send(&a.t, now, dial(), message(148, 1), false);
    run_until(now + WGT_MSEC);
    assert_int_equal(b.t.stats.unused_evicted, 0);
    assert_int_equal(b.drops.n[WGT_DROP_TCP_TABLE_FULL], 1);
    for (unsigned i = 0; i < PLACES; i++) {
        assert_non_null(tcp_flow_of(&used[i].path));
        tcp_transport_detach(&b.t, now, &used[i]);
    }
    b.t.config.max_flows = 64;
}

/* Each of its connections is unused once it is heard on the next. */
static void
one_user_leaves_few_unused_connections_behind(void **state)
{
    struct path_user churner = {.path.kind = TRANSPORT_NONE}, other = churner;
    struct path path[12], others;

    (void)state;
    others = authenticated_at_b()->path;
    tcp_flow_unused(&b.t, now, tcp_flow_of(&others), &other);
    for (unsigned i = 0; i < 12; i++) {
        path[i] = authenticated_at_b()->path;
        tcp_transport_attach(&b.t, now, &churner, &path[i]);
        assert_true(tcp_flow_usable(tcp_flow_of(&path[i])));
        tcp_transport_run(&b.t, now);
        assert_true(b.t.n_flows <= 1 + 1 + TCP_FLOW_UNUSED_MAX);
    }
    for (unsigned i = 0; i < 7; i++)
        assert_null(tcp_flow_of(&path[i]));
    assert_non_null(tcp_flow_of(&path[11 - TCP_FLOW_UNUSED_MAX + 1]));
    assert_non_null(tcp_flow_of(&others));
    assert_int_equal(b.t.stats.unused_evicted, 7);
    tcp_transport_detach(&b.t, now, &churner);
}

/* It is in use from then on, though its user leaves one too many. */
static void
user_that_goes_back_to_its_oldest_connection_keeps_it(void **state)
{
    struct path_user user = {.path.kind = TRANSPORT_NONE};
    struct path path[TCP_FLOW_UNUSED_MAX + 1];

    (void)state;
    for (unsigned i = 0; i <= TCP_FLOW_UNUSED_MAX; i++) {
        path[i] = authenticated_at_b()->path;
        tcp_transport_attach(&b.t, now, &user, &path[i]);
    }
    tcp_transport_attach(&b.t, now, &user, &path[0]);
    assert_ptr_equal(tcp_flow_of(&user.path), path[0].flow);
    tcp_transport_attach(&b.t, now, &user, &path[0]);
    run_until(now + 2 * TCP_FLOW_LINGER);
    assert_ptr_equal(tcp_flow_of(&user.path), path[0].flow);
    assert_false(path[0].flow->unused);
    assert_int_equal(b.t.n_flows, 1);
    tcp_transport_detach(&b.t, now, &user);
}

/* The peer never closes its side, and sends now and then: FIN-WAIT-2 alone would last. */
static void
closed_connection_that_does_not_end_is_reset(void **state)
{
    struct tcp_flow *f = dial();

    (void)state;
    tcp_flow_send(&a.t, now, f, message(148, 1), false);
    run_until(now + WGT_SEC);
    tcp_flow_authenticated(&b.t, b.last_flow);
    run_until(now + WGT_SEC);
    tcp_flow_retire(&b.t, now, b.last_flow);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(b.t.n_flows, 1);
        f->closing = false;
        tcp_flow_send(&a.t, now, f, message(148, 1), false);
        f->closing = true; /* so that it does not answer the FIN */
        run_until(now + TCP_FLOW_CLOSING / 6);
    }
    run_until(now + WGT_SEC);
    assert_int_equal(b.t.n_flows, 0);
}

/* What authenticates was sent before the nonsense: nothing more will be read, and it must not last.
 */
static void
stranger_that_is_read_no_more_does_not_become_a_peer(void **state)
{
    struct tcp_flow *f = dial();

    (void)state;
    tcp_flow_send(&a.t, now, f, message(148, 1), false);
    send_raw(f, (const uint8_t *)"\0\1\0\1", 4);
    run_until(now + WGT_SEC);
    assert_true(b.last_flow->silenced);
    tcp_flow_authenticated(&b.t, b.last_flow);
    assert_false(tcp_flow_usable(b.last_flow));
    run_until(now + TCP_FLOW_AUTH_TIMEOUT);
    assert_int_equal(b.t.n_flows, 0);
    assert_int_equal(a.why, TCP_END_RESET);
}

/* Its window stays closed: what is not asked for by it must not pile up. */
static void
who_does_not_read_has_a_backlog(void **state)
{
    struct tcp_flow *f = dial();
    unsigned n = 0;

    (void)state;
    tcp_flow_send(&a.t, now, f, message(148, 1), false);
    run_until(now + WGT_SEC);
    assert_false(tcp_flow_backlogged(b.last_flow));
    b.last_flow->conn.snd_wnd = 0;
    while (!tcp_flow_backlogged(b.last_flow)) {
        tcp_flow_send(&b.t, now, b.last_flow, message(92, 2), false);
        assert_true(++n < 200);
    }
    assert_true(n > 10);
}

static void
connection_taken_up_again_within_the_linger_time_stays(void **state)
{
    struct path_user user = {.path.kind = TRANSPORT_NONE};
    struct tcp_flow *f = dial();
    struct path p = f->path;

    (void)state;
    tcp_transport_attach(&a.t, now, &user, &p);
    tcp_flow_send(&a.t, now, f, message(148, 1), false);
    run_until(now + WGT_SEC);
    tcp_flow_authenticated(&b.t, b.last_flow);
    tcp_transport_detach(&a.t, now, &user);
    run_until(now + TCP_FLOW_LINGER / 2);
    tcp_transport_attach(&a.t, now, &user, &p);
    run_until(now + 10 * TCP_FLOW_LINGER);
    assert_int_equal(tcp_state(&f->conn), TCP_ESTABLISHED);
    tcp_transport_detach(&a.t, now, &user);
}

static void
users_of_a_reset_connection_are_told(void **state)
{
    struct path_user one = {.path.kind = TRANSPORT_NONE}, two = one;
    struct tcp_flow *f = dial();
    struct path p = f->path;

    (void)state;
    tcp_transport_attach(&a.t, now, &one, &p);
    tcp_transport_attach(&a.t, now, &two, &p);
    run_until(now + TCP_FLOW_AUTH_TIMEOUT + WGT_SEC); /* b resets the stranger */
    assert_int_equal(a.n_lost, 2);
    assert_null(tcp_flow_of(&p)); /* an old path names nothing */
    tcp_transport_attach(&a.t, now, &one, &p);
    assert_int_equal(one.path.kind, TRANSPORT_NONE);
}

static void
peer_fin_ends_the_use_and_is_answered_with_fin(void **state)
{
    struct path_user user = {.path.kind = TRANSPORT_NONE};
    struct tcp_flow *f = dial();

    (void)state;
    tcp_transport_attach(&a.t, now, &user, &f->path);
    tcp_flow_send(&a.t, now, f, message(148, 1), false);
    run_until(now + WGT_SEC);
    tcp_flow_close(&b.t, now, b.last_flow);
    run_until(now + WGT_SEC);
    assert_int_equal(a.n_lost, 1);
    assert_int_equal(a.n_dial_ended, 1);
    assert_int_equal(a.t.n_flows, 0); /* LAST-ACK is over */
    assert_int_equal(b.t.n_flows, 0);
    assert_int_equal(b.t.listener.n[TCP_STUB_TIME_WAIT], 1);
}

static void
close_all_ends_every_connection_with_fin(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++)
        tcp_flow_send(&a.t, now, dial(), message(148, 1), false);
    run_until(now + WGT_SEC);
    assert_int_equal(b.t.n_flows, 4);
    tcp_transport_close_all(&b.t, now);
    assert_false(tcp_transport_closed(&b.t));
    run_until(now + WGT_SEC);
    assert_true(tcp_transport_closed(&b.t));
    assert_int_equal(a.t.n_flows, 0);
    dial(); /* and nobody gets in any more */
    run_until(now + WGT_SEC);
    assert_int_equal(a.why, TCP_END_REFUSED);
}

/* A stranger's window is smaller than a message may be: on an empty connection one goes all the
 * same, in parts; but what follows would stand before the initiation by which the stranger could
 * know us. */
static void
empty_connection_takes_one_message_more_than_its_window(void **state)
{
    struct tcp_flow *f = dial();
    struct tcp_info info;
    unsigned n = 0;

    (void)state;
    run_until(now + WGT_SEC);
    for (; n < 10 && tcp_flow_fits(&a.t, f, now, 1300); n++)
        tcp_flow_send(&a.t, now, f, message(1300, 7), false);
    assert_int_equal(n, 1);
    tcp_info(&f->conn, &info);
    assert_true(info.snd_wnd < 1300);
    assert_false(tcp_flow_is_open(&a.t, f, now, 16));
}

static unsigned bulk_sent;

static enum path_turn
bulk_message(wgt_time at, struct path_user *u)
{
    struct tcp_flow *f = tcp_flow_of(&u->path);

    for (; bulk_sent < 400; bulk_sent++) {
        if (!tcp_flow_fits(&a.t, f, at, 1440))
            return PATH_NO_ROOM;
        tcp_flow_send(&a.t, at, f, message(1440, (uint8_t)bulk_sent), false);
    }
    return PATH_DONE;
}

/* Strangers are offered too little for a bulk. */
static void
let_b_trust_the_caller(struct tcp_flow *f)
{
    run_until(now + 100 * WGT_MSEC);
    tcp_flow_send(&a.t, now, f, message(148, 0xff), false);
    run_until(now + 100 * WGT_MSEC);
    assert_int_equal(b.n_messages, 1);
    tcp_flow_authenticated(&b.t, b.last_flow);
    b.n_messages = 0;
    run_until(now + 100 * WGT_MSEC);
}

static void
bulk_survives_a_bounded_window_and_makes_room_again(void **state)
{
    struct path_user user = {.path.kind = TRANSPORT_NONE};
    struct tcp_flow *f = dial();

    (void)state;
    bulk_sent = 0;
    writable = bulk_message;
    tcp_transport_attach(&a.t, now, &user, &f->path);
    let_b_trust_the_caller(f);
    tcp_flow_want(&a.t, f, &user);
    run_until(now + 10 * WGT_SEC);
    assert_int_equal(bulk_sent, 400);
    assert_int_equal(b.n_messages, 400);
    for (unsigned i = 0; i < 400; i++)
        assert_int_equal(b.messages[i].first, (uint8_t)i);
    assert_true(a.n_writable > 1);
    tcp_transport_detach(&a.t, now, &user);
}

/* --- packets that wait for acknowledgments -------------------------------------------------------
 */

enum { HOGS = 6, HOG_MESSAGE = 64 };

static struct hog {
    struct path_user user;
    bool content; /* it has nothing more to say */
} hogs[HOGS];

/* Short messages, as many as fit. */
static enum path_turn
send_without_end(wgt_time at, struct path_user *u)
{
    struct hog *h = WGT_CONTAINER_OF(u, struct hog, user);
    struct tcp_flow *f = tcp_flow_of(&u->path);

    while (!h->content && tcp_flow_fits(&a.t, f, at, HOG_MESSAGE))
        tcp_flow_send(&a.t, at, f, message(HOG_MESSAGE, (uint8_t)(h - hogs)), false);
    return h->content ? PATH_DONE : PATH_NO_ROOM;
}

/* A connection that no congestion control holds back. */
static struct tcp_flow *
dial_for_hog(struct hog *h)
{
    struct tcp_flow *f;

    a.t.config.congestion = &tcp_cc_none;
    f = dial();
    *h = (struct hog){.user.path.kind = TRANSPORT_NONE};
    writable = send_without_end;
    tcp_transport_attach(&a.t, now, &h->user, &f->path);
    b.n_messages = 0;
    let_b_trust_the_caller(f);
    return f;
}

/* Nothing that a sends arrives. */
static void
run_cut_off(wgt_time end)
{
    for (; now < end; now += WGT_MSEC) {
        tcp_transport_run(&a.t, now);
        packet_queue_purge(&a.sent);
    }
}

static void
release_hogs(void)
{
    for (unsigned i = 0; i < HOGS; i++)
        tcp_transport_detach(&a.t, now, &hogs[i].user);
}

/* The rest of the pool receives: acknowledgments above all. */
static void
unacknowledged_packets_do_not_take_the_pool(void **state)
{
    struct tcp_flow *f[HOGS];
    uint32_t share = packet_share(pool);

    (void)state;
    for (unsigned i = 0; i < HOGS; i++)
        f[i] = dial_for_hog(&hogs[i]);
    for (unsigned i = 0; i < HOGS; i++) {
        tcp_flow_want(&a.t, f[i], &hogs[i].user);
        run_cut_off(now + 20 * WGT_MSEC);
        if (i == 0) /* alone it has most of what there is */
            assert_in_range(f[i]->n_sent, share / 4 * 3, share - share / 8);
        assert_true(f[i]->n_sent >= 2); /* a newcomer finds some */
    }
    assert_in_range(a.t.n_sent, share / 4 * 3, share + 2 * HOGS);
    assert_true(rte_mempool_avail_count(pool) >= POOL - share - 2 * HOGS);
    assert_true(a.t.stats.packet_limited >= HOGS);
    /* What nobody asked for passes: handshakes, keepalives. */
    tcp_flow_send(&a.t, now, f[0], message(148, 9), false);
    for (unsigned i = 0; i < HOGS; i++)
        hogs[i].content = true;
    b.n_messages = 0;
    run_until(now + 2 * WGT_SEC);
    assert_int_equal(a.t.n_sent, 0);
    assert_true(b.n_messages > share / 4 * 3); /* nothing is lost */
    release_hogs();
}

/* Acknowledgments of its own wake it, and it never has too few packets for these. */
static void
one_who_had_to_stop_for_packets_goes_on(void **state)
{
    struct tcp_flow *f[2];

    (void)state;
    for (unsigned i = 0; i < 2; i++)
        f[i] = dial_for_hog(&hogs[i]);
    a.t.sent_max = 8;
    b.n_messages = 0;
    for (unsigned i = 0; i < 2; i++)
        tcp_flow_want(&a.t, f[i], &hogs[i].user);
    for (unsigned i = 0; i < 200; i++, now += 10 * WGT_MSEC) {
        tcp_transport_run(&a.t, now);
        assert_true(a.t.n_sent <= 8 + 2 * 2);
        for (unsigned k = 0; k < 2; k++)
            assert_true(hogs[k].user.waiting && f[k]->n_sent >= 2);
        while (carry(&a, &b))
            ;
        tcp_transport_run(&b.t, now);
        while (carry(&b, &a))
            ;
    }
    assert_true(b.n_messages > 200); /* delayed acknowledgments: 40 ms */
    hogs[0].content = hogs[1].content = true;
    run_until(now + WGT_SEC);
    assert_int_equal(a.t.n_sent, 0);
    release_hogs();
}

/* Received packets leave connections the same way as sent ones. */
static void
only_sent_packets_are_counted_as_sent(void **state)
{
    struct tcp_flow *f = dial_for_hog(&hogs[0]);

    (void)state;
    for (unsigned i = 0; i < 10; i++)
        tcp_flow_send(&a.t, now, f, message(1440, 1), false);
    assert_int_equal(f->n_sent, 10);
    tcp_transport_run(&a.t, now);
    rte_pktmbuf_free(packet_queue_pop(&a.sent)); /* the rest waits beyond a hole at b */
    while (carry(&a, &b))
        ;
    assert_int_equal(b.t.n_sent, 0);
    tcp_flow_reset(&b.t, now, b.last_flow); /* and is given back unread */
    tcp_transport_run(&b.t, now);
    assert_int_equal(b.t.n_sent, 0);
    run_until(now + WGT_SEC);
    assert_int_equal(a.t.n_sent, 0);
    release_hogs();
}

/* --- those who wait for room ---------------------------------------------------------------------
 */

enum { SENDERS = 3, SENDER_MESSAGES = 100 };

static struct sender {
    struct path_user user;
    unsigned left;
} senders[SENDERS];

/* One message a turn. */
static enum path_turn
one_message(wgt_time at, struct path_user *u)
{
    struct sender *s = WGT_CONTAINER_OF(u, struct sender, user);
    struct tcp_flow *f = tcp_flow_of(&u->path);

    assert_true(u->waiting);
    if (s->left == 0)
        return PATH_DONE;
    if (!tcp_flow_fits(&a.t, f, at, 1300))
        return PATH_NO_ROOM;
    tcp_flow_send(&a.t, at, f, message(1300, (uint8_t)(s - senders)), false);
    return --s->left > 0 ? PATH_MORE : PATH_DONE;
}

static struct tcp_flow *
dial_for_senders(void)
{
    struct tcp_flow *f = dial();

    writable = one_message;
    memset(senders, 0, sizeof(senders));
    for (unsigned i = 0; i < SENDERS; i++) {
        senders[i].left = SENDER_MESSAGES;
        tcp_transport_attach(&a.t, now, &senders[i].user, &f->path);
    }
    let_b_trust_the_caller(f);
    return f;
}

static void
release_senders(void)
{
    for (unsigned i = 0; i < SENDERS; i++)
        tcp_transport_detach(&a.t, now, &senders[i].user);
}

/* Whatever the room, no user is ahead of another by more than a turn; acknowledgments alone keep
 * them going. */
static void
users_of_a_connection_take_turns(void **state)
{
    struct tcp_flow *f = dial_for_senders();
    unsigned got[SENDERS] = {0};

    (void)state;
    for (unsigned i = 0; i < SENDERS; i++)
        tcp_flow_want(&a.t, f, &senders[i].user);
    run_until(now + 10 * WGT_SEC);
    assert_int_equal(b.n_messages, SENDERS * SENDER_MESSAGES);
    for (size_t i = 0; i < b.n_messages; i++) {
        assert_int_equal(b.messages[i].first, i % SENDERS);
        got[b.messages[i].first]++;
    }
    for (unsigned i = 0; i < SENDERS; i++) {
        assert_int_equal(got[i], SENDER_MESSAGES);
        assert_false(senders[i].user.waiting);
    }
    release_senders();
}

/* It does not pile up in the connection. */
static void
what_cannot_leave_stays_with_its_user(void **state)
{
    struct tcp_flow *f = dial_for_senders();
    struct tcp_info info;

    (void)state;
    run_until(now + WGT_SEC);
    for (unsigned i = 0; i < SENDERS; i++)
        tcp_flow_want(&a.t, f, &senders[i].user);
    tcp_transport_run(&a.t, now);
    tcp_info(&f->conn, &info);
    assert_int_equal(info.unsent, 0);
    assert_true(senders[0].user.waiting);
    run_until(now + 10 * WGT_SEC);
    assert_int_equal(b.n_messages, SENDERS * SENDER_MESSAGES);
    release_senders();
}

/* All that goes ahead leaves at once, however often it is asked; and nobody is overtaken. */
static void
who_finds_nobody_waiting_need_not_wait_for_a_turn(void **state)
{
    struct tcp_flow *f = dial_for_senders();
    struct tcp_info info;
    unsigned n = 0;

    (void)state;
    run_until(now + WGT_SEC);
    for (; tcp_flow_is_open(&a.t, f, now, 1300); n++) {
        assert_true(tcp_flow_room(f, now) >= 1302);
        tcp_flow_send(&a.t, now, f, message(1300, 7), false);
    }
    assert_true(n > 1);
    assert_true(tcp_flow_room(f, now) < 1302);
    tcp_transport_run(&a.t, now);
    tcp_info(&f->conn, &info);
    assert_int_equal(info.unsent, 0);
    run_until(now + WGT_SEC);
    assert_int_equal(b.n_messages, n);
    assert_true(tcp_flow_is_open(&a.t, f, now, 1300));
    tcp_flow_want(&a.t, f, &senders[0].user);
    assert_false(tcp_flow_is_open(&a.t, f, now, 1300));
    assert_false(tcp_flow_is_shared(f));
    tcp_flow_want(&a.t, f, &senders[1].user);
    assert_true(tcp_flow_is_shared(f));
    release_senders();
}

static void
one_who_leaves_the_connection_waits_no_more(void **state)
{
    struct tcp_flow *f = dial_for_senders();

    (void)state;
    for (unsigned i = 0; i < SENDERS; i++)
        tcp_flow_want(&a.t, f, &senders[i].user);
    tcp_transport_detach(&a.t, now, &senders[1].user);
    assert_false(senders[1].user.waiting);
    run_until(now + 10 * WGT_SEC);
    assert_int_equal(senders[1].left, SENDER_MESSAGES);
    assert_int_equal(b.n_messages, (SENDERS - 1) * SENDER_MESSAGES);
    senders[0].left = 1;
    tcp_flow_want(&a.t, f, &senders[0].user);
    tcp_flow_retire(&a.t, now, f);
    assert_false(senders[0].user.waiting);
    run_until(now + WGT_SEC);
    release_senders();
}

static void
exhausted_pool_loses_nothing_but_time(void **state)
{
    struct path_user user = {.path.kind = TRANSPORT_NONE};
    struct rte_mbuf *hostage[POOL];
    struct tcp_flow *f = dial();
    unsigned n = 0;

    (void)state;
    tcp_transport_attach(&a.t, now, &user, &f->path);
    run_until(now + WGT_SEC);
    for (int i = 0; i < 5; i++)
        tcp_flow_send(&a.t, now, f, message(100, (uint8_t)i), false); /* copied into one segment */
    while ((hostage[n] = rte_pktmbuf_alloc(pool)) != NULL)
        n++;
    tcp_transport_run(&a.t, now);
    assert_true(a.drops.n[WGT_DROP_NO_BUFFER] > 0);
    while (n > 0)
        rte_pktmbuf_free(hostage[--n]);
    run_until(now + 2 * WGT_SEC);
    assert_int_equal(b.n_messages, 5);
    tcp_transport_detach(&a.t, now, &user);
}

/* b listens for those who know its key. */
static void
start_knocking(uint8_t key[NOISE_KEY_LEN])
{
    static const uint8_t public_key[NOISE_KEY_LEN] = {5};
    struct tcp_transport_config config = b.t.config;
    struct tcp_transport_events events = b.t.events;

    noise_knock_key(key, public_key);
    tcp_transport_fini(&b.t);
    a.outer.wall_seconds = b.outer.wall_seconds = wall_seconds;
    config.knock = true;
    memcpy(config.knock_key, key, NOISE_KEY_LEN);
    assert_int_equal(tcp_transport_init(&b.t, now, &b.outer, &events, &config), 0);
}

static void
knocking_dialler_is_let_in(void **state)
{
    struct tcp_dial how = {.remote = b_listens(), .dialer = &a};
    uint8_t key[NOISE_KEY_LEN];

    (void)state;
    start_knocking(key);
    how.knock_key = key;
    for (uint8_t i = 0; i < 20; i++) {
        tcp_flow_send(&a.t, now, tcp_transport_dial(&a.t, now, &how), message(148, i), false);
        run_until(now + WGT_SEC / 4);
        assert_int_equal(b.n_messages, i + 1);
    }
    assert_int_equal(b.t.stats.knocks_refused, 0);
}

static void
others_meet_silence(void **state)
{
    struct tcp_dial how = {.remote = b_listens(), .dialer = &a};
    uint8_t key[NOISE_KEY_LEN];

    (void)state;
    start_knocking(key);
    assert_non_null(tcp_transport_dial(&a.t, now, &how)); /* a plain SYN */
    key[0] ^= 1;
    how.knock_key = key;
    assert_non_null(tcp_transport_dial(&a.t, now, &how)); /* another's key */
    run_until(now + WGT_SEC / 2);
    assert_int_equal(b.t.stats.knocks_refused, 2);
    run_until(now + 2 * TCP_FLOW_CONNECT_TIMEOUT);
    assert_int_equal(b.t.stats.segments_out, 0);
    assert_int_equal(a.n_dial_ended, 2);
    assert_int_equal(a.why, TCP_END_TIMEOUT);
    assert_int_equal(tcp_transport_embryos(&b.t), 0);
}

static void
sizes(void **state)
{
    const size_t flow = sizeof(struct tcp_flow), stub = sizeof(struct tcp_stub);
    /* Each stub has two buckets and four source counters. */
    const size_t tables = 2 * sizeof(uint32_t) + 4 * sizeof(struct tcp_source);

    (void)state;
    print_message("flow: %zu bytes, of which the connection %zu; stub: %zu, with its tables %zu\n",
                  flow, sizeof(struct tcp_conn), stub, stub + tables);
    assert_true(stub + tables <= 256);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        T(messages_arrive_whole_and_in_order),
        T(one_message_to_a_segment_goes_without_a_copy),
        T(answers_find_their_way_back),
        T(stranger_without_an_authenticated_message_is_reset_in_time),
        T(stranger_gets_a_small_window_and_the_authenticated_a_large_one),
        T(authenticated_connection_stays),
        T(strangers_end_the_same_way_whatever_was_wrong),
        T(nonsense_on_an_authenticated_connection_resets_it_at_once),
        T(empty_frame_is_counted_and_skipped),
        T(strangers_with_data_are_bounded),
        T(strangers_do_not_evict_the_authenticated),
        T(dialled_connection_is_not_evicted_while_half_open),
        T(stranger_that_closes_is_reset_and_forgotten),
        T(retiring_a_flow_twice_leaves_users_of_another_alone),
        T(closed_port_answers_with_reset),
        T(no_listener_no_connection),
        T(dead_peer_ends_the_dial_within_the_connect_timeout),
        T(unused_connection_is_closed_with_fin_after_the_linger_time),
        T(connection_that_never_was_used_is_closed_after_the_linger_time),
        T(full_table_gives_away_the_place_that_is_unused_for_longest),
        T(closing_connections_give_their_places_away_too),
        T(table_full_of_used_connections_takes_no_more),
        T(one_user_leaves_few_unused_connections_behind),
        T(user_that_goes_back_to_its_oldest_connection_keeps_it),
        T(closed_connection_that_does_not_end_is_reset),
        T(stranger_that_is_read_no_more_does_not_become_a_peer),
        T(who_does_not_read_has_a_backlog),
        T(connection_taken_up_again_within_the_linger_time_stays),
        T(users_of_a_reset_connection_are_told),
        T(peer_fin_ends_the_use_and_is_answered_with_fin),
        T(close_all_ends_every_connection_with_fin),
        T(empty_connection_takes_one_message_more_than_its_window),
        T(bulk_survives_a_bounded_window_and_makes_room_again),
        T(unacknowledged_packets_do_not_take_the_pool),
        T(one_who_had_to_stop_for_packets_goes_on),
        T(only_sent_packets_are_counted_as_sent),
        T(users_of_a_connection_take_turns),
        T(what_cannot_leave_stays_with_its_user),
        T(who_finds_nobody_waiting_need_not_wait_for_a_turn),
        T(one_who_leaves_the_connection_waits_no_more),
        T(exhausted_pool_loses_nothing_but_time),
        T(knocking_dialler_is_let_in),
        T(others_meet_silence),
        T(sizes),
#undef T
    };

    if (!rig_start("test_tcp_transport", POOL, RTE_PKTMBUF_HEADROOM + MAX_MESSAGE + 64))
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
