/* SPDX-License-Identifier: BSD-3-Clause */
/* Pieces of the engine that have numbers to be held against. */
#include "tcp_script.h"

#include "../../src/tcp/internal.h"

static void
rfc9293_3_4_table_of_acceptability(void **state)
{
    static const struct {
        uint32_t nxt, wnd, seq, len;
        bool accept;
    } rows[] = {
        {1000, 0, 1000, 0, true},      {1000, 0, 999, 0, false},
        {1000, 0, 1001, 0, false},     {1000, 0, 1499, 0, false},
        {1000, 0, 1500, 0, false},     {1000, 0, 1000, 1, false},
        {1000, 0, 999, 1, false},      {1000, 0, 999, 2, false},
        {1000, 0, 900, 100, false},    {1000, 0, 900, 101, false},
        {1000, 0, 1499, 10, false},    {1000, 0, 1500, 1, false},
        {1000, 0, 500, 2000, false},   {1000, 0, 4294967280u, 1280, false},
        {1000, 500, 1000, 0, true},    {1000, 500, 999, 0, false},
        {1000, 500, 1001, 0, true},    {1000, 500, 1499, 0, true},
        {1000, 500, 1500, 0, false},   {1000, 500, 1000, 1, true},
        {1000, 500, 999, 1, false},    {1000, 500, 999, 2, true},
        {1000, 500, 900, 100, false},  {1000, 500, 900, 101, true},
        {1000, 500, 1499, 10, true},   {1000, 500, 1500, 1, false},
        {1000, 500, 500, 2000, false}, {1000, 500, 4294967280u, 1280, true},
    };
    static const uint32_t shifts[] = {0, 0u - 1000, 0u - 1200, 0x7fffffffu};
    static struct tcp_conn c;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (size_t j = 0; j < 4; j++) {
            c.rcv_nxt = rows[i].nxt + shifts[j];
            c.rcv_adv = c.rcv_nxt + rows[i].wnd;
            assert_int_equal(tcp_window_accepts(&c, rows[i].seq + shifts[j], rows[i].len),
                             rows[i].accept);
        }
    }
}

static void
expect_near(uint64_t got, double us)
{
    double diff = (double)got / 1e3 - us;

    assert_true(diff < 0.01 && diff > -0.01);
}

static void
rfc6298_2_smoothed_rtt_and_variance(void **state)
{
    static const struct {
        uint32_t sample;
        double srtt, rttvar;
        uint32_t rto;
    } slow[] = {{100000, 100000, 50000, 300000},          {120000, 102500, 42500, 272500},
                {80000, 99687.5, 37500, 249687},          {100000, 99726.562, 28203.125, 212539},
                {500000, 149760.742, 121220.703, 634643}, {100000, 143540.649, 103355.713, 556963}},
      fast[] = {{20000, 20000, 10000, 200000},     {20000, 20000, 7500, 200000},
                {20000, 20000, 5625, 200000},      {60000, 25000, 14218.75, 200000},
                {20000, 24375, 11914.062, 200000}, {20000, 23828.125, 10029.297, 200000}};
    struct tcp_rtt r;

    (void)state;
    tcp_rtt_init(&r);
    assert_int_equal(r.rto, WGT_SEC); /* 2.1 */
    for (size_t i = 0; i < 6; i++) {
        tcp_rtt_sample(&r, 0, slow[i].sample * WGT_USEC, 1);
        expect_near(r.srtt, slow[i].srtt);
        expect_near(r.rttvar, slow[i].rttvar);
        assert_int_equal(r.rto / WGT_USEC, slow[i].rto);
    }
    tcp_rtt_init(&r);
    for (size_t i = 0; i < 6; i++) {
        tcp_rtt_sample(&r, 0, fast[i].sample * WGT_USEC, 1);
        expect_near(r.srtt, fast[i].srtt);
        expect_near(r.rttvar, fast[i].rttvar);
        assert_int_equal(r.rto / WGT_USEC, fast[i].rto);
    }
    tcp_rtt_sample(&r, 0, 500 * WGT_SEC, 1);
    assert_int_equal(r.rto, TCP_RTO_MAX); /* 2.5 */
}

/* RFC 6298 2.4 has it wait 1 s at least, so that no delayed ACK and no repair of a loss is
 * overtaken by it. Whoever waits less must leave them time beside SRTT, however steady the path. */
static void
rfc6298_2_4_a_steady_path_leaves_time_beside_the_round_trip(void **state)
{
    static const struct {
        wgt_time rtt, rto;
    } rows[] = {{20, 200}, {100, 200}, {150, 300}, {300, 500}, {1000, 1200}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tcp_rtt r;

        tcp_rtt_init(&r);
        for (int n = 0; n < 100; n++)
            tcp_rtt_sample(&r, 0, rows[i].rtt * WGT_MSEC, 1);
        assert_int_equal(r.rto / WGT_MSEC, rows[i].rto);
    }
}

static void
rfc7323_g_many_samples_weigh_less_each(void **state)
{
    struct tcp_rtt one, many;

    (void)state;
    tcp_rtt_init(&one);
    tcp_rtt_init(&many);
    tcp_rtt_sample(&one, 0, 100 * WGT_MSEC, 1);
    tcp_rtt_sample(&many, 0, 100 * WGT_MSEC, 10);
    tcp_rtt_sample(&one, 0, 180 * WGT_MSEC, 1);
    tcp_rtt_sample(&many, 0, 180 * WGT_MSEC, 10);
    assert_int_equal(one.srtt, 110 * WGT_MSEC);
    assert_int_equal(many.srtt, 101 * WGT_MSEC);
}

static void
rfc6298_5_5_back_off_doubles_to_a_maximum(void **state)
{
    static struct tcp_conn c;
    wgt_time expected = WGT_SEC;

    (void)state;
    tcp_rtt_init(&c.rtt);
    for (int i = 0; i < 255; i++) {
        c.rto_backoff = (uint8_t)i;
        assert_int_equal(tcp_rto(&c), expected);
        expected = wgt_time_min(2 * expected, 60 * WGT_SEC);
    }
}

static void
rfc6928_2_initial_window(void **state)
{
    static const uint32_t rows[][2] = {{536, 5360},   {1220, 12200}, {1380, 13800}, {1440, 14400},
                                       {1460, 14600}, {2920, 14600}, {8960, 17920}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(tcp_cc_initial_window(rows[i][0]), rows[i][1]);
}

static void
rfc7323_2_window_shift_covers_the_buffer(void **state)
{
    (void)state;
    assert_int_equal(tcp_window_shift(65535), 0);
    assert_int_equal(tcp_window_shift(65536), 1);
    assert_int_equal(tcp_window_shift(4 << 20), 7);
    assert_int_equal(tcp_window_shift(UINT32_C(1) << 30), 14);
}

/* One of 20 segments is lost: while the pipe is above ssthresh, half of what arrives is sent. */
static void
rfc6937_3_1_proportional_rate_reduction(void **state)
{
    struct script *s = script_new();
    uint32_t delivered = 3;
    int sent;

    (void)state;
    s->sack = true;
    s->peer_mss = 1000;
    open_passive(s);
    s->c.cc.cwnd = s->c.cc.ssthresh = 20000;
    send_chunks(s, 60, 1000);
    assert_int_equal(count_output(s), 20);
    assert_int_equal(feed_sack(s, 1, 1, 1001, 2001, 0, 0), WGT_OK);
    assert_int_equal(s->c.recovery, TCP_RECOVERY_FAST);
    s->c.cc.ssthresh = 10000; /* whatever the algorithm says: half is easily counted */
    assert_int_equal(tcp_pipe(&s->c), 18000);
    sent = count_output(s);
    assert_int_equal(sent, 1); /* the retransmission */
    delivered = 1;
    for (uint32_t i = 2; i <= 15; i++) {
        assert_int_equal(feed_sack(s, 1, 1, 1001, 1001 + 1000 * i, 0, 0), WGT_OK);
        delivered++;
        if (tcp_pipe(&s->c) <= 10000)
            break;
        sent += count_output(s);
        assert_int_equal(sent, delivered < 2 ? 1 : delivered / 2); /* in whole segments */
    }
    assert_true(delivered >= 10);
    /* At the end cwnd is what was aimed at. */
    assert_int_equal(feed(s, TCP_ACK, 1, s->c.recovery_point - s->c.iss, 0), WGT_OK);
    assert_int_equal(s->c.recovery, TCP_RECOVERY_NONE);
    assert_int_equal(s->c.cc.cwnd, 10000);
    script_free(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc9293_3_4_table_of_acceptability),
        cmocka_unit_test(rfc6298_2_smoothed_rtt_and_variance),
        cmocka_unit_test(rfc6298_2_4_a_steady_path_leaves_time_beside_the_round_trip),
        cmocka_unit_test(rfc7323_g_many_samples_weigh_less_each),
        cmocka_unit_test(rfc6298_5_5_back_off_doubles_to_a_maximum),
        cmocka_unit_test(rfc6928_2_initial_window),
        cmocka_unit_test(rfc7323_2_window_shift_covers_the_buffer),
        cmocka_unit_test(rfc6937_3_1_proportional_rate_reduction),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
