/* SPDX-License-Identifier: BSD-3-Clause */
/* The listener against callers made by hand: floods, strangers, cookies, TIME-WAIT. */
#include <errno.h>
#include <time.h>

#include "transport_rig.h"

enum {
    POOL = 4095,
    LISTEN_PORT = 51820,
    MAX_MESSAGE = 2048,
    FLOWS = 64,
    STUBS = 256,
    BACKLOG = STUBS / 2 * 3 / 4,
    PER_SOURCE = 8,
};

/* A caller: what it knows of its connection. */
struct caller {
    struct ip_addr addr;
    uint16_t port;
    uint32_t seq, ack; /* next to send, next expected */
    uint32_t ts, echo;
    bool plain; /* no options */
};

static struct tcp_transport t;
static struct outer outer;
static struct wgt_drop_counters drops;
static struct packet_queue sent;
static unsigned n_messages;
static struct tcp_flow *last_flow;
static bool in_burst; /* what is injected waits for end_burst */
static bool swallow;  /* what is sent is counted and lost */
static uint64_t n_sent;

static void
tx(void *ctx, struct rte_mbuf *m)
{
    (void)ctx;
    n_sent++;
    if (swallow)
        rte_pktmbuf_free(m);
    else
        packet_queue_push(&sent, m); /* nothing here is sent in place */
}

static void
on_message(void *ctx, wgt_time at, const struct path *from, struct rte_mbuf *m)
{
    (void)ctx;
    (void)at;
    n_messages++;
    last_flow = tcp_flow_of(from);
    rte_pktmbuf_free(m);
}

static void
on_dial_ended(void *ctx, wgt_time at, void *dialer, struct tcp_flow *f, enum tcp_end why)
{
    (void)ctx;
    (void)at;
    (void)dialer;
    (void)f;
    (void)why;
}

static void
start(bool knock)
{
    struct tcp_transport_config config = {
        .listen_port = LISTEN_PORT,
        .listen = true,
        .max_flows = FLOWS,
        .max_unauthenticated = FLOWS / 4,
        .max_message = MAX_MESSAGE,
        .receive_buffer = 1 << 20,
        .knock = knock,
        .knock_key = {1, 2, 3},
        .max_stubs = STUBS,
        .max_per_source = PER_SOURCE,
    };
    struct tcp_transport_events events = {
        .message = on_message,
        .established = ignore_established,
        .path_lost = ignore_path_lost,
        .dial_ended = on_dial_ended,
        .writable = ignore_writable,
    };

    assert_int_equal(tcp_transport_init(&t, now, &outer, &events, &config), 0);
}

static int
set_up(void **state)
{
    (void)state;
    prng = 7;
    now = 59 * WGT_SEC;
    n_messages = 0;
    n_sent = 0;
    swallow = in_burst = false;
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
    start(false);
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

/* --- segments ----------------------------------------------------------------------------------
 */

static struct caller
caller_v4(uint32_t addr, uint16_t port)
{
    uint8_t bytes[4];

    put_be32(bytes, addr);
    return (struct caller){.addr = ip_addr_v4(bytes), .port = port, .seq = 0xfffffff0u, .ts = 5};
}

static struct caller
caller_v6(uint8_t net, uint8_t host)
{
    struct caller c = caller_v4(0, 1000);

    c.addr = ip_addr_v6((uint8_t[16]){0x20, 1, 0xd, 0xb8, 9, 9, 9, net, [15] = host});
    return c;
}

static void
inject(const struct caller *c, struct tcp_segment *seg, const void *bytes, size_t len)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
    struct ip_header ip = {
        .src = c->addr,
        .dst = outer.locals[c->addr.family == IP_V6].addr,
        .protocol = IP_PROTO_TCP,
    };
    size_t header;

    assert_non_null(m);
    seg->src_port = c->port;
    if (seg->dst_port == 0)
        seg->dst_port = LISTEN_PORT;
    seg->payload.len = len;
    header = tcp_header_len(seg);
    ip.payload_len = (uint32_t)(header + len);
    rte_pktmbuf_append(m, (uint16_t)ip.payload_len);
    if (len > 0)
        memcpy(rte_pktmbuf_mtod_offset(m, uint8_t *, header), bytes, len);
    tcp_write(rte_pktmbuf_mtod(m, uint8_t *), &ip.src, &ip.dst, seg, true);
    tcp_transport_rx(&t, now, &ip, m, true);
    if (!in_burst)
        tcp_transport_rx_end(&t, now);
}

static void
end_burst(void)
{
    in_burst = false;
    tcp_transport_rx_end(&t, now);
}

static void
send_syn(struct caller *c)
{
    struct tcp_segment syn = {.seq = c->seq, .flags = TCP_SYN, .window = 60000};

    if (!c->plain) {
        syn.has_mss = syn.has_wscale = syn.has_sack_permitted = syn.has_ts = true;
        syn.mss = 1460;
        syn.wscale = 7;
        syn.ts_val = c->ts;
    }
    inject(c, &syn, NULL, 0);
}

static void
send_segment(struct caller *c, uint8_t flags, const void *bytes, size_t len)
{
    struct tcp_segment seg = {
        .seq = c->seq,
        .ack = c->ack,
        .flags = flags,
        .window = 500,
        .has_ts = !c->plain,
        .ts_val = ++c->ts,
        .ts_ecr = c->echo,
    };

    inject(c, &seg, bytes, len);
}

static void
send_initiation(struct caller *c)
{
    uint8_t frame[150] = {0, 148, 1};

    send_segment(c, TCP_ACK | TCP_PSH, frame, sizeof(frame));
}

/* The next segment that left; NULL flags: none did. */
static bool
next_sent(struct ip_addr *to, struct tcp_segment *seg)
{
    struct rte_mbuf *m = packet_queue_pop(&sent);
    struct ip_header ip;

    if (m == NULL)
        return false;
    assert_int_equal(ip_parse(rte_pktmbuf_mtod(m, uint8_t *), rte_pktmbuf_data_len(m), true, &ip),
                     WGT_OK);
    assert_int_equal(
        tcp_parse(&ip, rte_pktmbuf_mtod_offset(m, uint8_t *, ip.header_len), true, seg), WGT_OK);
    *to = ip.dst;
    rte_pktmbuf_free(m);
    return true;
}

/* One segment with these flags has left for c, and nothing else. */
static struct tcp_segment
expect(const struct caller *c, uint8_t flags)
{
    struct tcp_segment seg;
    struct ip_addr to;

    assert_true(next_sent(&to, &seg));
    assert_true(ip_addr_equal(&to, &c->addr));
    assert_int_equal(seg.dst_port, c->port);
    assert_int_equal(seg.flags, flags);
    assert_int_equal(sent.count, 0);
    return seg;
}

static void
run(void)
{
    tcp_transport_run(&t, now);
}

static void
run_until(wgt_time end)
{
    wgt_time next;

    run();
    while ((next = tcp_transport_deadline(&t)) <= end) {
        now = next > now ? next : now;
        run();
    }
    now = end;
    run();
}

/* SYN and SYN,ACK. */
static void
knock_at(struct caller *c)
{
    struct tcp_segment answer;

    send_syn(c);
    answer = expect(c, TCP_SYN | TCP_ACK);
    c->seq++;
    assert_int_equal(answer.ack, c->seq);
    c->ack = answer.seq + 1;
    c->echo = answer.ts_val;
}

static void
call(struct caller *c)
{
    knock_at(c);
    send_segment(c, TCP_ACK, NULL, 0);
}

/* Many SYNs, each from another address, whose answers nobody sees. */
static void
flood(unsigned n)
{
    bool before = swallow;

    swallow = true;
    for (unsigned i = 0; i < n; i++) {
        struct caller forged;
        uint32_t addr;

        entropy(NULL, &addr, sizeof(addr));
        forged = caller_v4(0x0a000000 | (addr & 0xffffff), (uint16_t)(1024 + (addr >> 24)));
        forged.plain = i & 1;
        send_syn(&forged);
        if (i % 32 == 0)
            run();
    }
    swallow = before;
}

/* --- tests -------------------------------------------------------------------------------------
 */

static void
nothing_but_a_stub_until_the_first_data(void **state)
{
    struct caller c = caller_v4(0xc6336401, 1000);

    (void)state;
    call(&c);
    assert_int_equal(t.listener.n[TCP_STUB_STRANGER], 1);
    assert_int_equal(t.n_flows, 0);
    send_initiation(&c);
    run();
    assert_int_equal(n_messages, 1);
    assert_int_equal(t.n_flows, 1);
    assert_int_equal(tcp_transport_embryos(&t), 0);
    assert_int_equal(t.stats.accepted, 1);
}

static void
half_open_ends_without_a_word(void **state)
{
    struct caller c = caller_v4(0xc6336401, 1000);

    (void)state;
    swallow = true;
    send_syn(&c);
    run_until(now + 6999 * WGT_MSEC);
    assert_int_equal(t.listener.n[TCP_STUB_HALF_OPEN], 1);
    run_until(now + 2 * WGT_MSEC);
    assert_int_equal(tcp_transport_embryos(&t), 0);
    assert_int_equal(n_sent, 3);
    assert_int_equal(tcp_transport_deadline(&t), WGT_NEVER);
}

static void
silent_stranger_is_reset_when_its_time_is_up(void **state)
{
    struct caller c = caller_v4(0xc6336401, 1000);
    wgt_time called = now;
    struct tcp_segment reset;

    (void)state;
    call(&c);
    run_until(called + TCP_FLOW_AUTH_TIMEOUT - WGT_MSEC);
    assert_int_equal(sent.count, 0);
    run_until(called + TCP_FLOW_AUTH_TIMEOUT + WGT_MSEC);
    reset = expect(&c, TCP_RST | TCP_ACK);
    assert_int_equal(reset.seq, c.ack);
    assert_int_equal(reset.ack, c.seq);
    assert_int_equal(tcp_transport_embryos(&t), 0);
}

/* 20,000 SYNs a second for 5 s. */
static void
flood_of_forged_syns_shuts_nobody_out(void **state)
{
    struct caller old = caller_v4(0xc6336401, 1000);
    struct timespec a, b;
    unsigned newcomers = 0;
    uint64_t before;

    (void)state;
    call(&old);
    send_initiation(&old);
    run();
    assert_int_equal(n_messages, 1);
    tcp_flow_authenticated(&t, last_flow);
    run();
    packet_queue_purge(&sent);
    old.seq += 150;
    clock_gettime(CLOCK_MONOTONIC, &a);
    for (unsigned step = 0; step < 500; step++) {
        flood(200);
        now += 10 * WGT_MSEC;
        run_until(now);
        assert_true(t.listener.n[TCP_STUB_HALF_OPEN] <= BACKLOG);
        packet_queue_purge(&sent);
        before = n_messages;
        send_initiation(&old); /* the established connection's traffic goes on */
        old.seq += 150;
        run();
        packet_queue_purge(&sent);
        assert_int_equal(n_messages, before + 1);
        if (step % 10 == 9) { /* and honest callers get in, with all they have offered */
            struct caller c = caller_v4(0xc6336500 + step, 2000);

            knock_at(&c);
            send_initiation(&c);
            run();
            packet_queue_purge(&sent);
            assert_int_equal(n_messages, before + 2);
            assert_non_null(last_flow);
            assert_int_equal(last_flow->path.remote.port, 2000);
            tcp_flow_reset(&t, now, last_flow);
            newcomers++;
            run();
            packet_queue_purge(&sent);
        }
    }
    clock_gettime(CLOCK_MONOTONIC, &b);
    print_message("100000 SYNs in %.0f ms, cookies %llu\n",
                  (double)(b.tv_sec - a.tv_sec) * 1e3 + (double)(b.tv_nsec - a.tv_nsec) / 1e6,
                  (unsigned long long)t.stats.cookies_sent);
    assert_int_equal(newcomers, 50);
    assert_true(t.stats.cookies_sent > 90000);
    assert_int_equal(t.stats.cookies_accepted, 50);
    assert_int_equal(drops.n[WGT_DROP_NO_BUFFER], 0);
    assert_int_equal(t.stats.strangers_evicted, 0);
}

static void
backlog_beyond_three_quarters_gets_cookies(void **state)
{
    struct caller c = caller_v4(0xc6336401, 1000), d = caller_v4(0xc6336402, 1000);

    (void)state;
    flood(BACKLOG - 1);
    assert_int_equal(t.stats.cookies_sent, 0);
    knock_at(&c);
    assert_int_equal(t.stats.cookies_sent, 0);
    assert_int_equal(t.listener.n[TCP_STUB_HALF_OPEN], BACKLOG);
    knock_at(&d);
    assert_int_equal(t.stats.cookies_sent, 1);
    assert_int_equal(t.listener.n[TCP_STUB_HALF_OPEN], BACKLOG);
    send_segment(&d, TCP_ACK, NULL, 0); /* a bare ACK first, data later */
    assert_int_equal(t.stats.cookies_accepted, 1);
    assert_int_equal(t.listener.n[TCP_STUB_STRANGER], 1);
    run_until(now + WGT_SEC / 2);
    send_initiation(&d);
    assert_int_equal(n_messages, 1);
    assert_true(last_flow->conn.sack_ok && last_flow->conn.ts_ok);
    assert_int_equal(last_flow->conn.snd_shift, 7);
}

static void
false_cookie_is_reset_and_counted(void **state)
{
    struct caller c = caller_v4(0xc6336401, 1000);

    (void)state;
    send_segment(&c, TCP_ACK, NULL, 0);
    expect(&c, TCP_RST);
    assert_int_equal(t.stats.cookies_rejected, 0); /* none was sent: nobody looks */
    flood(BACKLOG + 1);
    send_initiation(&c);
    expect(&c, TCP_RST);
    assert_int_equal(t.stats.cookies_rejected, 1);
    assert_int_equal(drops.n[WGT_DROP_TCP_COOKIE], 1);
    assert_int_equal(tcp_transport_embryos(&t), BACKLOG);
    now += 3 * TCP_COOKIE_STEP;
    run();
    send_initiation(&c);
    assert_int_equal(t.stats.cookies_rejected, 1);
}

static void
a_source_has_its_share_of_strangers(void **state)
{
    struct caller c = caller_v4(0xc6336401, 0), other = caller_v4(0xc6336402, 7);

    (void)state;
    for (uint16_t i = 0; i < PER_SOURCE; i++) {
        c = caller_v4(0xc6336401, (uint16_t)(1000 + i));
        call(&c);
        if (i % 2 == 0) { /* with data or without */
            send_initiation(&c);
            run_until(now + 100 * WGT_MSEC);
            packet_queue_purge(&sent);
        }
    }
    c = caller_v4(0xc6336401, 2000);
    send_syn(&c);
    assert_int_equal(sent.count, 0);
    assert_int_equal(t.stats.source_refused, 1);
    assert_int_equal(drops.n[WGT_DROP_TCP_SOURCE], 1);
    call(&other);
    assert_int_equal(sent.count, 0);
    tcp_flow_authenticated(&t, last_flow); /* counts no more */
    knock_at(&c);
    run_until(now + 2 * TCP_FLOW_AUTH_TIMEOUT);
    packet_queue_purge(&sent);
    for (uint32_t i = 0; i <= t.listener.source_mask; i++)
        assert_true(t.listener.sources[i].half_open == 0 && t.listener.sources[i].strangers == 0);
}

/* Half-open ones may be forged in its name: it is answered all the same, and proves itself. */
static void
forged_syns_in_its_name_do_not_refuse_a_source(void **state)
{
    struct caller c;

    (void)state;
    swallow = true;
    for (uint16_t i = 0; i < 5 * PER_SOURCE; i++) {
        c = caller_v4(0xc6336401, (uint16_t)(1000 + i));
        send_syn(&c);
    }
    swallow = false;
    assert_int_equal(t.listener.n[TCP_STUB_HALF_OPEN], PER_SOURCE);
    c = caller_v4(0xc6336401, 5000);
    call(&c);
    assert_int_equal(t.stats.cookies_accepted, 1);
    send_initiation(&c);
    assert_int_equal(n_messages, 1);
}

/* Callers whose SYNs came before their source was full. */
static void
a_source_is_held_to_its_share_at_the_ack_too(void **state)
{
    struct caller c[PER_SOURCE + 1];

    (void)state;
    for (uint16_t i = 0; i <= PER_SOURCE; i++) {
        c[i] = caller_v4(0xc6336401, (uint16_t)(1000 + i));
        knock_at(&c[i]);
    }
    for (int i = 0; i < PER_SOURCE; i++)
        send_segment(&c[i], TCP_ACK, NULL, 0);
    assert_int_equal(sent.count, 0);
    send_segment(&c[PER_SOURCE], TCP_ACK, NULL, 0);
    expect(&c[PER_SOURCE], TCP_RST | TCP_ACK);
    assert_int_equal(t.listener.n[TCP_STUB_STRANGER], PER_SOURCE);
}

static void
an_ipv6_source_is_a_64(void **state)
{
    struct caller c;

    (void)state;
    for (uint8_t i = 0; i < PER_SOURCE; i++) {
        c = caller_v6(1, i);
        call(&c);
    }
    c = caller_v6(1, 100);
    send_syn(&c);
    assert_int_equal(sent.count, 0);
    assert_int_equal(t.stats.source_refused, 1);
    c = caller_v6(2, 1);
    call(&c);
    assert_int_equal(t.listener.n[TCP_STUB_STRANGER], PER_SOURCE + 1);
}

static void
full_table_evicts_the_oldest_stranger(void **state)
{
    struct caller first = caller_v4(0xc6000000, 1000), c = first;

    (void)state;
    for (uint32_t i = 0; i < STUBS; i++) {
        c = caller_v4(0xc6000000 + i, 1000);
        call(&c);
        if (i == 0)
            first = c;
        now += WGT_MSEC;
    }
    assert_int_equal(t.listener.n[TCP_STUB_STRANGER], STUBS);
    c = caller_v4(0xc7000000, 1000);
    send_syn(&c);
    assert_int_equal(sent.count, 2);
    {
        struct tcp_segment seg;
        struct ip_addr to;

        assert_true(next_sent(&to, &seg));
        assert_true(ip_addr_equal(&to, &first.addr));
        assert_int_equal(seg.flags, TCP_RST | TCP_ACK);
        assert_int_equal(seg.seq, first.ack);
    }
    expect(&c, TCP_SYN | TCP_ACK);
    assert_int_equal(t.stats.strangers_evicted, 1);
}

static void
data_wait_for_a_flow_when_there_is_none(void **state)
{
    struct caller c;

    (void)state;
    for (uint32_t i = 0; i < FLOWS; i++) {
        c = caller_v4(0xc6000000 + i, 1000);
        call(&c);
        send_initiation(&c);
        tcp_flow_authenticated(&t, last_flow);
    }
    run();
    packet_queue_purge(&sent);
    c = caller_v4(0xc7000000, 1000);
    call(&c);
    send_initiation(&c);
    run();
    assert_int_equal(n_messages, FLOWS);
    assert_int_equal(sent.count, 0); /* not acknowledged */
    assert_int_equal(t.listener.n[TCP_STUB_STRANGER], 1);
    tcp_flow_reset(&t, now, last_flow);
    run();
    send_initiation(&c); /* again */
    assert_int_equal(n_messages, FLOWS + 1);
}

/* The peer closes first or we do: a record is left, and a new connection may take its place. */
static void
time_wait_gives_way_to_a_new_syn(void **state)
{
    struct caller c = caller_v4(0xc6336401, 1000);
    struct tcp_segment answer;
    uint32_t old_ack;

    (void)state;
    call(&c);
    send_initiation(&c);
    tcp_flow_authenticated(&t, last_flow);
    run();
    packet_queue_purge(&sent);
    c.seq += 150;
    tcp_flow_close(&t, now, last_flow);
    run();
    expect(&c, TCP_FIN | TCP_ACK);
    c.ack++;
    send_segment(&c, TCP_FIN | TCP_ACK, NULL, 0);
    run();
    expect(&c, TCP_ACK);
    assert_int_equal(t.n_flows, 0);
    assert_int_equal(t.listener.n[TCP_STUB_TIME_WAIT], 1);
    send_segment(&c, TCP_FIN | TCP_ACK, NULL, 0); /* our ACK was lost */
    expect(&c, TCP_ACK);
    old_ack = c.ack;
    c.seq -= 100000; /* an earlier number, but a later timestamp */
    c.ts += 100;
    send_syn(&c);
    answer = expect(&c, TCP_SYN | TCP_ACK);
    assert_true(seq_lt(old_ack, answer.seq));
    assert_int_equal(t.listener.n[TCP_STUB_TIME_WAIT], 0);
    assert_int_equal(t.listener.n[TCP_STUB_HALF_OPEN], 1);
}

static void
time_waits_make_room_for_callers(void **state)
{
    struct caller c;

    (void)state;
    for (uint32_t i = 0; i < STUBS; i++) {
        c = caller_v4(0xc6000000 + i, 1000);
        call(&c);
        send_initiation(&c);
        tcp_flow_authenticated(&t, last_flow);
        c.seq += 150;
        tcp_flow_close(&t, now, last_flow);
        run();
        c.ack++;
        send_segment(&c, TCP_FIN | TCP_ACK, NULL, 0);
        run();
        packet_queue_purge(&sent);
    }
    assert_int_equal(t.listener.n[TCP_STUB_TIME_WAIT], STUBS);
    c = caller_v4(0xc7000000, 1000);
    call(&c);
    assert_int_equal(t.listener.n[TCP_STUB_TIME_WAIT], STUBS - 1);
    assert_int_equal(t.listener.n[TCP_STUB_STRANGER], 1);
    assert_int_equal(t.stats.strangers_evicted, 0);
}

static void
closing_resets_strangers_and_listens_no_more(void **state)
{
    struct caller c = caller_v4(0xc6336401, 1000), d = caller_v4(0xc6336402, 1000);

    (void)state;
    knock_at(&d); /* half open: not a word */
    call(&c);
    tcp_transport_close_all(&t, now);
    expect(&c, TCP_RST | TCP_ACK);
    assert_true(tcp_transport_closed(&t));
    assert_int_equal(tcp_transport_embryos(&t), 0);
    send_syn(&c);
    expect(&c, TCP_RST | TCP_ACK);
}

/* --- knocks ------------------------------------------------------------------------------------
 */

static void
set_knock(struct caller *c)
{
    struct tcp_options o = {0};
    uint32_t random;

    entropy(NULL, &random, sizeof(random));
    tcp_knock_set(&o, now, wall_seconds(NULL), noise_siphash, t.config.knock_key, random);
    c->seq = o.iss;
    c->ts = (uint32_t)(now / WGT_MSEC) + o.ts_offset;
}

static void
start_knock(void)
{
    tcp_transport_fini(&t);
    start(true);
}

static void
port_looks_filtered_to_who_does_not_knock(void **state)
{
    static const uint8_t flags[] = {
        TCP_SYN, TCP_ACK,           TCP_SYN | TCP_ACK,           TCP_FIN,
        0,       TCP_FIN | TCP_ACK, TCP_FIN | TCP_PSH | TCP_URG, TCP_RST};
    struct caller c = caller_v4(0xc6336401, 1000);
    struct tcp_segment seg;

    (void)state;
    start_knock();
    for (int overflow = 0; overflow < 2; overflow++) {
        for (unsigned i = 0; i < sizeof(flags); i++) {
            seg = (struct tcp_segment){.seq = 77, .ack = 88, .flags = flags[i], .has_ts = true};
            inject(&c, &seg, "x", i & 1);
        }
        run();
        assert_int_equal(sent.count, 0);
        t.listener.cookies.sent_any = true;
        t.listener.cookies.last = now;
    }
    assert_int_equal(t.stats.knocks_refused, 2);
    assert_int_equal(drops.n[WGT_DROP_TCP_KNOCK], 2);
    seg = (struct tcp_segment){.seq = 77, .flags = TCP_SYN, .dst_port = 1234};
    inject(&c, &seg, NULL, 0); /* other ports are as ever */
    expect(&c, TCP_RST | TCP_ACK);
}

static void
knock_is_answered_also_when_repeated_but_not_when_replayed(void **state)
{
    struct caller c = caller_v4(0xc6336401, 1000), spy;

    (void)state;
    start_knock();
    set_knock(&c);
    send_syn(&c);
    expect(&c, TCP_SYN | TCP_ACK);
    spy = c;
    spy.port++;
    send_syn(&spy);
    assert_int_equal(sent.count, 0);
    assert_int_equal(drops.n[WGT_DROP_TCP_KNOCK_REPLAY], 1);
    now += WGT_SEC / 2;
    c.ts += 500;
    knock_at(&c);
    send_initiation(&c);
    assert_int_equal(n_messages, 1);
}

static void
knocks_and_cookies_go_together(void **state)
{
    struct caller c;

    (void)state;
    start_knock();
    swallow = true;
    for (uint32_t i = 0; i < BACKLOG + 10; i++) {
        c = caller_v4(0xc6000000 + i, 1000);
        set_knock(&c);
        send_syn(&c);
    }
    swallow = false;
    assert_int_equal(t.stats.cookies_sent, 10);
    c = caller_v4(0xc7000000, 1000);
    set_knock(&c);
    knock_at(&c);
    send_initiation(&c);
    assert_int_equal(n_messages, 1);
    assert_int_equal(t.stats.cookies_accepted, 1);
}

static void
knock_needs_a_wall_clock(void **state)
{
    struct tcp_transport_events events = t.events;
    struct tcp_transport_config config = t.config;
    struct tcp_transport other;

    (void)state;
    config.knock = true;
    outer.wall_seconds = NULL;
    assert_int_equal(tcp_transport_init(&other, now, &outer, &events, &config), -EINVAL);
}

/* What a connection costs while nothing happens, tables included. */
static void
an_idle_connection_is_small(void **state)
{
    const struct tcp_listener *l = &t.listener;
    size_t stub =
        sizeof(struct tcp_stub) + ((l->bucket_mask + 1) * sizeof(*l->buckets) +
                                   (l->source_mask + 1) * sizeof(*l->sources) + l->n_stubs - 1) /
                                      l->n_stubs;
    size_t flow =
        sizeof(struct tcp_flow) +
        ((t.bucket_mask + 1) * sizeof(*t.buckets) + t.config.max_flows - 1) / t.config.max_flows;

    (void)state;
    print_message("a stranger %zu bytes, an authenticated connection %zu\n", stub, flow);
    assert_true(stub <= 256);
    assert_true(flow <= 1024);
}

/* --- bursts ------------------------------------------------------------------------------------
 */

static void
send_next_initiation(struct caller *c)
{
    send_initiation(c);
    c->seq += 150;
}

static void
flow_that_begins_in_a_burst_gets_the_rest_of_it(void **state)
{
    struct caller c = caller_v4(0xc6336401, 1000);

    (void)state;
    call(&c);
    in_burst = true;
    send_next_initiation(&c);
    send_next_initiation(&c);
    assert_int_equal(tcp_transport_deadline(&t), 0);
    assert_int_equal(n_messages, 0);
    end_burst();
    assert_int_equal(n_messages, 2);
    assert_int_equal(t.n_flows, 1);
}

static void
flows_take_turns_in_a_burst(void **state)
{
    struct caller a = caller_v4(0xc6336401, 1000), b = caller_v4(0xc6336401, 1001);
    const struct tcp_flow *of_b;

    (void)state;
    call(&a);
    send_next_initiation(&a);
    call(&b);
    send_next_initiation(&b);
    of_b = last_flow;
    in_burst = true;
    for (int i = 0; i < 2; i++) {
        send_next_initiation(&b);
        send_next_initiation(&a);
        send_next_initiation(&a);
    }
    end_burst();
    assert_int_equal(n_messages, 8);
    assert_ptr_not_equal(last_flow, of_b);
    in_burst = true;
    send_next_initiation(&a);
    send_next_initiation(&b);
    end_burst();
    assert_int_equal(n_messages, 10);
    assert_ptr_equal(last_flow, of_b);
}

/* A newcomer takes the place of one that nobody uses, for which the burst has a segment, too. */
static void
flow_that_ends_in_a_burst_gets_no_more_of_it(void **state)
{
    static const struct path_user nobody;
    struct caller old = caller_v4(0xc6336401, 999), newcomer = caller_v4(0xc6336402, 1000);

    (void)state;
    swallow = true;
    for (uint16_t i = 0; i < FLOWS; i++) {
        struct caller c = caller_v4(0xc6336401, (uint16_t)(1000 + i));

        swallow = false;
        call(&c);
        swallow = true;
        send_next_initiation(&c);
        tcp_flow_authenticated(&t, last_flow);
        if (i == 0) {
            old = c;
            tcp_flow_unused(&t, now, last_flow, &nobody);
        }
        run();
        packet_queue_purge(&sent);
    }
    swallow = false;
    call(&newcomer);
    swallow = true;
    n_messages = 0;
    in_burst = true;
    send_next_initiation(&newcomer);
    send_next_initiation(&old);
    end_burst();
    assert_int_equal(t.stats.unused_evicted, 1);
    assert_int_equal(n_messages, 1);
    assert_true(ip_addr_equal(&last_flow->path.remote.addr, &newcomer.addr));
    assert_int_equal(drops.n[WGT_DROP_TCP_NO_CONNECTION], 1);
}

static void
burst_that_is_never_looked_at_gives_its_packets_back(void **state)
{
    struct caller c = caller_v4(0xc6336401, 1000);

    (void)state;
    call(&c);
    in_burst = true;
    send_next_initiation(&c); /* tear_down counts */
}

static void
keys_are_wiped_at_the_end(void **state)
{
    const struct tcp_listener *l = &t.listener;

    (void)state;
    tcp_transport_fini(&t);
    start(true);
    tcp_cookies_renew(&t.listener.cookies, now, (const uint8_t[16]){1});
    assert_false(noise_is_zero(t.isn_key, sizeof(t.isn_key)));
    assert_false(noise_is_zero(&t.table_hash, sizeof(t.table_hash)));
    assert_false(noise_is_zero(l->key, sizeof(l->key)));
    tcp_transport_fini(&t);
    assert_true(noise_is_zero(t.isn_key, sizeof(t.isn_key)));
    assert_true(noise_is_zero(&t.table_hash, sizeof(t.table_hash)));
    assert_true(noise_is_zero(t.config.knock_key, sizeof(t.config.knock_key)));
    assert_true(noise_is_zero(l->key, sizeof(l->key)));
    assert_true(noise_is_zero(l->cookies.key, sizeof(l->cookies.key)));
    assert_true(noise_is_zero(l->cookies.secret, sizeof(l->cookies.secret)));
    start(false);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        T(nothing_but_a_stub_until_the_first_data),
        T(half_open_ends_without_a_word),
        T(silent_stranger_is_reset_when_its_time_is_up),
        T(flood_of_forged_syns_shuts_nobody_out),
        T(backlog_beyond_three_quarters_gets_cookies),
        T(false_cookie_is_reset_and_counted),
        T(a_source_has_its_share_of_strangers),
        T(forged_syns_in_its_name_do_not_refuse_a_source),
        T(a_source_is_held_to_its_share_at_the_ack_too),
        T(an_ipv6_source_is_a_64),
        T(full_table_evicts_the_oldest_stranger),
        T(data_wait_for_a_flow_when_there_is_none),
        T(time_wait_gives_way_to_a_new_syn),
        T(time_waits_make_room_for_callers),
        T(closing_resets_strangers_and_listens_no_more),
        T(port_looks_filtered_to_who_does_not_knock),
        T(knock_is_answered_also_when_repeated_but_not_when_replayed),
        T(knocks_and_cookies_go_together),
        T(knock_needs_a_wall_clock),
        T(an_idle_connection_is_small),
        T(flow_that_begins_in_a_burst_gets_the_rest_of_it),
        T(flows_take_turns_in_a_burst),
        T(flow_that_ends_in_a_burst_gets_no_more_of_it),
        T(burst_that_is_never_looked_at_gives_its_packets_back),
        T(keys_are_wiped_at_the_end),
#undef T
    };

    if (!rig_start("test_transport_listener", POOL, RTE_PKTMBUF_HEADROOM + MAX_MESSAGE + 64))
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
