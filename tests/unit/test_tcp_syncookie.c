/* SPDX-License-Identifier: BSD-3-Clause */
/* SYN cookies (RFC 4987 3.6): what goes out comes back, and nothing else does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <wgtcpd/noise/noise.h>
#include <wgtcpd/tcp/listen.h>

static struct tcp_cookies cookies;
static struct tcp_options o;
static uint8_t tuple[TCP_TUPLE_LEN];
static wgt_time now;
static uint8_t next_secret;

static void
renew(void)
{
    uint8_t secret[16];

    if (!tcp_cookies_stale(&cookies, now))
        return;
    memset(secret, ++next_secret, sizeof(secret));
    tcp_cookies_renew(&cookies, now, secret);
    assert_false(tcp_cookies_stale(&cookies, now));
}

static int
set_up(void **state)
{
    static const uint8_t key[16] = {1, 2, 3};

    (void)state;
    next_secret = 0;
    now = 100 * TCP_COOKIE_STEP + 59 * WGT_SEC;
    tcp_cookies_init(&cookies, noise_siphash, key);
    o = (struct tcp_options){.ecn = true,
                             .src_port = 1,
                             .dst_port = 2,
                             .mss_local = 1460,
                             .mss_default = 536,
                             .receive_buffer = 1024,
                             .receive_buffer_max = 4 << 20,
                             .ts_offset = 0xfffff000u};
    for (unsigned i = 0; i < sizeof(tuple); i++)
        tuple[i] = (uint8_t)i;
    renew();
    return 0;
}

static struct tcp_segment
a_syn(uint32_t seq)
{
    return (struct tcp_segment){.src_port = 2,
                                .dst_port = 1,
                                .seq = seq,
                                .flags = TCP_SYN | TCP_ECE | TCP_CWR,
                                .window = 1000,
                                .has_mss = true,
                                .mss = 1460,
                                .has_wscale = true,
                                .wscale = 10,
                                .has_sack_permitted = true,
                                .has_ts = true,
                                .ts_val = 0xffffffffu};
}

static struct tcp_segment
ack_of(const struct tcp_segment *syn, const struct tcp_segment *answer)
{
    return (struct tcp_segment){.src_port = 2,
                                .dst_port = 1,
                                .seq = syn->seq + 1,
                                .ack = answer->seq + 1,
                                .flags = TCP_ACK,
                                .window = 321,
                                .has_ts = syn->has_ts,
                                .ts_val = syn->ts_val + 40,
                                .ts_ecr = answer->ts_val};
}

static bool
opens(const struct tcp_segment *ack, struct tcp_embryo *e)
{
    return tcp_cookie_open(&cookies, now, &o, tuple, ack, e);
}

/* A SYN with the defaults, answered; returns the ACK. */
static struct tcp_segment
exchange(uint32_t seq)
{
    struct tcp_segment syn = a_syn(seq), answer;

    assert_true(tcp_cookie_answer(&cookies, now, &o, tuple, &syn, &answer));
    return ack_of(&syn, &answer);
}

static void
round_trip(const struct tcp_segment *syn, uint16_t mss)
{
    struct tcp_segment answer, ack;
    struct tcp_embryo e;
    bool ts = syn->has_ts;

    assert_true(tcp_cookie_answer(&cookies, now, &o, tuple, syn, &answer));
    assert_int_equal(answer.flags & (TCP_SYN | TCP_ACK), TCP_SYN | TCP_ACK);
    assert_int_equal(answer.ack, syn->seq + 1);
    assert_int_equal(answer.has_wscale, ts && syn->has_wscale);
    assert_int_equal(answer.has_sack_permitted, ts && syn->has_sack_permitted);
    assert_int_equal(!!(answer.flags & TCP_ECE), ts && (syn->flags & TCP_ECE));
    if (ts) /* the clock is not put forward, nor far back */
        assert_true((uint32_t)(now / WGT_MSEC) + o.ts_offset - answer.ts_val < 64);
    ack = ack_of(syn, &answer);
    now += 20 * WGT_MSEC;
    assert_true(opens(&ack, &e));
    now -= 20 * WGT_MSEC;
    assert_true(e.established);
    assert_int_equal(e.irs, syn->seq);
    assert_int_equal(e.iss, answer.seq);
    assert_int_equal(e.mss, mss);
    assert_int_equal(e.window, 321);
    assert_int_equal(e.ts_ok, ts);
    assert_int_equal(e.wscale_ok, ts && syn->has_wscale);
    assert_int_equal(e.snd_shift, ts && syn->has_wscale ? syn->wscale : 0);
    assert_int_equal(e.sack_ok, ts && syn->has_sack_permitted);
    assert_int_equal(e.ecn_ok, ts && (syn->flags & TCP_ECE));
    if (ts) {
        assert_int_equal(e.ts_recent, ack.ts_val);
        assert_in_range(e.rtt, 20 * WGT_MSEC, 83 * WGT_MSEC);
    } else {
        assert_int_equal(e.rtt, WGT_NEVER);
    }
}

static void
every_combination_of_options_comes_back(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 16; bits++) {
        for (uint8_t scale = 0; scale <= 14; scale++) {
            struct tcp_segment syn = a_syn(0xfffffff0u + bits * 3);

            syn.has_ts = bits & 1;
            syn.has_wscale = bits & 2;
            syn.wscale = scale;
            syn.has_sack_permitted = bits & 4;
            if (bits & 8)
                syn.flags = TCP_SYN;
            now += 7 * WGT_MSEC;
            renew();
            round_trip(&syn, 1460);
        }
    }
}

static void
mss_is_rounded_down_to_one_of_four(void **state)
{
    static const uint16_t v4[][2] = {{536, 536},   {1299, 536},  {1300, 1300}, {1439, 1300},
                                     {1440, 1440}, {1459, 1440}, {1460, 1460}, {65535, 1460}};
    static const uint16_t v6[][2] = {{1220, 1220}, {1419, 1220}, {1420, 1420}, {1439, 1420},
                                     {1440, 1440}, {8939, 1440}, {8940, 8940}, {65535, 8940}};
    struct tcp_segment syn, answer;

    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        syn = a_syn(i);
        syn.mss = v4[i][0];
        o.mss_default = 536;
        round_trip(&syn, v4[i][1]);
        syn.mss = v6[i][0];
        o.mss_default = 1220;
        round_trip(&syn, v6[i][1]);
    }
    syn.has_mss = false;
    round_trip(&syn, 1220);
    o.mss_default = 536;
    round_trip(&syn, 536);
    syn.has_mss = true;
    syn.mss = 535; /* we may not send it more than it takes */
    assert_false(tcp_cookie_answer(&cookies, now, &o, tuple, &syn, &answer));
}

static void
good_in_its_step_and_the_next(void **state)
{
    struct tcp_segment ack = exchange(5);
    struct tcp_embryo e;

    (void)state;
    assert_true(opens(&ack, &e));
    now += WGT_SEC; /* the next step, its secret not drawn yet */
    assert_true(opens(&ack, &e));
    renew();
    assert_true(opens(&ack, &e));
    now += TCP_COOKIE_STEP - 1;
    assert_true(opens(&ack, &e));
    now++;
    assert_false(opens(&ack, &e));
    renew();
    exchange(6); /* still overflowing */
    assert_false(opens(&ack, &e));
    now += 254 * TCP_COOKIE_STEP; /* the step's byte comes round: its secret is gone */
    renew();
    exchange(6);
    assert_false(opens(&ack, &e));
    now += TCP_COOKIE_STEP;
    renew();
    exchange(6);
    assert_false(opens(&ack, &e));
}

static void
nothing_is_accepted_when_none_was_sent_lately(void **state)
{
    struct tcp_segment ack = exchange(5);
    struct tcp_cookies quiet = cookies;
    struct tcp_embryo e;

    (void)state;
    quiet.sent_any = false;
    assert_true(opens(&ack, &e));
    assert_false(tcp_cookie_open(&quiet, now, &o, tuple, &ack, &e));
    quiet.sent_any = true;
    quiet.last = now - 2 * TCP_COOKIE_STEP;
    assert_false(tcp_cookie_open(&quiet, now, &o, tuple, &ack, &e));
}

/* As a cookie would be made in `step` under a secret that was never drawn. */
static struct tcp_segment
cookie_of_no_secret(uint64_t step)
{
    struct tcp_segment syn = a_syn(9), answer;
    struct tcp_cookies forger = cookies;

    memset(forger.secret, 0, sizeof(forger.secret));
    answer.ts_val = 0;
    answer.seq = (uint32_t)noise_siphash(forger.key, tuple, sizeof(tuple)) + syn.seq;
    answer.seq += (uint32_t)step << 24;
    {
        uint8_t bytes[TCP_TUPLE_LEN + 12];

        memcpy(bytes, tuple, TCP_TUPLE_LEN);
        put_be32(bytes + TCP_TUPLE_LEN, syn.seq);
        put_be64(bytes + TCP_TUPLE_LEN + 4, step);
        answer.seq += (uint32_t)noise_siphash(forger.secret[0], bytes, sizeof(bytes)) & 0xffffff;
    }
    return ack_of(&syn, &answer);
}

static void
first_steps_of_the_clock(void **state)
{
    static const uint8_t zero[16], key[16] = {1, 2, 3};
    struct tcp_segment syn = a_syn(9), ack;
    struct tcp_embryo e;

    (void)state;
    tcp_cookies_init(&cookies, noise_siphash, key);
    now = 0;
    tcp_cookies_renew(&cookies, now, zero); /* shows that the forger forges well */
    ack = exchange(9);
    assert_true(opens(&ack, &e));
    ack = cookie_of_no_secret(0);
    assert_true(opens(&ack, &e));
    ack = cookie_of_no_secret(UINT64_MAX); /* before time began */
    assert_false(opens(&ack, &e));
    round_trip(&syn, 1460);

    tcp_cookies_init(&cookies, noise_siphash, key);
    now = TCP_COOKIE_STEP;
    renew();
    exchange(9);
    ack = cookie_of_no_secret(0); /* nothing was drawn in step 0 */
    assert_false(opens(&ack, &e));
    round_trip(&syn, 1460);
}

static void
forged_ones_are_rejected(void **state)
{
    struct tcp_segment good = exchange(77), bad;
    struct tcp_embryo e;
    unsigned taken = 0;

    (void)state;
    assert_true(opens(&good, &e));
    for (int bit = 2; bit < 32; bit++) { /* the two lowest are the index of the MSS */
        bad = good;
        bad.ack = good.ack + (1u << bit);
        assert_false(opens(&bad, &e));
    }
    for (int bit = 0; bit < 32; bit++) {
        bad = good;
        bad.seq ^= 1u << bit;
        assert_false(opens(&bad, &e));
    }
    for (unsigned i = 0; i < TCP_TUPLE_LEN; i++) {
        tuple[i] ^= 0x80;
        assert_false(opens(&good, &e));
        tuple[i] ^= 0x80;
    }
    srand(4711);
    for (unsigned i = 0; i < 200000; i++) {
        bad = good;
        bad.ack = (uint32_t)rand() << 16 ^ (uint32_t)rand();
        taken += opens(&bad, &e) && bad.ack - good.ack > 4 && good.ack - bad.ack > 4;
    }
    assert_int_equal(taken, 0);
    bad = good;
    bad.flags = TCP_SYN | TCP_ACK;
    assert_false(opens(&bad, &e));
    bad.flags = TCP_RST | TCP_ACK;
    assert_false(opens(&bad, &e));
    bad.flags = TCP_PSH;
    assert_false(opens(&bad, &e));
    assert_true(opens(&good, &e));
}

/* The whole way: SYN, cookie, ACK with data, connection. */
static void
data_in_the_ack_are_usable_at_once(void **state)
{
    struct tcp_segment ack = exchange(0xffffffffu), out;
    struct tcp_conn *c = calloc(1, sizeof(*c));
    uint8_t bytes[20] = {0};
    struct tcp_chunk rx = {.data = bytes, .len = 20};
    struct tcp_memory memory;
    union tcp_record record;
    struct tcp_tx tx;
    struct tcp_embryo e;
    enum wgt_drop why;
    bool kept;

    (void)state;
    tcp_memory_init(&memory, &record, 1, &tx, 1);
    o.memory = &memory;
    now += 5 * WGT_MSEC;
    ack.payload = (struct span){bytes, 20};
    assert_true(opens(&ack, &e));
    assert_int_equal(tcp_embryo_input(&e, now, &o, &ack, &out, &why), TCP_EMBRYO_DATA);
    assert_true(tcp_open_embryo(c, &o, &e));
    assert_int_equal(tcp_input(c, now, &ack, &rx, &kept), WGT_OK);
    assert_ptr_equal(tcp_recv(c), &rx);
    assert_int_equal(c->mss, 1460 - 12);
    assert_int_equal(c->snd_wnd, 321 << 10);
    assert_true(c->sack_ok && tcp_srtt(c) > 0);
    tcp_abort(c, now);
    free(c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup(f, set_up)
        T(every_combination_of_options_comes_back),
        T(mss_is_rounded_down_to_one_of_four),
        T(good_in_its_step_and_the_next),
        T(nothing_is_accepted_when_none_was_sent_lately),
        T(first_steps_of_the_clock),
        T(forged_ones_are_rejected),
        T(data_in_the_ack_are_usable_at_once),
#undef T
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
