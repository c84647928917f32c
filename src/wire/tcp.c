/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/wire/tcp.h>

#include <wgtcpd/wire/checksum.h>

enum {
    OPTION_END = 0,
    OPTION_NOP = 1,
    OPTION_MSS = 2,
    OPTION_WSCALE = 3,
    OPTION_SACK_PERMITTED = 4,
    OPTION_SACK = 5,
    OPTION_TIMESTAMPS = 8,
};

enum {
    MSS_LEN = 4,
    WSCALE_LEN = 3,
    SACK_PERMITTED_LEN = 2,
    SACK_HEADER_LEN = 2,
    SACK_BLOCK_LEN = 8,
    TIMESTAMPS_LEN = 10,
};

enum { OPTIONS_MAX = TCP_HEADER_MAX - TCP_HEADER_LEN, WSCALE_MAX = 14 };

/* A SACK block list and timestamps are written behind two NOPs, to lie on 4-byte bounds. */
enum { NOP_PAIR_LEN = 2 };

static void
parse_sack(const uint8_t *option, uint8_t len, struct tcp_segment *seg)
{
    uint8_t n = (uint8_t)((len - SACK_HEADER_LEN) / SACK_BLOCK_LEN);

    if (n == 0 || n > TCP_SACK_MAX || len != SACK_HEADER_LEN + n * SACK_BLOCK_LEN)
        return;
    seg->n_sack = n;
    for (unsigned i = 0; i < n; i++) {
        const uint8_t *block = option + SACK_HEADER_LEN + i * SACK_BLOCK_LEN;

        seg->sack[i] = (struct tcp_sack_block){get_be32(block), get_be32(block + 4)};
    }
}

/* Options that are agreed on in SYN segments and mean nothing elsewhere. */
static void
parse_syn_option(const uint8_t *option, uint8_t len, struct tcp_segment *seg)
{
    if (option[0] == OPTION_MSS && len == MSS_LEN) {
        seg->has_mss = true;
        seg->mss = get_be16(option + 2);
    } else if (option[0] == OPTION_WSCALE && len == WSCALE_LEN) {
        seg->has_wscale = true;
        seg->wscale = option[2] < WSCALE_MAX ? option[2] : WSCALE_MAX;
    } else if (option[0] == OPTION_SACK_PERMITTED && len == SACK_PERMITTED_LEN) {
        seg->has_sack_permitted = true;
    }
}

static void
parse_option(const uint8_t *option, uint8_t len, struct tcp_segment *seg)
{
    if (option[0] == OPTION_TIMESTAMPS && len == TIMESTAMPS_LEN) {
        seg->has_ts = true;
        seg->ts_val = get_be32(option + 2);
        seg->ts_ecr = get_be32(option + 6);
    } else if (seg->flags & TCP_SYN) {
        parse_syn_option(option, len, seg);
    } else if (option[0] == OPTION_SACK) {
        parse_sack(option, len, seg);
    }
}

/* What nearly all segments have: timestamps behind two NOPs (RFC 7323 appendix A). */
static bool
parse_timestamps_alone(const uint8_t *options, size_t len, struct tcp_segment *seg)
{
    static const uint8_t head[] = {OPTION_NOP, OPTION_NOP, OPTION_TIMESTAMPS, TIMESTAMPS_LEN};

    if (len != NOP_PAIR_LEN + TIMESTAMPS_LEN || get_be32(options) != get_be32(head))
        return false;
    seg->has_ts = true;
    seg->ts_val = get_be32(options + 4);
    seg->ts_ecr = get_be32(options + 8);
    return true;
}

static void
parse_options(const uint8_t *options, size_t len, struct tcp_segment *seg)
{
    if (parse_timestamps_alone(options, len, seg))
        return;
    for (size_t at = 0; at < len && options[at] != OPTION_END;) {
        uint8_t option_len;

        if (options[at] == OPTION_NOP) {
            at++;
            continue;
        }
        if (len - at < 2)
            return;
        option_len = options[at + 1];
        if (option_len < 2 || option_len > len - at)
            return;
        parse_option(options + at, option_len, seg);
        at += option_len;
    }
}

enum wgt_drop
tcp_parse(const struct ip_header *ip, uint8_t *data, bool verify_checksum, struct tcp_segment *out)
{
    size_t header_len;

    if (ip->payload_len < TCP_HEADER_LEN)
        return WGT_DROP_TCP_SHORT;
    header_len = tcp_data_offset(data);
    if (header_len < TCP_HEADER_LEN || header_len > ip->payload_len)
        return WGT_DROP_TCP_DATA_OFFSET;
    if (verify_checksum &&
        checksum_transport(&ip->src, &ip->dst, IP_PROTO_TCP, data, ip->payload_len) != 0)
        return WGT_DROP_TCP_CHECKSUM;
    if (get_be16(data) == 0 || get_be16(data + 2) == 0)
        return WGT_DROP_TCP_PORT;

    tcp_segment_clear(out);
    out->src_port = get_be16(data);
    out->dst_port = get_be16(data + 2);
    out->seq = get_be32(data + 4);
    out->ack = get_be32(data + 8);
    out->flags = data[13];
    out->window = get_be16(data + 14);
    out->urgent = get_be16(data + 18);
    out->payload = (struct span){data + header_len, ip->payload_len - header_len};
    parse_options(data + TCP_HEADER_LEN, header_len - TCP_HEADER_LEN, out);
    return WGT_OK;
}

static size_t
timestamps_size(const struct tcp_segment *seg)
{
    return seg->has_ts ? NOP_PAIR_LEN + TIMESTAMPS_LEN : 0;
}

/* SACK permitted takes the place of the timestamps' NOPs if there are timestamps. */
static size_t
syn_options_size(const struct tcp_segment *seg)
{
    size_t size = timestamps_size(seg);

    if (seg->has_mss)
        size += MSS_LEN;
    if (seg->has_sack_permitted && !seg->has_ts)
        size += NOP_PAIR_LEN + SACK_PERMITTED_LEN;
    if (seg->has_wscale)
        size += 1 + WSCALE_LEN;
    return size;
}

/* Blocks that go out: those that fit beside the timestamps. */
static unsigned
sack_blocks_that_fit(const struct tcp_segment *seg)
{
    size_t room = OPTIONS_MAX - timestamps_size(seg) - NOP_PAIR_LEN - SACK_HEADER_LEN;
    unsigned fit = (unsigned)(room / SACK_BLOCK_LEN);

    _Static_assert((OPTIONS_MAX - NOP_PAIR_LEN - SACK_HEADER_LEN) / SACK_BLOCK_LEN == TCP_SACK_MAX,
                   "as many blocks fit as a segment can name");
    return seg->n_sack < fit ? seg->n_sack : fit;
}

static size_t
sack_size(unsigned blocks)
{
    return blocks == 0 ? 0 : NOP_PAIR_LEN + SACK_HEADER_LEN + (size_t)blocks * SACK_BLOCK_LEN;
}

size_t
tcp_header_len(const struct tcp_segment *seg)
{
    if (seg->flags & TCP_SYN)
        return TCP_HEADER_LEN + syn_options_size(seg);
    if (seg->n_sack == 0)
        return TCP_HEADER_LEN + timestamps_size(seg);
    return TCP_HEADER_LEN + timestamps_size(seg) + sack_size(sack_blocks_that_fit(seg));
}

static uint8_t *
write_kind(uint8_t *p, uint8_t kind, size_t len)
{
    p[0] = kind;
    p[1] = (uint8_t)len;
    return p + 2;
}

static uint8_t *
write_nop_pair(uint8_t *p)
{
    p[0] = p[1] = OPTION_NOP;
    return p + NOP_PAIR_LEN;
}

static inline uint8_t *
write_timestamps(uint8_t *p, const struct tcp_segment *seg)
{
    p = write_kind(p, OPTION_TIMESTAMPS, TIMESTAMPS_LEN);
    put_be32(p, seg->ts_val);
    put_be32(p + 4, seg->ts_ecr);
    return p + 8;
}

static void
write_syn_options(uint8_t *p, const struct tcp_segment *seg)
{
    if (seg->has_mss) {
        p = write_kind(p, OPTION_MSS, MSS_LEN);
        put_be16(p, seg->mss);
        p += 2;
    }
    if (seg->has_sack_permitted) {
        if (!seg->has_ts)
            p = write_nop_pair(p);
        p = write_kind(p, OPTION_SACK_PERMITTED, SACK_PERMITTED_LEN);
    } else if (seg->has_ts) {
        p = write_nop_pair(p);
    }
    if (seg->has_ts)
        p = write_timestamps(p, seg);
    if (seg->has_wscale) {
        *p++ = OPTION_NOP;
        p = write_kind(p, OPTION_WSCALE, WSCALE_LEN);
        *p = seg->wscale;
    }
}

static void
write_options(uint8_t *p, const struct tcp_segment *seg)
{
    unsigned blocks;

    if (seg->has_ts)
        p = write_timestamps(write_nop_pair(p), seg);
    if (seg->n_sack == 0)
        return;
    blocks = sack_blocks_that_fit(seg);
    p = write_kind(write_nop_pair(p), OPTION_SACK, sack_size(blocks) - NOP_PAIR_LEN);
    for (unsigned i = 0; i < blocks; i++, p += SACK_BLOCK_LEN) {
        put_be32(p, seg->sack[i].left);
        put_be32(p + 4, seg->sack[i].right);
    }
}

size_t
tcp_write(uint8_t *tcp, const struct ip_addr *src, const struct ip_addr *dst,
          const struct tcp_segment *seg, bool checksum_software)
{
    size_t header_len = tcp_header_len(seg);
    size_t len = header_len + seg->payload.len;

    put_be16(tcp, seg->src_port);
    put_be16(tcp + 2, seg->dst_port);
    put_be32(tcp + 4, seg->seq);
    put_be32(tcp + 8, seg->ack);
    tcp[12] = (uint8_t)(header_len / 4 << 4);
    tcp[13] = seg->flags;
    put_be16(tcp + 14, seg->window);
    put_be16(tcp + 16, 0);
    put_be16(tcp + 18, seg->urgent);
    if (seg->flags & TCP_SYN)
        write_syn_options(tcp + TCP_HEADER_LEN, seg);
    else
        write_options(tcp + TCP_HEADER_LEN, seg);

    if (checksum_software)
        put_be16(tcp + 16, checksum_transport(src, dst, IP_PROTO_TCP, tcp, len));
    else
        put_be16(tcp + 16, checksum_fold(checksum_pseudo(src, dst, IP_PROTO_TCP, (uint32_t)len)));
    return header_len;
}
