/* SPDX-License-Identifier: BSD-3-Clause */
/* TCP segments (RFC 9293 3.1), options (RFC 9293 3.2, RFC 7323, RFC 2018), sequence numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <wgtcpd/wire/checksum.h>
#include <wgtcpd/wire/tcp.h>

enum { SEGMENT_MAX = 1600 };

static const uint8_t src_v4[4] = {192, 0, 2, 1}, dst_v4[4] = {198, 51, 100, 7};
static const uint8_t src_v6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
static const uint8_t dst_v6[16] = {0x20, 0x01, 0x0d, 0xb8, 0xff, 0xff, [15] = 2};

static struct ip_header
header_of(enum ip_family family, size_t payload_len)
{
    struct ip_header ip = {.protocol = IP_PROTO_TCP, .payload_len = (uint32_t)payload_len};

    ip.src = family == IP_V4 ? ip_addr_v4(src_v4) : ip_addr_v6(src_v6);
    ip.dst = family == IP_V4 ? ip_addr_v4(dst_v4) : ip_addr_v6(dst_v6);
    return ip;
}

static uint8_t
hex_digit(char c)
{
    return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static size_t
from_hex(const char *hex, uint8_t *out)
{
    size_t len = strlen(hex) / 2;

    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(hex_digit(hex[2 * i]) << 4 | hex_digit(hex[2 * i + 1]));
    return len;
}

/* Parses an exact copy on the heap, so that a sanitizer sees a read past its end. The payload's
 * span is moved back into data. */
static enum wgt_drop
parse_exact(enum ip_family family, uint8_t *data, size_t len, bool verify, struct tcp_segment *out)
{
    struct ip_header ip = header_of(family, len);
    uint8_t *copy = malloc(len + (len == 0));
    enum wgt_drop drop;

    assert_non_null(copy);
    memcpy(copy, data, len);
    drop = tcp_parse(&ip, copy, verify, out);
    if (drop == WGT_OK)
        out->payload.data = data + (out->payload.data - copy);
    free(copy);
    return drop;
}

/* A segment with these option bytes, parsed without its checksum. Zeros (end of list) fill the last
 * word. */
static struct tcp_segment
with_options(uint8_t flags, const char *hex)
{
    uint8_t data[TCP_HEADER_MAX] = {0x01, 0xbb, 0xca, 0x6c, [13] = flags};
    size_t len = from_hex(hex, data + TCP_HEADER_LEN);
    struct tcp_segment seg;

    len = (len + 3) / 4 * 4;
    assert_true(len <= 40);
    data[12] = (uint8_t)((TCP_HEADER_LEN + len) / 4 << 4);
    assert_int_equal(parse_exact(IP_V4, data, TCP_HEADER_LEN + len, false, &seg), WGT_OK);
    return seg;
}

static void
assert_no_options(const struct tcp_segment *seg)
{
    assert_false(seg->has_mss || seg->has_wscale || seg->has_sack_permitted || seg->has_ts);
    assert_int_equal(seg->n_sack, 0);
}

struct checksum_vector {
    enum ip_family family;
    const char *hex; /* without the payload of `pattern` bytes 0, 1, .. 250, 0, 1, .. */
    size_t pattern;
};

static const struct checksum_vector checksum_vectors[] = {
    {IP_V4, "01bbca6c010203040506070850100200e55c0000", 0},
    {IP_V4, "01bbca6c0102030405060708a00202002abc0000020405b40402080a608df23b000000000103030a", 0},
    {IP_V4, "01bbca6c01020304050607085018020020ef0000616263", 0},
    {IP_V4,
     "01bbca6c0102030405060708d0100200c1d500000101080a608e117d0000138801010512000f43d0000f4434"
     "000f4308000f436c",
     0},
    {IP_V4, "01bbca6c0102030405060708501802003b130000", 1460},
    {IP_V6, "01bbca6c01020304050607085010020076240000", 0},
    {IP_V6, "01bbca6c0102030405060708a0020200bb830000020405b40402080a608df23b000000000103030a", 0},
    {IP_V6, "01bbca6c010203040506070850180200b1b60000616263", 0},
    {IP_V6,
     "01bbca6c0102030405060708d0100200529d00000101080a608e117d0000138801010512000f43d0000f4434"
     "000f4308000f436c",
     0},
    {IP_V6, "01bbca6c010203040506070850180200cbda0000", 1460},
    {IP_V4, "01bbca6c000000000000000050100000fffd0000f770", 0},
};
enum { CHECKSUM_VECTORS = sizeof(checksum_vectors) / sizeof(checksum_vectors[0]) };

static size_t
load_vector(const struct checksum_vector *v, uint8_t *data)
{
    size_t len = from_hex(v->hex, data);

    for (size_t i = 0; i < v->pattern; i++)
        data[len + i] = (uint8_t)(i % 251);
    return len + v->pattern;
}

static void
rfc9293_3_1_checksum_is_verified(void **state)
{
    (void)state;
    for (size_t i = 0; i < CHECKSUM_VECTORS; i++) {
        const struct checksum_vector *v = &checksum_vectors[i];
        uint8_t data[SEGMENT_MAX];
        size_t len = load_vector(v, data);
        struct tcp_segment seg;

        assert_int_equal(parse_exact(v->family, data, len, true, &seg), WGT_OK);
        for (size_t at = 0; at < len; at++) {
            data[at] ^= 0x08;
            if (at != 12) /* the data offset has a check of its own */
                assert_int_equal(parse_exact(v->family, data, len, true, &seg),
                                 WGT_DROP_TCP_CHECKSUM);
            data[at] ^= 0x08;
        }
    }
}

/* Parse and write again: the layout is the one that these vectors have. */
static void
rfc9293_3_1_checksum_is_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < CHECKSUM_VECTORS; i++) {
        const struct checksum_vector *v = &checksum_vectors[i];
        uint8_t data[SEGMENT_MAX], out[SEGMENT_MAX];
        size_t len = load_vector(v, data), header_len;
        struct ip_header ip = header_of(v->family, len);
        struct tcp_segment seg;

        assert_int_equal(tcp_parse(&ip, data, true, &seg), WGT_OK);
        header_len = tcp_header_len(&seg);
        assert_int_equal(header_len + seg.payload.len, len);
        memset(out, 0xee, sizeof(out));
        memcpy(out + header_len, seg.payload.data, seg.payload.len);
        assert_int_equal(tcp_write(out, &ip.src, &ip.dst, &seg, true), header_len);
        assert_memory_equal(out, data, len);
    }
}

/* RFC 9293 3.1 knows no "none" as UDP does: a computed zero stays zero. */
static void
rfc9293_3_1_checksum_zero_is_sent_as_zero(void **state)
{
    uint8_t data[TCP_HEADER_LEN + 2] = {0};
    struct ip_header ip = header_of(IP_V4, sizeof(data));
    struct tcp_segment seg = {.src_port = 1, .dst_port = 2, .flags = TCP_ACK, .payload.len = 2};

    (void)state;
    tcp_write(data, &ip.src, &ip.dst, &seg, true);
    memcpy(data + TCP_HEADER_LEN, data + 16, 2);
    tcp_write(data, &ip.src, &ip.dst, &seg, true);
    assert_int_equal(get_be16(data + 16), 0);
    assert_int_equal(tcp_parse(&ip, data, true, &seg), WGT_OK);
}

static void
hardware_gets_the_pseudo_header_sum(void **state)
{
    (void)state;
    for (size_t i = 0; i < CHECKSUM_VECTORS; i++) {
        const struct checksum_vector *v = &checksum_vectors[i];
        uint8_t data[SEGMENT_MAX], out[SEGMENT_MAX];
        size_t len = load_vector(v, data);
        struct ip_header ip = header_of(v->family, len);
        struct tcp_segment seg;

        assert_int_equal(tcp_parse(&ip, data, true, &seg), WGT_OK);
        memcpy(out, data, len);
        tcp_write(out, &ip.src, &ip.dst, &seg, false);
        assert_int_equal(get_be16(out + 16), checksum_fold(checksum_pseudo(
                                                 &ip.src, &ip.dst, IP_PROTO_TCP, (uint32_t)len)));
        /* What the hardware does: the sum over all the bytes, the field as it stands. */
        put_be16(out + 16, checksum_finish(checksum_add(0, out, len)));
        assert_memory_equal(out, data, len);
    }
}

static void
rfc9293_3_1_header_fields(void **state)
{
    uint8_t data[] = {0x01, 0xbb, 0xca, 0x6c, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07,
                      0x08, 0x50, 0xff, 0xab, 0xcd, 0,    0,    0x12, 0x34, 'h',  'i'};
    struct tcp_segment seg;

    (void)state;
    assert_int_equal(parse_exact(IP_V4, data, sizeof(data), false, &seg), WGT_OK);
    assert_int_equal(seg.src_port, 443);
    assert_int_equal(seg.dst_port, 51820);
    assert_int_equal(seg.seq, 0x01020304);
    assert_int_equal(seg.ack, 0x05060708);
    assert_int_equal(seg.flags,
                     TCP_FIN | TCP_SYN | TCP_RST | TCP_PSH | TCP_ACK | TCP_URG | TCP_ECE | TCP_CWR);
    assert_int_equal(seg.window, 0xabcd);
    assert_int_equal(seg.urgent, 0x1234);
    assert_int_equal(seg.payload.len, 2);
    assert_ptr_equal(seg.payload.data, data + 20);
    assert_no_options(&seg);
}

static void
rfc9293_3_1_reserved_bits_are_ignored(void **state)
{
    uint8_t data[TCP_HEADER_LEN] = {1, 1, 2, 2, [12] = 0x5f, [13] = TCP_ACK};
    struct tcp_segment seg;

    (void)state;
    assert_int_equal(parse_exact(IP_V4, data, sizeof(data), false, &seg), WGT_OK);
    assert_int_equal(seg.flags, TCP_ACK);
    assert_int_equal(seg.payload.len, 0);
}

static void
segment_shorter_than_20_bytes(void **state)
{
    uint8_t data[TCP_HEADER_LEN] = {1, 1, 2, 2, [12] = 0x50};
    struct tcp_segment seg;

    (void)state;
    for (size_t len = 0; len < TCP_HEADER_LEN; len++)
        assert_int_equal(parse_exact(IP_V4, data, len, true, &seg), WGT_DROP_TCP_SHORT);
}

static void
rfc9293_3_1_data_offset_below_five_words(void **state)
{
    uint8_t data[TCP_HEADER_MAX] = {1, 1, 2, 2};
    struct tcp_segment seg;

    (void)state;
    for (unsigned words = 0; words < 16; words++) {
        data[12] = (uint8_t)(words << 4);
        assert_int_equal(parse_exact(IP_V4, data, sizeof(data), false, &seg),
                         words < 5 ? WGT_DROP_TCP_DATA_OFFSET : WGT_OK);
    }
}

static void
rfc9293_3_1_data_offset_beyond_the_segment(void **state)
{
    uint8_t data[TCP_HEADER_MAX] = {1, 1, 2, 2};
    struct tcp_segment seg;

    (void)state;
    for (unsigned words = 5; words < 16; words++)
        for (size_t len = TCP_HEADER_LEN; len <= sizeof(data); len++) {
            data[12] = (uint8_t)(words << 4);
            assert_int_equal(parse_exact(IP_V4, data, len, false, &seg),
                             len < words * 4 ? WGT_DROP_TCP_DATA_OFFSET : WGT_OK);
        }
}

static void
port_zero_is_refused(void **state)
{
    uint8_t data[TCP_HEADER_LEN] = {0, 0, 2, 2, [12] = 0x50};
    struct tcp_segment seg;

    (void)state;
    assert_int_equal(parse_exact(IP_V4, data, sizeof(data), false, &seg), WGT_DROP_TCP_PORT);
    put_be16(data, 1);
    put_be16(data + 2, 0);
    assert_int_equal(parse_exact(IP_V4, data, sizeof(data), false, &seg), WGT_DROP_TCP_PORT);
    put_be16(data + 2, 0x0100);
    assert_int_equal(parse_exact(IP_V4, data, sizeof(data), false, &seg), WGT_OK);
}

static void
drop_leaves_the_result_alone(void **state)
{
    uint8_t data[TCP_HEADER_LEN] = {0, 1, 0, 1, [12] = 0x60};
    struct tcp_segment seg, before;

    (void)state;
    memset(&seg, 0x5a, sizeof(seg));
    before = seg;
    assert_int_equal(parse_exact(IP_V4, data, sizeof(data), true, &seg), WGT_DROP_TCP_DATA_OFFSET);
    data[12] = 0x50;
    assert_int_equal(parse_exact(IP_V4, data, sizeof(data), true, &seg), WGT_DROP_TCP_CHECKSUM);
    assert_memory_equal(&seg, &before, sizeof(seg));
}

static void
rfc9293_3_7_1_mss(void **state)
{
    struct tcp_segment seg = with_options(TCP_SYN, "020405b4");

    (void)state;
    assert_true(seg.has_mss);
    assert_int_equal(seg.mss, 1460);
    seg = with_options(TCP_SYN | TCP_ACK, "02040000");
    assert_true(seg.has_mss);
    assert_int_equal(seg.mss, 0);
}

static void
rfc7323_2_2_window_scale(void **state)
{
    struct tcp_segment seg = with_options(TCP_SYN, "01030300");

    (void)state;
    assert_true(seg.has_wscale);
    assert_int_equal(seg.wscale, 0);
    seg = with_options(TCP_SYN, "0103030e");
    assert_int_equal(seg.wscale, 14);
}

static void
rfc7323_2_3_window_scale_above_14_is_14(void **state)
{
    struct tcp_segment seg = with_options(TCP_SYN, "0103030f");

    (void)state;
    assert_true(seg.has_wscale);
    assert_int_equal(seg.wscale, 14);
    seg = with_options(TCP_SYN, "010303ff");
    assert_int_equal(seg.wscale, 14);
}

static void
rfc2018_2_sack_permitted(void **state)
{
    struct tcp_segment seg = with_options(TCP_SYN, "01010402");

    (void)state;
    assert_true(seg.has_sack_permitted);
}

static void
rfc7323_3_2_timestamps(void **state)
{
    struct tcp_segment seg = with_options(TCP_ACK, "0101080a608e117d00001388");

    (void)state;
    assert_true(seg.has_ts);
    assert_int_equal(seg.ts_val, 0x608e117d);
    assert_int_equal(seg.ts_ecr, 0x00001388);
    seg = with_options(TCP_SYN, "0101080a0000000100000000");
    assert_true(seg.has_ts);
}

static void
linux_syn_options(void **state)
{
    struct tcp_segment seg = with_options(TCP_SYN, "020405b40402080a00000001000000000103030a");

    (void)state;
    assert_true(seg.has_mss && seg.has_sack_permitted && seg.has_ts && seg.has_wscale);
    assert_int_equal(seg.mss, 1460);
    assert_int_equal(seg.ts_val, 1);
    assert_int_equal(seg.ts_ecr, 0);
    assert_int_equal(seg.wscale, 10);
}

static void
rfc2018_3_sack_blocks(void **state)
{
    static const char *const options[] = {
        "0101050a0000000100000002",
        "010105120000000100000002fffffff000000004",
        "0101051a0000000100000002fffffff0000000040000000500000006",
        "010105220000000100000002fffffff00000000400000005000000060000000700000008",
    };

    (void)state;
    for (unsigned n = 1; n <= 4; n++) {
        struct tcp_segment seg = with_options(TCP_ACK, options[n - 1]);

        assert_int_equal(seg.n_sack, n);
        assert_int_equal(seg.sack[0].left, 1);
        assert_int_equal(seg.sack[0].right, 2);
        if (n > 1) {
            assert_int_equal(seg.sack[1].left, 0xfffffff0);
            assert_int_equal(seg.sack[1].right, 4);
        }
        if (n > 3) {
            assert_int_equal(seg.sack[3].left, 7);
            assert_int_equal(seg.sack[3].right, 8);
        }
    }
}

static void
rfc2018_3_sack_of_a_wrong_length_is_ignored(void **state)
{
    static const char *const options[] = {
        "0502080a0000000100000002", /* no block */
        "050600000001080a0000000100000002",
        "050900000001000000080a0000000100000002",
        "050b000000010000000200080a0000000100000002",
        "0511000000010000000200000003000000080a0000000100000002",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        struct tcp_segment seg = with_options(TCP_ACK, options[i]);

        assert_int_equal(seg.n_sack, 0);
        assert_true(seg.has_ts); /* the list goes on behind it */
    }
}

static void
options_of_syn_segments_count_only_there(void **state)
{
    struct tcp_segment seg = with_options(TCP_ACK, "020405b40402080a00000001000000000103030a");

    (void)state;
    assert_false(seg.has_mss || seg.has_sack_permitted || seg.has_wscale);
    assert_true(seg.has_ts);
    seg = with_options(TCP_SYN, "0101050a0000000100000002");
    assert_int_equal(seg.n_sack, 0);
}

static void
rfc9293_3_2_end_of_list_ends_it(void **state)
{
    struct tcp_segment seg = with_options(TCP_SYN, "00ffffff020405b4");

    (void)state;
    assert_no_options(&seg);
    seg = with_options(TCP_SYN, "0402000002040101");
    assert_true(seg.has_sack_permitted);
    assert_false(seg.has_mss);
}

static void
rfc9293_3_2_nops_are_skipped(void **state)
{
    struct tcp_segment seg = with_options(TCP_SYN, "01010101");

    (void)state;
    assert_no_options(&seg);
    seg = with_options(TCP_SYN, "01010101020405b401010101");
    assert_int_equal(seg.mss, 1460);
}

static void
option_length_below_2_stops_the_parse(void **state)
{
    struct tcp_segment seg = with_options(TCP_SYN, "0200000002040111");

    (void)state;
    assert_no_options(&seg);
    seg = with_options(TCP_SYN, "0201000002040111");
    assert_no_options(&seg);
    seg = with_options(TCP_SYN, "020405b4fd00010204021111");
    assert_int_equal(seg.mss, 1460); /* what was valid stays */
    assert_false(seg.has_sack_permitted);
    seg = with_options(TCP_SYN, "fd01010204021111");
    assert_no_options(&seg);
}

static void
option_length_beyond_the_header_stops_the_parse(void **state)
{
    struct tcp_segment seg = with_options(TCP_SYN, "02200000");

    (void)state;
    assert_no_options(&seg);
    seg = with_options(TCP_SYN, "080a0000");
    assert_no_options(&seg);
    seg = with_options(TCP_SYN, "020405b4010205b4");
    assert_int_equal(seg.mss, 1460);
    seg = with_options(TCP_ACK, "0101050a00000001");
    assert_no_options(&seg);
    seg = with_options(TCP_SYN, "04020103");
    assert_true(seg.has_sack_permitted);
    assert_false(seg.has_wscale);
    seg = with_options(TCP_SYN, "01010102"); /* a kind, and no room for its length */
    assert_no_options(&seg);
    seg = with_options(TCP_SYN, "010102ff");
    assert_no_options(&seg);
}

static void
known_kind_of_a_wrong_length_is_ignored(void **state)
{
    static const char *const options[] = {
        "02020402", /* MSS */
        "0203050402",
        "02050102030402",
        "03020402", /* window scale */
        "030407070402",
        "0809000000000000010402", /* timestamps */
        "080b0000000000000000010402",
    };
    struct tcp_segment seg;

    (void)state;
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        seg = with_options(TCP_SYN, options[i]);
        assert_false(seg.has_mss || seg.has_wscale || seg.has_ts);
        assert_true(seg.has_sack_permitted); /* the list goes on behind it */
    }
    seg = with_options(TCP_SYN, "0403ff020405b4");
    assert_false(seg.has_sack_permitted);
    assert_int_equal(seg.mss, 1460);
}

static void
unknown_kinds_are_skipped(void **state)
{
    struct tcp_segment seg = with_options(TCP_SYN, "fe040000020405b4");

    (void)state;
    assert_int_equal(seg.mss, 1460);
    seg = with_options(TCP_SYN, "1e0c01010102030405060708020405b4"); /* MP_CAPABLE */
    assert_int_equal(seg.mss, 1460);
    seg = with_options(TCP_SYN, "22120102030405060708090a0b0c0d0e0f100402"); /* Fast Open */
    assert_true(seg.has_sack_permitted);
    seg = with_options(TCP_SYN, "45020402");
    assert_true(seg.has_sack_permitted);
}

static void
last_of_a_repeated_kind_counts(void **state)
{
    struct tcp_segment seg = with_options(TCP_SYN, "020405b402040218");

    (void)state;
    assert_int_equal(seg.mss, 536);
}

static const char linux_syn[] = "4500003c51bd4000400664fbc0000201c0000202817401bb30cb167900000000"
                                "a002faf0abcb0000020405b40402080a608df23b000000000103030a";
static const char linux_ack[] = "4500003451c44000400664fcc0000201c0000202817401bb30cb167a000f4240"
                                "8010003f602400000101080a608e117c00001388";
static const char linux_syn_ack[] =
    "4500003c000040004006b6b8c0000201c000020200521e62adde978d00001093"
    "a012fe8850ca0000020405b40402080aabc953cc0000004d0103030a";

/* Parses a whole packet, writes it anew and compares; gives the segment for a closer look. */
static struct tcp_segment
round_trip(const char *hex)
{
    uint8_t packet[128], out[128];
    size_t len = from_hex(hex, packet), ip_len, tcp_len;
    struct tcp_segment seg;
    struct ip_header ip;

    assert_int_equal(ip_parse(packet, len, true, &ip), WGT_OK);
    assert_int_equal(ip.protocol, IP_PROTO_TCP);
    assert_int_equal(tcp_parse(&ip, packet + ip.header_len, true, &seg), WGT_OK);
    assert_int_equal(seg.payload.len, 0);
    memset(out, 0xee, sizeof(out));
    ip_len = ip_write(out, &ip);
    tcp_len = tcp_write(out + ip_len, &ip.src, &ip.dst, &seg, true);
    assert_int_equal(ip_len + tcp_len, len);
    assert_memory_equal(out, packet, len);
    return seg;
}

static void
linux_syn_round_trip(void **state)
{
    struct tcp_segment seg = round_trip(linux_syn);

    (void)state;
    assert_int_equal(seg.flags, TCP_SYN);
    assert_int_equal(seg.seq, 0x30cb1679);
    assert_int_equal(seg.window, 64240);
    assert_int_equal(seg.mss, 1460);
    assert_int_equal(seg.wscale, 10);
    assert_true(seg.has_sack_permitted && seg.has_ts);
    assert_int_equal(tcp_segment_seq_len(&seg), 1);
}

static void
linux_syn_ack_round_trip(void **state)
{
    struct tcp_segment seg = round_trip(linux_syn_ack);

    (void)state;
    assert_int_equal(seg.flags, TCP_SYN | TCP_ACK);
    assert_int_equal(seg.ack, 0x1093);
    assert_int_equal(seg.ts_ecr, 0x4d);
}

static void
linux_ack_round_trip(void **state)
{
    struct tcp_segment seg = round_trip(linux_ack);

    (void)state;
    assert_int_equal(seg.flags, TCP_ACK);
    assert_true(seg.has_ts);
    assert_int_equal(tcp_segment_seq_len(&seg), 0);
}

/* The option bytes that tcp_write makes of seg must be these. */
static void
assert_options(const struct tcp_segment *seg, const char *hex)
{
    struct ip_header ip = header_of(IP_V4, 0);
    uint8_t out[TCP_HEADER_MAX + 4], expect[TCP_HEADER_MAX];
    size_t len = from_hex(hex, expect);

    memset(out, 0xee, sizeof(out));
    assert_int_equal(tcp_header_len(seg), TCP_HEADER_LEN + len);
    assert_int_equal(tcp_write(out, &ip.src, &ip.dst, seg, true), TCP_HEADER_LEN + len);
    assert_int_equal(out[12], (TCP_HEADER_LEN + len) / 4 << 4);
    assert_memory_equal(out + TCP_HEADER_LEN, expect, len);
    assert_int_equal(out[TCP_HEADER_LEN + len], 0xee);
}

static void
syn_options_are_laid_out_as_linux_does(void **state)
{
    static const char *const layouts[16] = {
        "",
        "020405b4",
        "01030307",
        "020405b401030307",
        "01010402",
        "020405b401010402",
        "0101040201030307",
        "020405b40101040201030307",
        "0101080a0102030405060708",
        "020405b40101080a0102030405060708",
        "0101080a010203040506070801030307",
        "020405b40101080a010203040506070801030307",
        "0402080a0102030405060708",
        "020405b40402080a0102030405060708",
        "0402080a010203040506070801030307",
        "020405b40402080a010203040506070801030307",
    };

    (void)state;
    for (unsigned i = 0; i < 16; i++) {
        struct tcp_segment seg = {.flags = TCP_SYN,
                                  .has_mss = i & 1,
                                  .has_wscale = i & 2,
                                  .has_sack_permitted = i & 4,
                                  .has_ts = i & 8,
                                  .mss = 1460,
                                  .wscale = 7,
                                  .ts_val = 0x01020304,
                                  .ts_ecr = 0x05060708,
                                  .n_sack = 2}; /* not in a SYN */

        assert_options(&seg, layouts[i]);
    }
}

static struct tcp_segment
sack_segment(bool has_ts, uint8_t n_sack)
{
    struct tcp_segment seg = {.flags = TCP_ACK,
                              .has_ts = has_ts,
                              .ts_val = 1,
                              .ts_ecr = 2,
                              .has_mss = true, /* not outside a SYN */
                              .has_wscale = true,
                              .has_sack_permitted = true,
                              .n_sack = n_sack};

    for (uint32_t i = 0; i < TCP_SACK_MAX; i++)
        seg.sack[i] = (struct tcp_sack_block){0x10 + i, 0x20 + i};
    return seg;
}

static void
rfc2018_3_sack_blocks_are_written(void **state)
{
    struct tcp_segment seg = sack_segment(false, 0);

    (void)state;
    assert_options(&seg, "");
    seg = sack_segment(false, 1);
    assert_options(&seg, "0101050a0000001000000020");
    seg = sack_segment(false, 4);
    assert_options(&seg,
                   "010105220000001000000020000000110000002100000012000000220000001300000023");
    seg = sack_segment(true, 0);
    assert_options(&seg, "0101080a0000000100000002");
    seg = sack_segment(true, 2);
    assert_options(&seg, "0101080a00000001000000020101051200000010000000200000001100000021");
}

static void
rfc2018_3_fourth_block_gives_way_to_timestamps(void **state)
{
    static const char three[] =
        "0101080a00000001000000020101051a000000100000002000000011000000210000001200000022";
    struct tcp_segment seg = sack_segment(true, 3);

    (void)state;
    assert_int_equal(tcp_header_len(&seg), TCP_HEADER_MAX);
    assert_options(&seg, three);
    seg = sack_segment(true, 4);
    assert_options(&seg, three);
}

static void
rfc9293_3_4_segment_length_counts_syn_and_fin(void **state)
{
    struct tcp_segment seg = {.flags = TCP_ACK, .payload.len = 10};

    (void)state;
    assert_int_equal(tcp_segment_seq_len(&seg), 10);
    seg.flags = TCP_SYN;
    assert_int_equal(tcp_segment_seq_len(&seg), 11);
    seg.flags = TCP_FIN | TCP_ACK;
    assert_int_equal(tcp_segment_seq_len(&seg), 11);
    seg.flags = TCP_SYN | TCP_FIN;
    seg.payload.len = 0;
    assert_int_equal(tcp_segment_seq_len(&seg), 2);
}

static void
rfc9293_3_4_sequence_numbers_wrap(void **state)
{
    static const struct {
        uint32_t a, b;
        bool lt;
    } cases[] = {
        {0, 1, true},
        {1, 0, false},
        {0xffffffff, 0, true},
        {0, 0xffffffff, false},
        {0x7fffffff, 0x80000000, true},
        {5, 5, false},
        {0xfffffff0, 0x10, true},
        {0x10, 0xfffffff0, false},
        {0, 0x7fffffff, true},
        {0x7fffffff, 0, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(seq_lt(cases[i].a, cases[i].b), cases[i].lt);
        assert_int_equal(seq_leq(cases[i].a, cases[i].b), cases[i].lt || cases[i].a == cases[i].b);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc9293_3_1_checksum_is_verified),
        cmocka_unit_test(rfc9293_3_1_checksum_is_written),
        cmocka_unit_test(rfc9293_3_1_checksum_zero_is_sent_as_zero),
        cmocka_unit_test(hardware_gets_the_pseudo_header_sum),
        cmocka_unit_test(rfc9293_3_1_header_fields),
        cmocka_unit_test(rfc9293_3_1_reserved_bits_are_ignored),
        cmocka_unit_test(segment_shorter_than_20_bytes),
        cmocka_unit_test(rfc9293_3_1_data_offset_below_five_words),
        cmocka_unit_test(rfc9293_3_1_data_offset_beyond_the_segment),
        cmocka_unit_test(port_zero_is_refused),
        cmocka_unit_test(drop_leaves_the_result_alone),
        cmocka_unit_test(rfc9293_3_7_1_mss),
        cmocka_unit_test(rfc7323_2_2_window_scale),
        cmocka_unit_test(rfc7323_2_3_window_scale_above_14_is_14),
        cmocka_unit_test(rfc2018_2_sack_permitted),
        cmocka_unit_test(rfc7323_3_2_timestamps),
        cmocka_unit_test(linux_syn_options),
        cmocka_unit_test(rfc2018_3_sack_blocks),
        cmocka_unit_test(rfc2018_3_sack_of_a_wrong_length_is_ignored),
        cmocka_unit_test(options_of_syn_segments_count_only_there),
        cmocka_unit_test(rfc9293_3_2_end_of_list_ends_it),
        cmocka_unit_test(rfc9293_3_2_nops_are_skipped),
        cmocka_unit_test(option_length_below_2_stops_the_parse),
        cmocka_unit_test(option_length_beyond_the_header_stops_the_parse),
        cmocka_unit_test(known_kind_of_a_wrong_length_is_ignored),
        cmocka_unit_test(unknown_kinds_are_skipped),
        cmocka_unit_test(last_of_a_repeated_kind_counts),
        cmocka_unit_test(linux_syn_round_trip),
        cmocka_unit_test(linux_syn_ack_round_trip),
        cmocka_unit_test(linux_ack_round_trip),
        cmocka_unit_test(syn_options_are_laid_out_as_linux_does),
        cmocka_unit_test(rfc2018_3_sack_blocks_are_written),
        cmocka_unit_test(rfc2018_3_fourth_block_gives_way_to_timestamps),
        cmocka_unit_test(rfc9293_3_4_segment_length_counts_syn_and_fin),
        cmocka_unit_test(rfc9293_3_4_sequence_numbers_wrap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
