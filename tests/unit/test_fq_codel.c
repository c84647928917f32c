/* SPDX-License-Identifier: BSD-3-Clause */
/* FQ-CoDel in virtual time: RFC 8289 (CoDel), RFC 8290 (flow queueing), and what peers' queues add:
 * one pool of records, caps, holding. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <wgtcpd/queue/fq_codel.h>
#include <wgtcpd/wire/checksum.h>
#include <wgtcpd/wire/ecn.h>

#define MS   WGT_MSEC
#define US   WGT_USEC
#define TICK (500 * US) /* between two packets of a link in the tests of single rules */

enum { FLOWS = 64, BUCKETS = 128, PACKETS = 4096, DROPS_MAX = 4096, FULL = 1500 };

struct packet {
    struct fq_packet node;
    uint8_t bytes[40];
    unsigned flow, number;
    bool in_use;
};

static struct fq fq;
static struct fq_flow flows[FLOWS];
static struct fq_flow *buckets[BUCKETS];
static struct fq_queue q, other;
static struct packet packets[PACKETS];
static wgt_time now;
static struct {
    wgt_time at;
    enum wgt_drop why;
    unsigned flow, number;
} drops[DROPS_MAX];
static unsigned n_drops, n_dropped_of_flow[16];
static struct fq_limits limits;

static struct packet *
packet_of(const struct fq_packet *p)
{
    return WGT_CONTAINER_OF((struct fq_packet *)(uintptr_t)p, struct packet, node);
}

static void
on_drop(void *ctx, struct fq_packet *node, enum wgt_drop why)
{
    struct packet *p = packet_of(node);

    assert_ptr_equal(ctx, &fq);
    assert_true(p->in_use);
    assert_true(n_drops < DROPS_MAX);
    drops[n_drops].at = now;
    drops[n_drops].why = why;
    drops[n_drops].flow = p->flow;
    drops[n_drops++].number = p->number;
    n_dropped_of_flow[p->flow % 16]++;
    p->in_use = false;
}

static int
set_up(void **state)
{
    static const struct fq_config config = {
        .max_packets = 3000,
        .queue_packets = 1000,
        .queue_bytes = 1000 * FULL,
        .held_packets = 128,
        .ctx = &fq,
        .drop = on_drop,
    };

    (void)state;
    fq_init(&fq, &config, flows, FLOWS, buckets, BUCKETS);
    fq_queue_init(&q);
    fq_queue_init(&other);
    memset(packets, 0, sizeof(packets));
    memset(n_dropped_of_flow, 0, sizeof(n_dropped_of_flow));
    n_drops = 0;
    now = 0; /* a valid instant like any other */
    limits = fq_limits_at(0, 0, 0, false);
    return 0;
}

/* Every packet is somewhere: waiting, or given back. Every record is idle or listed. */
static int
tear_down(void **state)
{
    unsigned in_use = 0, idle = 0;
    struct fq_flow *f;

    (void)state;
    for (unsigned i = 0; i < PACKETS; i++)
        in_use += packets[i].in_use;
    if (in_use != fq.count || fq.count != q.count + other.count)
        return -1;
    fq_purge(&fq, &q, WGT_DROP_PEER_REMOVED);
    fq_purge(&fq, &other, WGT_DROP_PEER_REMOVED);
    TAILQ_FOREACH(f, &fq.idle, link)
    {
        idle++;
    }
    return idle == FLOWS && fq.count == 0 && q.bytes == 0 && other.bytes == 0 ? 0 : -1;
}

static struct packet *
make(unsigned flow, uint32_t len, uint8_t ecn)
{
    static unsigned number;
    struct ip_header ip = {
        .src = ip_addr_v4((uint8_t[4]){10, 0, 0, 1}),
        .dst = ip_addr_v4((uint8_t[4]){10, 0, 0, 2}),
        .protocol = IP_PROTO_UDP,
        .ttl = 64,
        .traffic_class = ecn,
        .payload_len = len - IPV4_HEADER_LEN,
    };

    for (unsigned i = 0; i < PACKETS; i++) {
        struct packet *p = &packets[i];

        if (p->in_use)
            continue;
        *p = (struct packet){.flow = flow, .number = number++, .in_use = true};
        ip_write(p->bytes, &ip);
        p->node.data = p->bytes;
        p->node.len = len;
        return p;
    }
    fail_msg("no packet left");
    return NULL;
}

static void
push(unsigned flow, uint32_t len)
{
    fq_push(&fq, &q, now, &make(flow, len, IP_ECN_NOT_ECT)->node, flow);
}

/* The next packet's flow, -1: none. */
static int
pull(void)
{
    const struct fq_packet *head = fq_peek(&fq, &q, now, &limits);
    struct packet *p;

    if (head == NULL)
        return -1;
    p = packet_of(fq_pop(&fq, &q));
    assert_ptr_equal(&p->node, head);
    p->in_use = false;
    return (int)p->flow;
}

static unsigned
dropped_for(enum wgt_drop why)
{
    unsigned n = 0;

    for (unsigned i = 0; i < n_drops; i++)
        n += drops[i].why == why;
    return n;
}

/* One flow, a packet in and one out each tick, so that the sojourn stays what it is. */
static void
stand(unsigned ticks)
{
    for (unsigned i = 0; i < ticks; i++) {
        now += TICK;
        push(1, FULL);
        pull();
    }
}

static void
fill(unsigned flow, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        push(flow, FULL);
}

/* --- RFC 8289 ------------------------------------------------------------------------------------
 */

static void
rfc8289_4_3_a_queue_below_target_is_left_alone(void **state)
{
    (void)state;
    fill(1, 9); /* 4.5 ms */
    stand(4000);
    assert_int_equal(n_drops, 0);
}

static void
rfc8289_4_2_nothing_is_dropped_within_the_first_interval(void **state)
{
    (void)state;
    fill(1, 40); /* 20 ms */
    stand(199);
    assert_int_equal(n_drops, 0);
    stand(40);
    assert_true(n_drops > 0);
    /* The sojourn passes target after 5 ms; an interval later comes the first drop. */
    assert_true(drops[0].at >= 105 * MS && drops[0].at <= 106 * MS);
    assert_int_equal(drops[0].why, WGT_DROP_QUEUE_CODEL);
}

static uint64_t
root(uint64_t x)
{
    uint64_t r = 0;

    while ((r + 1) * (r + 1) <= x)
        r++;
    return r;
}

static void
rfc8289_5_5_drops_follow_the_inverse_square_root(void **state)
{
    wgt_time expected;

    (void)state;
    fill(1, 100);
    /* A queue that does not shrink: what is dropped comes back. */
    for (unsigned i = 0; i < 2000 && n_drops < 20; i++) {
        now += TICK;
        while (q.count < 100)
            push(1, FULL);
        pull();
    }
    assert_int_equal(n_drops, 20);
    expected = drops[0].at;
    for (unsigned i = 1; i < 20; i++) {
        expected += 100 * MS * 100000 / root((uint64_t)i * 10000000000);
        assert_true(drops[i].at >= expected - US && drops[i].at <= expected + TICK + US);
    }
}

static void
rfc8289_5_5_below_target_dropping_ends(void **state)
{
    unsigned before;

    (void)state;
    fill(1, 40);
    stand(1000);
    assert_true(n_drops > 1);
    /* drained to 2 ms of queue */
    while (q.count > 4)
        pull();
    before = n_drops;
    stand(2000);
    assert_int_equal(n_drops, before);
}

static void
rfc8289_5_5_bad_again_soon_resumes_near_the_old_rate(void **state)
{
    unsigned before, count;
    wgt_time first;

    (void)state;
    fill(1, 200);
    for (unsigned i = 0; i < 3000; i++) {
        now += TICK;
        while (q.count < 150)
            push(1, FULL);
        pull();
    }
    count = n_drops;
    assert_true(count > 30);
    while (q.count > 4)
        pull();
    stand(20); /* 10 ms of good behaviour: out of the dropping state */
    before = n_drops;
    fill(1, 150);
    for (unsigned i = 0; i < 1000 && n_drops < before + 3; i++) {
        now += TICK;
        while (q.count < 150)
            push(1, FULL);
        pull();
    }
    assert_int_equal(n_drops, before + 3);
    first = drops[before].at;
    /* Afresh, the next would come after 100 ms and 71 ms. */
    assert_true(drops[before + 1].at - first < 40 * MS);
    assert_true(drops[before + 2].at - drops[before + 1].at < 40 * MS);
}

static void
rfc8289_5_6_a_single_packet_is_never_dropped(void **state)
{
    (void)state;
    /* Each waits 50 ms, but nothing stands behind it. */
    for (unsigned i = 0; i < 100; i++) {
        push(1, FULL);
        now += 50 * MS;
        assert_int_equal(pull(), 1);
    }
    assert_int_equal(n_drops, 0);
}

static void
rfc8289_5_6_nor_the_one_before_the_last(void **state)
{
    (void)state;
    push(1, FULL);
    for (unsigned i = 0; i < 100; i++) {
        push(1, FULL);
        now += 40 * MS;
        assert_int_equal(pull(), 1);
    }
    assert_int_equal(n_drops, 0);
}

/* A repair holds a flow up for a round trip, a lost one for two: where there are repairs, so much
 * may stand. */
static void
target_follows_the_round_trip(void **state)
{
    (void)state;
    assert_int_equal(fq_limits_at(12500000, 4 * WGT_MSEC, 4 * WGT_MSEC, false).target, FQ_TARGET);
    assert_int_equal(fq_limits_at(12500000, 40 * WGT_MSEC, 40 * WGT_MSEC, false).target,
                     20 * WGT_MSEC);
    assert_int_equal(fq_limits_at(12500000, 400 * WGT_MSEC, 400 * WGT_MSEC, false).target,
                     FQ_TARGET_MAX);
    assert_int_equal(fq_limits_at(12500000, 2 * WGT_MSEC, 2 * WGT_MSEC, true).target, FQ_TARGET);
    assert_int_equal(fq_limits_at(12500000, 40 * WGT_MSEC, 40 * WGT_MSEC, true).target,
                     100 * WGT_MSEC);
    assert_int_equal(fq_limits_at(12500000, 40 * WGT_MSEC, 40 * WGT_MSEC, true).interval,
                     FQ_INTERVAL + 100 * WGT_MSEC);
    assert_int_equal(fq_limits_at(12500000, 400 * WGT_MSEC, 400 * WGT_MSEC, true).target,
                     FQ_TARGET_LOSSY_MAX);
    assert_int_equal(fq_limits_at(12500000, 2 * WGT_MSEC, 2 * WGT_MSEC, true).sojourn_max,
                     FQ_SOJOURN_MAX);
    assert_int_equal(fq_limits_at(12500000, 40 * WGT_MSEC, 40 * WGT_MSEC, true).sojourn_max,
                     200 * WGT_MSEC);
    assert_int_equal(fq_limits_at(12500000, 200 * WGT_MSEC, 200 * WGT_MSEC, true).sojourn_max,
                     FQ_SOJOURN_LOSSY_MAX);
    assert_int_equal(fq_limits_at(12500000, 400 * WGT_MSEC, 400 * WGT_MSEC, true).sojourn_max,
                     600 * WGT_MSEC);
    assert_int_equal(fq_limits_at(12500000, 80 * WGT_MSEC, 120 * WGT_MSEC, false).sojourn_max,
                     180 * WGT_MSEC);
    assert_int_equal(fq_limits_at(12500000, 80 * WGT_MSEC, 400 * WGT_MSEC, false).sojourn_max,
                     240 * WGT_MSEC);
}

static void
rfc8289_4_3_target_is_at_least_a_packet_and_a_half_on_slow_links(void **state)
{
    struct fq_limits l = fq_limits_at(125000, 0, 0, false); /* 1 Mbit/s: 12.1 ms a packet */

    (void)state;
    assert_true(l.target >= 18 * MS && l.target <= 19 * MS);
    assert_int_equal(l.interval, FQ_INTERVAL + l.target - FQ_TARGET);
    assert_int_equal(l.sojourn_max, FQ_SOJOURN_MAX);
    l = fq_limits_at(1250000, 0, 0, false);
    assert_int_equal(l.target, FQ_TARGET);
    assert_int_equal(l.interval, FQ_INTERVAL);
    l = fq_limits_at(8000, 0, 0,
                     false); /* 64 kbit/s: a packet takes 189 ms, the cap must let one wait */
    assert_true(l.target >= 280 * MS);
    assert_int_equal(l.sojourn_max, 2 * l.target);
    l = fq_limits_at(1, 0, 0, false);
    assert_true(l.target <= 2 * WGT_SEC);
}

/* --- RFC 8290 ------------------------------------------------------------------------------------
 */

static void
rfc8290_4_2_a_new_flow_goes_first(void **state)
{
    (void)state;
    fill(1, 50);
    /* Its first quantum makes it an old flow. */
    assert_int_equal(pull(), 1);
    push(2, 100);
    assert_int_equal(pull(), 2);
    assert_int_equal(pull(), 1);
}

static void
rfc8290_4_2_flows_share_by_bytes(void **state)
{
    uint64_t bytes[2] = {0, 0};

    (void)state;
    for (unsigned i = 0; i < 100; i++)
        push(1, FULL);
    for (unsigned i = 0; i < 500; i++)
        push(2, 650);
    for (unsigned i = 0; i < 240; i++) {
        int flow = pull();

        bytes[flow - 1] += flow == 1 ? FULL : 650;
    }
    assert_true(bytes[0] * 100 > bytes[1] * 95 && bytes[0] * 95 < bytes[1] * 100);
}

/* Else a flow that always sends one packet more when it has run empty would shut out the others. */
static void
rfc8290_4_2_a_new_flow_that_empties_becomes_an_old_one(void **state)
{
    unsigned of_bulk = 0;

    (void)state;
    fill(1, 120);
    pull();
    for (unsigned i = 0; i < 100; i++) {
        push(2, 100);
        of_bulk += pull() == 1;
        fq_peek(&fq, &q, now, &limits); /* there is no room, but it is seen to be empty */
    }
    assert_in_range(of_bulk, 5, 9); /* the same bytes of both */
}

static void
rfc8290_4_2_order_within_a_flow_is_kept(void **state)
{
    unsigned last[3] = {0};

    (void)state;
    for (unsigned i = 0; i < 300; i++)
        push(i % 3, 200 + i);
    for (unsigned i = 0; i < 300; i++) {
        const struct fq_packet *head = fq_peek(&fq, &q, now, &limits);
        struct packet *p = packet_of(fq_pop(&fq, &q));

        assert_ptr_equal(&p->node, head);
        p->in_use = false;
        assert_true(i < 3 || p->number >= last[p->flow]);
        last[p->flow] = p->number;
    }
}

static void
rfc8290_4_1_3_a_full_queue_drops_from_the_head_of_the_longest_flow(void **state)
{
    unsigned first;

    (void)state;
    for (unsigned i = 0; i < 10; i++)
        push(2, 100);
    first = make(1, FULL, IP_ECN_NOT_ECT)->number; /* numbers run on */
    packets[10].in_use = false;
    fill(1, 990);
    assert_int_equal(q.count, 1000);
    assert_int_equal(n_drops, 0);
    push(3, 100);
    assert_int_equal(n_drops, 64);
    assert_int_equal(n_dropped_of_flow[1], 64);
    for (unsigned i = 0; i < 64; i++) {
        assert_int_equal(drops[i].why, WGT_DROP_QUEUE_FULL);
        assert_int_equal(drops[i].number, first + 1 + i);
    }
    assert_int_equal(q.count, 1000 + 1 - 64);
}

static void
rfc8290_4_1_3_bytes_count_too(void **state)
{
    (void)state;
    fq.config.queue_bytes = 10 * FULL;
    for (unsigned i = 0; i < 100; i++) {
        push(1, FULL);
        assert_true(q.bytes <= 10 * FULL);
    }
    assert_true(dropped_for(WGT_DROP_QUEUE_FULL) >= 90);
}

static void
rfc8290_5_2_6_ecn_capable_packets_are_marked_instead(void **state)
{
    unsigned marked = 0;

    (void)state;
    for (unsigned i = 0; i < 40; i++)
        fq_push(&fq, &q, now, &make(1, FULL, IP_ECN_ECT0)->node, 1);
    for (unsigned i = 0; i < 600; i++) {
        struct packet *p;

        now += TICK;
        fq_push(&fq, &q, now, &make(1, FULL, IP_ECN_ECT0)->node, 1);
        assert_non_null(fq_peek(&fq, &q, now, &limits));
        p = packet_of(fq_pop(&fq, &q));
        marked += ecn_of(p->bytes) == IP_ECN_CE;
        assert_int_equal(checksum_finish(checksum_add(0, p->bytes, IPV4_HEADER_LEN)), 0);
        p->in_use = false;
    }
    assert_int_equal(n_drops, 0);
    assert_true(marked > 2);
    assert_int_equal(fq.stats.marked, marked);
}

static void
a_packet_that_waits_for_room_is_judged_once(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 40; i++)
        fq_push(&fq, &q, now, &make(1, FULL, IP_ECN_ECT0)->node, 1);
    /* until marks come often, and one is at the head */
    for (unsigned marked = 0;; marked = (unsigned)fq.stats.marked) {
        now += TICK;
        fq_push(&fq, &q, now, &make(1, FULL, IP_ECN_ECT0)->node, 1);
        fq_peek(&fq, &q, now, &limits);
        if (fq.stats.marked == 20 && marked == 19)
            break;
        packet_of(fq_pop(&fq, &q))->in_use = false;
    }
    /* 60 ms without room: with a new verdict each time, more would follow. */
    for (unsigned i = 0; i < 120; i++)
        fq_peek(&fq, &q, now += MS / 2, &limits);
    assert_int_equal(fq.stats.marked, 20);
    /* One that comes meanwhile with a new flow overtakes it. */
    push(2, 100);
    assert_int_equal(pull(), 2);
}

/* --- caps ----------------------------------------------------------------------------------------
 */

static void
nothing_waits_longer_than_100_ms(void **state)
{
    (void)state;
    fill(1, 10);
    now += 60 * MS;
    fill(2, 10);
    now += 41 * MS;
    assert_int_equal(pull(), 2);
    assert_int_equal(n_dropped_of_flow[1], 10);
    assert_int_equal(dropped_for(WGT_DROP_QUEUE_STALE), 10);
    now += 60 * MS;
    assert_int_equal(pull(), -1);
    assert_int_equal(dropped_for(WGT_DROP_QUEUE_STALE), 19);
}

static void
exactly_100_ms_are_allowed(void **state)
{
    (void)state;
    push(1, FULL);
    now += 100 * MS;
    assert_int_equal(pull(), 1);
}

static void
all_queues_together_are_bounded(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 100; i++)
        fq_push(&fq, &other, now, &make(i % 7, FULL, 0)->node, i % 7);
    fq.config.max_packets = 100;
    /* A queue with nothing to give gets nothing. */
    push(1, FULL);
    assert_int_equal(dropped_for(WGT_DROP_STAGED_FULL), 1);
    assert_int_equal(q.count, 0);
    /* One with packets gives of its own. */
    fq_push(&fq, &other, now, &make(3, FULL, 0)->node, 3);
    assert_true(dropped_for(WGT_DROP_QUEUE_FULL) >= 1);
    assert_true(fq.count <= 100);
}

/* No queue holds more than is still free: one that does not move leaves the others their share. */
static void
queues_that_stand_leave_room(void **state)
{
    (void)state;
    fq.config.max_packets = 100;
    for (unsigned i = 0; i < 200; i++)
        fq_push(&fq, &other, now, &make(i % 7, FULL, 0)->node, i % 7);
    assert_in_range(other.count, 1, 50);
    for (unsigned i = 0; i < 20; i++)
        push(1, FULL);
    assert_int_equal(q.count, 20);
    assert_int_equal(dropped_for(WGT_DROP_STAGED_FULL), 0);
}

static void
flows_beyond_the_records_share_one(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 200; i++)
        push(i, 500);
    assert_int_equal(q.count, 200);
    /* Another queue finds no record. */
    fq_push(&fq, &other, now, &make(1, 500, 0)->node, 1);
    assert_int_equal(dropped_for(WGT_DROP_STAGED_FULL), 1);
    for (unsigned i = 0; i < 200; i++)
        assert_int_not_equal(pull(), -1);
    assert_int_equal(pull(), -1);
    /* All records are free again. */
    fq_push(&fq, &other, now, &make(1, 500, 0)->node, 1);
    assert_int_equal(other.count, 1);
}

static void
queues_do_not_share_flows(void **state)
{
    (void)state;
    fq.n_buckets = 1; /* one chain */
    push(1, 500);
    fq_push(&fq, &other, now, &make(1, 500, 0)->node, 1);
    assert_int_equal(pull(), 1);
    assert_int_equal(pull(), -1);
    assert_int_equal(other.count, 1);
}

static void
a_drained_queue_holds_no_record(void **state)
{
    struct fq_flow *f;
    unsigned idle = 0;

    (void)state;
    for (unsigned i = 0; i < 30; i++)
        push(i, 500);
    while (pull() != -1)
        ;
    TAILQ_FOREACH(f, &fq.idle, link)
    {
        idle++;
    }
    assert_int_equal(idle, FLOWS);
    assert_true(TAILQ_EMPTY(&q.fresh) && TAILQ_EMPTY(&q.old));
}

/* What CoDel has learnt of a flow is there when it comes back, unless another needed the record. */
static void
an_idle_flow_keeps_its_codel_state(void **state)
{
    (void)state;
    fill(1, 100);
    for (unsigned i = 0; i < 2000; i++) {
        now += TICK;
        while (q.count < 100)
            push(1, FULL);
        pull();
    }
    while (pull() != -1)
        ;
    for (unsigned i = 0; i < FLOWS / 2; i++)
        fq_push(&fq, &other, now, &make(100 + i, FULL, 0)->node, 100 + i);
    fq_purge(&fq, &other, WGT_DROP_PEER_REMOVED);
    push(1, FULL);
    assert_true(TAILQ_FIRST(&q.fresh)->codel.count > 10);
    assert_false(TAILQ_FIRST(&q.fresh)->codel.dropping);
    pull();
    for (unsigned i = 0; i < FLOWS; i++)
        fq_push(&fq, &other, now, &make(100 + i, FULL, 0)->node, 100 + i);
    fq_purge(&fq, &other, WGT_DROP_PEER_REMOVED);
    push(1, FULL);
    assert_int_equal(TAILQ_FIRST(&q.fresh)->codel.count, 0);
}

static bool
pushed_sparse(unsigned flow, uint32_t len)
{
    struct packet *p = make(flow, len, IP_ECN_NOT_ECT);

    fq_push(&fq, &q, now, &p->node, flow);
    return p->node.sparse;
}

/* By arrivals: a flow whose packets wait long is not sparse for that. */
static void
a_packet_is_sparse_when_none_of_its_flow_came_right_before(void **state)
{
    (void)state;
    assert_true(pushed_sparse(1, 100));
    assert_true(pushed_sparse(2, 100));
    now += FQ_SPARSE_GAP - 1;
    assert_false(pushed_sparse(1, 100));
    now += 1;
    assert_true(pushed_sparse(2, 100));
    assert_false(pushed_sparse(1, 100));
    while (pull() != -1)
        ;
    assert_false(pushed_sparse(1, 100));
    now += FQ_SPARSE_GAP;
    assert_true(pushed_sparse(1, 100));
}

/* --- holding -------------------------------------------------------------------------------------
 */

static void
a_held_queue_keeps_the_newest_128(void **state)
{
    unsigned first;

    (void)state;
    fq_hold(&q);
    first = make(0, FULL, 0)->number + 1;
    packets[0].in_use = false;
    for (unsigned i = 0; i < 200; i++) {
        push(i % 5, FULL);
        now += MS;
    }
    assert_int_equal(q.count, 128);
    assert_int_equal(n_drops, 72);
    for (unsigned i = 0; i < 72; i++) {
        assert_int_equal(drops[i].why, WGT_DROP_STAGED_FULL);
        assert_int_equal(drops[i].number, first + i);
    }
}

static void
codel_does_not_act_on_what_was_held(void **state)
{
    (void)state;
    fq_hold(&q);
    for (unsigned i = 0; i < 100; i++)
        push(1, FULL);
    now += 20 * WGT_SEC;
    fq_resume(&q, now);
    /* 20 ms on: neither stale nor long above target. */
    for (unsigned i = 0; i < 100; i++) {
        now += 200 * US;
        assert_int_equal(pull(), 1);
    }
    assert_int_equal(n_drops, 0);
    assert_false(q.held);
}

static void
no_limits_mean_first_come_first_served_and_no_drops(void **state)
{
    (void)state;
    limits = fq_no_limits;
    fill(0, 300);
    now += WGT_SEC;
    for (unsigned i = 0; i < 300; i++) {
        now += 10 * MS;
        assert_int_equal(pull(), 0);
    }
    assert_int_equal(n_drops, 0);
}

/* --- a link with a bulk flow that heeds losses and a sparse one ----------------------------------
 */

enum { ACKS = 1 << 15 };

struct model {
    uint64_t rate; /* bytes a second */
    wgt_time rtt;
    uint8_t ecn;
    /* results */
    wgt_time sparse_worst, bulk_worst, bulk_sum;
    unsigned n_bulk;
    uint64_t bytes;
};

/* Additive increase, multiplicative decrease: slow start, then a packet an RTT; half on a loss or a
 * mark, once an RTT. What is lost is not sent again, it only leaves the window. */
static void
run_model(struct model *m, wgt_time until, wgt_time settle)
{
    static wgt_time acks[ACKS];
    static bool ack_marked[ACKS];
    unsigned head = 0, tail = 0, in_flight = 0, lost_seen = 0;
    wgt_time link_free = 0, sparse_at = 0, reduced = 0, tx = FULL * WGT_SEC / m->rate;
    uint64_t cwnd = 10 * 1024, ssthresh = UINT64_MAX; /* 1024ths of packets */

    limits = fq_limits_at(m->rate, 0, 0, false);
    while (now < until) {
        bool congested = false;

        while (head != tail && acks[head % ACKS] <= now) {
            congested |= ack_marked[head % ACKS];
            cwnd += cwnd < ssthresh ? 1024 : 1024 * 1024 / cwnd;
            in_flight--;
            head++;
        }
        congested |= n_dropped_of_flow[1] > lost_seen;
        in_flight -= n_dropped_of_flow[1] - lost_seen;
        lost_seen = n_dropped_of_flow[1];
        if (congested && now >= reduced) {
            ssthresh = cwnd = cwnd / 2 > 2048 ? cwnd / 2 : 2048;
            reduced = now + m->rtt;
        }
        for (; in_flight < cwnd / 1024; in_flight++)
            fq_push(&fq, &q, now, &make(1, FULL, m->ecn)->node, 1);
        if (now >= sparse_at) {
            push(2, 200);
            sparse_at = now + 20 * MS;
        }
        if (now >= link_free && fq_peek(&fq, &q, now, &limits) != NULL) {
            struct packet *p = packet_of(fq_pop(&fq, &q));
            wgt_time sojourn = now - p->node.since;

            p->in_use = false;
            if (p->flow == 1) {
                acks[tail % ACKS] = now + m->rtt;
                ack_marked[tail++ % ACKS] = ecn_of(p->bytes) == IP_ECN_CE;
            }
            link_free = now + p->node.len * WGT_SEC / m->rate;
            if (now >= settle) {
                m->bytes += p->node.len;
                if (p->flow == 2 && sojourn > m->sparse_worst)
                    m->sparse_worst = sojourn;
                if (p->flow == 1) {
                    m->n_bulk++;
                    m->bulk_sum += sojourn;
                    if (sojourn > m->bulk_worst)
                        m->bulk_worst = sojourn;
                }
            }
        }
        now += tx < 200 * US ? tx / 2 : 100 * US;
    }
}

static void
bulk_and_sparse(uint64_t bits, uint8_t ecn)
{
    struct model m = {.rate = bits / 8, .rtt = 30 * MS, .ecn = ecn};
    wgt_time packet = FULL * WGT_SEC / m.rate, target;

    set_up(NULL);
    run_model(&m, 30 * WGT_SEC, 10 * WGT_SEC);
    target = limits.target;
    print_message(
        "%3llu Mbit/s%s: bulk %.1f ms mean, %.1f ms worst; sparse %.2f ms worst; %.0f %%\n",
        (unsigned long long)(bits / 1000000), ecn ? " ECN" : "",
        (double)m.bulk_sum / m.n_bulk / 1e6, (double)m.bulk_worst / 1e6,
        (double)m.sparse_worst / 1e6, (double)m.bytes * 100 / ((double)m.rate * 20));
    /* The link is used, the bulk flow's queue stands near target, the sparse flow waits for the
     * packet under way and, when it comes again too soon, a turn of the bulk flow. */
    assert_true(m.bytes >= m.rate * 20 * 85 / 100);
    assert_true(m.bulk_sum / m.n_bulk <= 2 * target + packet);
    assert_true(m.bulk_worst <= FQ_SOJOURN_MAX);
    assert_true(m.sparse_worst <= 2 * packet + MS / 4);
    if (ecn == IP_ECN_NOT_ECT)
        assert_true(n_dropped_of_flow[1] > 0);
    else
        assert_true(fq.stats.marked > 0);
    assert_int_equal(n_dropped_of_flow[2], 0);
    assert_int_equal(tear_down(NULL), 0);
}

static void
model_link_at_1_10_and_100_mbit_s(void **state)
{
    (void)state;
    bulk_and_sparse(1000000, IP_ECN_NOT_ECT);
    bulk_and_sparse(10000000, IP_ECN_NOT_ECT);
    bulk_and_sparse(100000000, IP_ECN_NOT_ECT);
}

static void
model_link_with_marks(void **state)
{
    (void)state;
    bulk_and_sparse(1000000, IP_ECN_ECT0);
    bulk_and_sparse(10000000, IP_ECN_ECT0);
    bulk_and_sparse(100000000, IP_ECN_ECT0);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(rfc8289_4_3_a_queue_below_target_is_left_alone),
        T(rfc8289_4_2_nothing_is_dropped_within_the_first_interval),
        T(rfc8289_5_5_drops_follow_the_inverse_square_root),
        T(rfc8289_5_5_below_target_dropping_ends),
        T(rfc8289_5_5_bad_again_soon_resumes_near_the_old_rate),
        T(rfc8289_5_6_a_single_packet_is_never_dropped),
        T(rfc8289_5_6_nor_the_one_before_the_last),
        T(rfc8289_4_3_target_is_at_least_a_packet_and_a_half_on_slow_links),
        T(rfc8290_4_2_a_new_flow_goes_first),
        T(rfc8290_4_2_flows_share_by_bytes),
        T(rfc8290_4_2_a_new_flow_that_empties_becomes_an_old_one),
        T(rfc8290_4_2_order_within_a_flow_is_kept),
        T(rfc8290_4_1_3_a_full_queue_drops_from_the_head_of_the_longest_flow),
        T(rfc8290_4_1_3_bytes_count_too),
        T(rfc8290_5_2_6_ecn_capable_packets_are_marked_instead),
        T(a_packet_that_waits_for_room_is_judged_once),
        T(nothing_waits_longer_than_100_ms),
        T(exactly_100_ms_are_allowed),
        T(all_queues_together_are_bounded),
        T(queues_that_stand_leave_room),
        T(flows_beyond_the_records_share_one),
        T(queues_do_not_share_flows),
        T(a_drained_queue_holds_no_record),
        T(an_idle_flow_keeps_its_codel_state),
        T(target_follows_the_round_trip),
        T(a_packet_is_sparse_when_none_of_its_flow_came_right_before),
        T(a_held_queue_keeps_the_newest_128),
        T(codel_does_not_act_on_what_was_held),
        T(no_limits_mean_first_come_first_served_and_no_drops),
        T(model_link_at_1_10_and_100_mbit_s),
        T(model_link_with_marks),
    };
#undef T
    return cmocka_run_group_tests(tests, NULL, NULL);
}
