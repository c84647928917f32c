/* SPDX-License-Identifier: BSD-3-Clause */
/* TCP segments (RFC 9293 3.1, 3.2) with the options of RFC 7323 and RFC 2018. */
#ifndef WGTCPD_WIRE_TCP_H
#define WGTCPD_WIRE_TCP_H

#include <wgtcpd/wire/ip.h>

enum { TCP_HEADER_LEN = 20, TCP_HEADER_MAX = 60, TCP_SACK_MAX = 4 };
enum {
    TCP_FIN = 0x01,
    TCP_SYN = 0x02,
    TCP_RST = 0x04,
    TCP_PSH = 0x08,
    TCP_ACK = 0x10,
    TCP_URG = 0x20,
    TCP_ECE = 0x40,
    TCP_CWR = 0x80,
};

/* Of a header that is there up to that byte: 0 to 60 bytes, as it says (RFC 9293 3.1). */
static inline size_t
tcp_data_offset(const uint8_t *tcp)
{
    return (size_t)(tcp[12] >> 4) * 4;
}

struct tcp_sack_block {
    uint32_t left, right; /* right is exclusive */
};

/* A segment, parsed or to be written. What an option says is meaningful only with its has_ flag. */
struct tcp_segment {
    uint16_t src_port, dst_port;
    uint32_t seq, ack;
    uint8_t flags;
    uint16_t window; /* the field as on the wire, not scaled */
    uint16_t urgent;
    bool has_mss, has_wscale, has_sack_permitted, has_ts;
    uint8_t wscale; /* 0..14; larger values on the wire are read as 14 (RFC 7323 2.3) */
    uint16_t mss;
    uint32_t ts_val, ts_ecr;
    uint8_t n_sack;
    struct tcp_sack_block sack[TCP_SACK_MAX];
    struct span payload;
    bool ce; /* not of the header: the IP packet says "congestion experienced"; set by who knows */
};

/* As {0}, but that the SACK blocks, of which it has none, are not written to: for each packet. */
static inline void
tcp_segment_clear(struct tcp_segment *seg)
{
    memset(seg, 0, offsetof(struct tcp_segment, sack));
    seg->payload = (struct span){NULL, 0};
    seg->ce = false;
}

/*
 * `data` is ip->payload_len bytes after the IP header. Option list rules: length < 2 or beyond the
 * header stops the parse and keeps what was valid; a wrong length for a known kind ignores that
 * option; MSS, window scale and SACK-permitted count only with SYN, SACK blocks only without; an
 * unknown kind is skipped; of a repeated kind the last one counts. WGT_OK, TCP_SHORT,
 * TCP_DATA_OFFSET, TCP_CHECKSUM, TCP_PORT (port 0).
 */
enum wgt_drop tcp_parse(const struct ip_header *ip, uint8_t *data, bool verify_checksum,
                        struct tcp_segment *out);

/* Header bytes (20 + padded options) that tcp_write will produce for seg. At most 60: SACK blocks
 * that do not fit beside the other options are left out, last first. */
size_t tcp_header_len(const struct tcp_segment *seg);

/*
 * Writes header and options at tcp; seg->payload.len bytes must already lie right behind them
 * (seg->payload.data is not looked at). SYN options are laid out as Linux does (MSS, SACK
 * permitted, timestamps, NOP, window scale), others [NOP NOP TS] [NOP NOP SACK]. checksum_software
 * as for udp_write. Returns the header length.
 */
size_t tcp_write(uint8_t *tcp, const struct ip_addr *src, const struct ip_addr *dst,
                 const struct tcp_segment *seg, bool checksum_software);

/* Bytes of sequence space the segment takes: payload, plus one each for SYN and FIN. */
static inline uint32_t
tcp_segment_seq_len(const struct tcp_segment *seg)
{
    return (uint32_t)seg->payload.len + !!(seg->flags & TCP_SYN) + !!(seg->flags & TCP_FIN);
}

/* Sequence number arithmetic (RFC 9293 3.4), modulo 2^32. */
static inline bool
seq_lt(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) < 0;
}

static inline bool
seq_leq(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) <= 0;
}

#endif
