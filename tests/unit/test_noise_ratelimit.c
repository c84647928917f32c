/* SPDX-License-Identifier: BSD-3-Clause */
/* The handshake rate limit: 20 a second, burst 5, per IPv4 address or IPv6 /64. */
#include "test_noise_util.h"

enum { CAPACITY = 64 };

static struct noise_ratelimit rl;
static struct noise_ratelimit_entry entries[CAPACITY];

static int
fresh(void **state)
{
    static const uint8_t key[16] = {1, 2, 3};

    (void)state;
    memset(entries, 0xee, sizeof(entries));
    noise_ratelimit_init(&rl, entries, CAPACITY, key);
    return 0;
}

static struct ip_addr
v4(uint32_t n)
{
    uint8_t bytes[4];

    put_be32(bytes, n);
    return ip_addr_v4(bytes);
}

/* 2001:db8:0:net::host */
static struct ip_addr
v6(uint16_t net, uint16_t host)
{
    uint8_t bytes[16] = {0x20, 0x01, 0x0d, 0xb8};

    put_be16(bytes + 6, net);
    put_be16(bytes + 14, host);
    return ip_addr_v6(bytes);
}

static void
expect_at(uint64_t ms, struct ip_addr source, bool allow)
{
    assert_int_equal(noise_ratelimit_allow(&rl, start + ms * WGT_MSEC, &source), allow);
}

static void
burst(uint64_t ms, struct ip_addr source)
{
    for (unsigned n = 0; n < 5; n++)
        expect_at(ms, source, true);
    expect_at(ms, source, false);
}

static void
burst_of_five_then_one_each_50_ms(void **state)
{
    (void)state;
    burst(0, v4(1));
    expect_at(50, v4(1), true);
    expect_at(50, v4(1), false);
    expect_at(150, v4(1), true);
    expect_at(150, v4(1), true);
    expect_at(150, v4(1), false);
}

static void
other_ipv4_address_has_its_own_bucket(void **state)
{
    (void)state;
    burst(0, v4(0xc0000201));
    expect_at(0, v4(0xc0000202), true);
}

static void
denied_packet_costs_nothing(void **state)
{
    (void)state;
    burst(0, v4(1));
    for (uint64_t ms = 50; ms <= 1000; ms += 50)
        expect_at(ms, v4(1), true);
}

static void
denied_packet_moves_the_clock(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 5; n++)
        expect_at(0, v4(1), true);
    expect_at(49, v4(1), false); /* earns 49 ms, keeps them */
    expect_at(50, v4(1), true);
    expect_at(51, v4(1), false);
}

static void
a_quarter_second_of_silence_refills_the_burst(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 5; n++)
        expect_at(0, v4(1), true);
    burst(250, v4(1));
    burst(10000, v4(1)); /* and never more than the burst */
}

static void
ipv6_is_counted_by_64(void **state)
{
    struct ip_addr upper_half;

    (void)state;
    for (uint16_t host = 1; host <= 5; host++)
        expect_at(0, v6(1, host), true);
    expect_at(0, v6(1, 6), false);
    expect_at(0, v6(2, 1), true);
    /* the first bit behind the 64 does not count */
    upper_half = v6(2, 1);
    upper_half.bytes[8] = 0x80;
    for (unsigned n = 0; n < 4; n++)
        expect_at(0, upper_half, true);
    expect_at(0, v6(2, 1), false);
}

static void
families_do_not_share_a_bucket(void **state)
{
    struct ip_addr four = v4(0x20010db8), six = ip_addr_v6(four.bytes);

    (void)state;
    burst(0, four);
    burst(0, six);
}

static void
clock_that_goes_back_earns_nothing(void **state)
{
    (void)state;
    burst(1000, v4(1));
    expect_at(0, v4(1), false);
    expect_at(49, v4(1), false);
}

static void
full_table_denies_new_sources_only(void **state)
{
    uint32_t taken = 0;

    (void)state;
    for (uint32_t n = 0; n < 100 * CAPACITY; n++) {
        const struct ip_addr source = v4(n);

        if (noise_ratelimit_allow(&rl, start, &source))
            taken++;
    }
    assert_int_equal(taken, CAPACITY);
    assert_int_equal(rl.used, CAPACITY);
    /* those who are in go on */
    for (size_t n = 0; n < CAPACITY; n++)
        assert_true(noise_ratelimit_allow(&rl, start, &entries[n].source));
}

static void
table_of_one_entry_works(void **state)
{
    static const uint8_t key[16];

    (void)state;
    noise_ratelimit_init(&rl, entries, 1, key);
    expect_at(0, v4(1), true);
    expect_at(0, v4(2), false);
    burst(500, v4(1));
    expect_at(1501, v4(2), true);
}

static void
table_of_no_entries_denies_all(void **state)
{
    static const uint8_t key[16];

    (void)state;
    noise_ratelimit_init(&rl, NULL, 0, key);
    expect_at(0, v4(1), false);
}

static void
entry_idle_for_more_than_a_second_makes_room(void **state)
{
    static const uint8_t key[16] = {4};

    (void)state;
    noise_ratelimit_init(&rl, entries, 8, key); /* less than the probes: every slot is looked at */
    for (uint32_t n = 0; n < 8; n++)
        expect_at(0, v4(n), true);
    expect_at(0, v4(100), false);
    expect_at(1000, v4(100), false); /* exactly a second is not more */
    expect_at(1001, v4(100), true);
}

static void
active_entry_is_not_evicted(void **state)
{
    static const uint8_t key[16] = {4};

    (void)state;
    noise_ratelimit_init(&rl, entries, 8, key);
    for (uint32_t n = 0; n < 8; n++)
        expect_at(0, v4(n), true);
    burst(900, v4(3));
    for (uint32_t n = 0; n < 7; n++)
        expect_at(1100, v4(100 + n), true);
    expect_at(1100, v4(200), false);
    /* 200 ms earned four */
    for (unsigned n = 0; n < 4; n++)
        expect_at(1100, v4(3), true);
    expect_at(1100, v4(3), false);
}

static void
idle_entries_are_collected_by_and_by(void **state)
{
    (void)state;
    for (uint32_t n = 0; n < CAPACITY / 2; n++) {
        const struct ip_addr source = v4(n);

        (void)noise_ratelimit_allow(&rl, start, &source);
    }
    assert_true(rl.used >= CAPACITY / 4);
    for (unsigned n = 0; n < CAPACITY / 4; n++)
        (void)noise_ratelimit_allow(&rl, start + 2 * WGT_SEC, &(struct ip_addr){.family = IP_V4});
    assert_int_equal(rl.used, 1);
}

/* Compared with an unbounded table of buckets, over random times and sources. */
static void
random_traffic_agrees_with_a_model(void **state)
{
    enum { SOURCES = 6 };
    struct {
        bool known;
        wgt_time last;
        uint64_t tokens;
    } model[SOURCES] = {0};
    const uint64_t full = 250 * WGT_MSEC, cost = 50 * WGT_MSEC;
    uint64_t seed = 17;
    wgt_time now = start;

    (void)state;
    for (unsigned n = 0; n < 100000; n++) {
        const unsigned who = (unsigned)(random_u64(&seed) % SOURCES);
        const struct ip_addr source = v6((uint16_t)who, (uint16_t)n);
        bool allow;

        now += random_u64(&seed) % (n % 1000 == 0 ? 3 * WGT_SEC : 20 * WGT_MSEC);
        if (!model[who].known || now - model[who].last + model[who].tokens > full)
            model[who].tokens = full;
        else
            model[who].tokens += now - model[who].last;
        model[who].known = true;
        model[who].last = now;
        allow = model[who].tokens >= cost;
        if (allow)
            model[who].tokens -= cost;
        assert_int_equal(noise_ratelimit_allow(&rl, now, &source), allow);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(burst_of_five_then_one_each_50_ms, fresh),
        cmocka_unit_test_setup(other_ipv4_address_has_its_own_bucket, fresh),
        cmocka_unit_test_setup(denied_packet_costs_nothing, fresh),
        cmocka_unit_test_setup(denied_packet_moves_the_clock, fresh),
        cmocka_unit_test_setup(a_quarter_second_of_silence_refills_the_burst, fresh),
        cmocka_unit_test_setup(ipv6_is_counted_by_64, fresh),
        cmocka_unit_test_setup(families_do_not_share_a_bucket, fresh),
        cmocka_unit_test_setup(clock_that_goes_back_earns_nothing, fresh),
        cmocka_unit_test_setup(full_table_denies_new_sources_only, fresh),
        cmocka_unit_test_setup(table_of_one_entry_works, fresh),
        cmocka_unit_test_setup(table_of_no_entries_denies_all, fresh),
        cmocka_unit_test_setup(entry_idle_for_more_than_a_second_makes_room, fresh),
        cmocka_unit_test_setup(active_entry_is_not_evicted, fresh),
        cmocka_unit_test_setup(idle_entries_are_collected_by_and_by, fresh),
        cmocka_unit_test_setup(random_traffic_agrees_with_a_model, fresh),
    };

    return cmocka_run_group_tests(tests, load_crypto, NULL);
}
