/* SPDX-License-Identifier: BSD-3-Clause */
/* ICMP errors against a connection (RFC 5927, RFC 1191, RFC 8201). */
#include "tcp_script.h"

enum { V4_HEADERS = 40, V6_HEADERS = 60, FULL = SCRIPT_MSS };

/* A router's word about the segment of `len` bytes of payload at relative sequence number seq. */
static enum wgt_drop
icmp(struct script *s, enum icmp_error_kind kind, enum ip_family family, uint32_t seq, uint32_t len,
     uint32_t mtu)
{
    struct icmp_error e = {
        .kind = kind,
        .mtu = mtu,
        .src = {.addr.family = family, .port = 1},
        .dst = {.addr.family = family, .port = 2},
        .packet_len = len + (family == IP_V4 ? V4_HEADERS : V6_HEADERS),
        .seq = our_seq(seq),
    };

    return tcp_icmp(&s->c, s->now, &e);
}

static enum wgt_drop
too_big(struct script *s, uint32_t seq, uint32_t mtu)
{
    return icmp(s, ICMP_ERROR_TOO_BIG, IP_V4, seq, FULL, mtu);
}

static uint64_t
soft_errors(const struct script *s)
{
    struct tcp_info info;

    tcp_info(&s->c, &info);
    return info.soft_errors;
}

/* --- which segments count --- */

static void
rfc5927_4_1_only_segments_in_flight(void **state)
{
    /* Sequence numbers wrap inside the window: SCRIPT_ISS is -2000. */
    static const struct {
        uint32_t seq;
        bool in_flight;
    } cases[] = {
        {0, false},        {FULL, false},      {FULL + 1, true},
        {2000, true},      {3 * FULL, true},   {3 * FULL + 1, false},
        {1u << 31, false}, {0u - 5000, false}, {2 * FULL + 1, true},
    };
    struct script *s = script_established(false, true);

    (void)state;
    send_chunks(s, 3, FULL);
    assert_int_equal(count_output(s), 3);
    assert_int_equal(feed(s, TCP_ACK, 1, 1 + FULL, 0), WGT_OK);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t before = soft_errors(s);

        assert_int_equal(icmp(s, ICMP_ERROR_UNREACHABLE, IP_V4, cases[i].seq, FULL, 0),
                         cases[i].in_flight ? WGT_OK : WGT_DROP_ICMP_SEQUENCE);
        assert_int_equal(soft_errors(s) - before, cases[i].in_flight);
        assert_int_equal(too_big(s, cases[i].seq, 1400) == WGT_DROP_ICMP_SEQUENCE,
                         !cases[i].in_flight);
    }
    script_free(s);
}

static void
closed_connection_has_nothing_in_flight(void **state)
{
    struct script *s = script_established(false, true);

    (void)state;
    send_chunks(s, 1, FULL);
    expect(s, TCP_ACK, 1, 1, FULL);
    assert_int_equal(feed(s, TCP_RST, 1, 0, 0), WGT_OK);
    assert_int_equal(icmp(s, ICMP_ERROR_REFUSED, IP_V4, 1, FULL, 0), WGT_DROP_ICMP_SEQUENCE);
    assert_int_equal(tcp_end(&s->c), TCP_END_RESET);
    script_free(s);
}

/* --- hard and soft errors --- */

static void
rfc5927_5_2_hard_errors_are_soft_in_synchronised_states(void **state)
{
    static const enum icmp_error_kind kinds[] = {ICMP_ERROR_REFUSED, ICMP_ERROR_UNREACHABLE};
    struct script *s = script_new();
    struct tcp_segment syn = peer_segment(s, TCP_SYN, 0, 0, 0);

    (void)state;
    assert_int_equal(tcp_open_passive(&s->c, s->now, &s->options, &syn), WGT_OK);
    expect(s, TCP_SYN | TCP_ACK, 0, 1, 0);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(icmp(s, kinds[i], IP_V4, 0, 0, 0), WGT_OK);
    assert_int_equal(tcp_state(&s->c), TCP_SYN_RECEIVED);
    assert_int_equal(feed(s, TCP_ACK, 1, 1, 0), WGT_OK);
    send_chunks(s, 1, FULL);
    expect(s, TCP_ACK, 1, 1, FULL);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(icmp(s, kinds[i], IP_V4, 1, FULL, 0), WGT_OK);
    assert_int_equal(tcp_state(&s->c), TCP_ESTABLISHED);
    assert_int_equal(soft_errors(s), 4);
    expect_nothing(s);
    /* FIN-WAIT-1 */
    tcp_close(&s->c, s->now);
    expect(s, TCP_ACK | TCP_FIN, 1 + FULL, 1, 0);
    assert_int_equal(icmp(s, ICMP_ERROR_REFUSED, IP_V4, 1 + FULL, 0, 0), WGT_OK);
    assert_int_equal(tcp_state(&s->c), TCP_FIN_WAIT_1);
    script_free(s);
}

static void
rfc1122_4_2_3_9_refusal_of_a_syn_ends_the_attempt(void **state)
{
    struct script *s = script_new();

    (void)state;
    tcp_open_active(&s->c, s->now, &s->options);
    assert_int_equal(icmp(s, ICMP_ERROR_REFUSED, IP_V4, 0, 0, 0), WGT_DROP_ICMP_SEQUENCE);
    expect(s, TCP_SYN, 0, 0, 0);
    assert_int_equal(icmp(s, ICMP_ERROR_REFUSED, IP_V4, 1, 0, 0), WGT_DROP_ICMP_SEQUENCE);
    assert_int_equal(icmp(s, ICMP_ERROR_REFUSED, IP_V4, 0, 0, 0), WGT_OK);
    assert_int_equal(tcp_state(&s->c), TCP_CLOSED);
    assert_int_equal(tcp_end(&s->c), TCP_END_UNREACHABLE);
    expect_nothing(s);
    script_free(s);
}

static void
rfc1122_4_2_3_9_no_route_must_outlast_the_first_syn(void **state)
{
    struct script *s = script_new();

    (void)state;
    tcp_open_active(&s->c, s->now, &s->options);
    expect(s, TCP_SYN, 0, 0, 0);
    assert_int_equal(icmp(s, ICMP_ERROR_UNREACHABLE, IP_V6, 0, 0, 0), WGT_OK);
    assert_int_equal(tcp_state(&s->c), TCP_SYN_SENT);
    sleep_to_deadline(s);
    expect(s, TCP_SYN, 0, 0, 0);
    assert_int_equal(icmp(s, ICMP_ERROR_UNREACHABLE, IP_V6, 0, 0, 0), WGT_OK);
    assert_int_equal(tcp_end(&s->c), TCP_END_UNREACHABLE);
    script_free(s);
}

/* --- packet too big --- */

static void
mss_counts_timestamps(void **state)
{
    struct script *s = script_established(true, true);

    (void)state;
    assert_int_equal(tcp_mss(&s->c), FULL - 12);
    send_chunks(s, 1, FULL - 12);
    expect(s, TCP_ACK, 1, 1, FULL - 12);
    assert_int_equal(too_big(s, 1, 1400), WGT_OK);
    assert_int_equal(tcp_mss(&s->c), 1360 - 12);
    script_free(s);
}

static void
rfc5927_7_2_error_must_make_sense(void **state)
{
    static const struct {
        enum ip_family family;
        uint32_t len, mtu;
    } cases[] = {
        {IP_V4, FULL, FULL + V4_HEADERS}, /* as large as the segment */
        {IP_V4, FULL, 9000},              /* larger */
        {IP_V4, 1000, 1100},              /* the segment quoted was small */
        {IP_V6, FULL, 1279},              /* RFC 8201 4: below the least of IPv6 */
        {IP_V6, FULL, 0},
    };
    struct script *s = script_established(false, true);

    (void)state;
    send_chunks(s, 1, FULL);
    expect(s, TCP_ACK, 1, 1, FULL);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(
            icmp(s, ICMP_ERROR_TOO_BIG, cases[i].family, 1, cases[i].len, cases[i].mtu),
            WGT_DROP_ICMP_MTU);
        assert_int_equal(tcp_mss(&s->c), FULL);
    }
    expect_nothing(s);
    script_free(s);
}

/* RFC 791: a link of 68 bytes may exist, but who says so wants to harm us. */
static void
no_error_makes_segments_tiny(void **state)
{
    static const uint32_t mtus[] = {575, 68, 20, 0};

    (void)state;
    for (size_t i = 0; i < sizeof(mtus) / sizeof(mtus[0]); i++) {
        struct script *s = script_established(false, true);

        send_chunks(s, 1, FULL);
        expect(s, TCP_ACK, 1, 1, FULL);
        assert_int_equal(too_big(s, 1, mtus[i]), WGT_OK);
        assert_int_equal(tcp_mss(&s->c), 536);
        script_free(s);
    }
}

static void
rfc8201_4_least_mtu_of_ipv6_is_taken(void **state)
{
    struct script *s = script_established(false, true);

    (void)state;
    send_chunks(s, 1, FULL);
    expect(s, TCP_ACK, 1, 1, FULL);
    assert_int_equal(icmp(s, ICMP_ERROR_TOO_BIG, IP_V6, 1, FULL, 1280), WGT_OK);
    assert_int_equal(tcp_mss(&s->c), 1280 - V6_HEADERS);
    script_free(s);
}

static void
syn_is_never_too_big(void **state)
{
    struct script *s = script_new();

    (void)state;
    tcp_open_active(&s->c, s->now, &s->options);
    expect(s, TCP_SYN, 0, 0, 0);
    assert_int_equal(too_big(s, 0, 1400), WGT_DROP_ICMP_MTU);
    assert_int_equal(feed(s, TCP_SYN | TCP_ACK, 0, 1, 0), WGT_OK);
    assert_int_equal(tcp_mss(&s->c), FULL);
    script_free(s);
}

/* A full segment has passed; now somebody says it was too big. */
static struct script *
doubtful(void)
{
    struct script *s = script_established(false, true);

    send_chunks(s, 1, FULL);
    expect(s, TCP_ACK, 1, 1, FULL);
    sleep_for(s, 20 * WGT_MSEC);
    assert_int_equal(feed(s, TCP_ACK, 1, 1 + FULL, 0), WGT_OK);
    send_chunks(s, 1, FULL);
    expect(s, TCP_ACK, 1 + FULL, 1, FULL);
    assert_int_equal(too_big(s, 1 + FULL, 1400), WGT_OK);
    assert_int_equal(tcp_mss(&s->c), FULL);
    expect_nothing(s);
    return s;
}

static void
rfc5927_7_2_doubtful_error_is_forgotten_on_progress(void **state)
{
    struct script *s = doubtful();

    (void)state;
    assert_int_equal(feed(s, TCP_ACK, 1, 1 + 2 * FULL, 0), WGT_OK);
    send_chunks(s, 1, FULL);
    expect(s, TCP_ACK, 1 + 2 * FULL, 1, FULL);
    expect_nothing(s);
    for (int i = 0; i < 2; i++) {
        sleep_to_deadline(s);
        (void)count_output(s);
    }
    assert_int_equal(tcp_mss(&s->c), FULL);
    script_free(s);
}

static void
rfc5927_7_2_doubtful_error_is_believed_after_a_timeout(void **state)
{
    struct script *s = doubtful();

    (void)state;
    while (s->c.tx->rto_count == 0) {
        assert_int_equal(tcp_mss(&s->c), FULL);
        sleep_to_deadline(s);
        (void)count_output(s);
    }
    assert_int_equal(tcp_mss(&s->c), 1360);
    script_free(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc5927_4_1_only_segments_in_flight),
        cmocka_unit_test(closed_connection_has_nothing_in_flight),
        cmocka_unit_test(rfc5927_5_2_hard_errors_are_soft_in_synchronised_states),
        cmocka_unit_test(rfc1122_4_2_3_9_refusal_of_a_syn_ends_the_attempt),
        cmocka_unit_test(rfc1122_4_2_3_9_no_route_must_outlast_the_first_syn),
        cmocka_unit_test(mss_counts_timestamps),
        cmocka_unit_test(rfc5927_7_2_error_must_make_sense),
        cmocka_unit_test(no_error_makes_segments_tiny),
        cmocka_unit_test(rfc8201_4_least_mtu_of_ipv6_is_taken),
        cmocka_unit_test(syn_is_never_too_big),
        cmocka_unit_test(rfc5927_7_2_doubtful_error_is_forgotten_on_progress),
        cmocka_unit_test(rfc5927_7_2_doubtful_error_is_believed_after_a_timeout),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
