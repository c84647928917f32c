/* SPDX-License-Identifier: BSD-3-Clause */
/* IPv4 (RFC 791) and IPv6 (RFC 8200) headers as one validated struct. */
#ifndef WGTCPD_WIRE_IP_H
#define WGTCPD_WIRE_IP_H

#include <wgtcpd/base/addr.h>
#include <wgtcpd/base/drop.h>
#include <wgtcpd/wire/checksum.h>

enum { IPV4_HEADER_LEN = 20, IPV6_HEADER_LEN = 40, IP_HEADER_MAX = 40 };
enum { IP_PROTO_ICMP = 1, IP_PROTO_TCP = 6, IP_PROTO_UDP = 17, IP_PROTO_ICMPV6 = 58 };
enum { IP_ECN_NOT_ECT = 0, IP_ECN_ECT1 = 1, IP_ECN_ECT0 = 2, IP_ECN_CE = 3 };

struct ip_header {
    struct ip_addr src, dst;
    uint8_t protocol;      /* upper-layer protocol (IPv6: after the extension headers walked) */
    uint8_t ttl;           /* hop limit */
    uint8_t traffic_class; /* DSCP << 2 | ECN */
    bool dont_fragment;    /* IPv4 DF; true for IPv6 */
    uint16_t id;           /* IPv4 only */
    uint16_t header_len;   /* offset of the upper-layer header */
    uint32_t payload_len;  /* upper-layer bytes; header_len + payload_len <= packet length */
};

/*
 * Validates version, lengths and (IPv4, when verify_checksum) the header checksum. Trailing bytes
 * beyond the IP length (Ethernet padding) are allowed. Fragments give IP_FRAGMENT. IPv6: payload
 * length 0 (jumbogram) is IP_TOTAL_LENGTH; up to 8 hop-by-hop (only first) and destination options
 * headers are walked; any other extension header, one that is cut and an option that RFC 8200 4.2
 * forbids to skip give IP_EXTENSION. IPv4 options are skipped. Source addresses no host may use
 * (IPv4 multicast/broadcast 224.0.0.0/3, IPv6 multicast) give IP_SOURCE. `out` is written only on
 * WGT_OK.
 */
enum wgt_drop ip_parse(const uint8_t *packet, size_t len, bool verify_checksum,
                       struct ip_header *out);

/* Of the word that has the fragment offset (RFC 791 3.1): a flag, and what only fragments set. */
enum { IPV4_DONT_FRAGMENT = 0x4000, IPV4_FRAGMENT_BITS = 0x3fff };

/* As the header says: 0 to 60 bytes. */
static inline size_t
ipv4_header_len(const uint8_t *packet)
{
    return (size_t)(packet[0] & 0x0f) * 4;
}

/* Of a packet that was parsed before: IPv4, or else IPv6. */
static inline bool
ip_is_v4(const uint8_t *packet)
{
    return packet[0] >> 4 == 4;
}

/*
 * A packet that may be like the one before, whose header is *h. Whether ip_parse would accept it,
 * and find the same addresses and protocol behind a plain header (no options, no extension
 * headers): then *h is what it would say. If not, *h stays as it is, and ip_parse is to tell.
 */
static inline bool
ip_parse_again(const uint8_t *packet, size_t len, bool verify_checksum, struct ip_header *h)
{
    bool v4 = h->dst.family == IP_V4;
    size_t header_len = v4 ? IPV4_HEADER_LEN : IPV6_HEADER_LEN, end;

    if (len < header_len || h->header_len != header_len)
        return false;
    if (v4) {
        if (memcmp(packet + 12, h->src.bytes, 4) != 0 ||
            memcmp(packet + 16, h->dst.bytes, 4) != 0 || packet[0] != 0x45 ||
            packet[9] != h->protocol || (get_be16(packet + 6) & IPV4_FRAGMENT_BITS) != 0 ||
            (verify_checksum && checksum_ipv4_header(packet, IPV4_HEADER_LEN) != 0))
            return false;
        end = get_be16(packet + 2);
    } else {
        if (memcmp(packet + 8, h->src.bytes, 16) != 0 ||
            memcmp(packet + 24, h->dst.bytes, 16) != 0 || packet[0] >> 4 != 6 ||
            packet[6] != h->protocol || get_be16(packet + 4) == 0)
            return false;
        end = IPV6_HEADER_LEN + (size_t)get_be16(packet + 4);
    }
    if (end < header_len || end > len)
        return false;
    h->ttl = packet[v4 ? 8 : 7];
    h->traffic_class = v4 ? packet[1] : (uint8_t)(get_be16(packet) >> 4);
    h->dont_fragment = !v4 || (get_be16(packet + 6) & IPV4_DONT_FRAGMENT);
    h->id = v4 ? get_be16(packet + 4) : 0;
    h->payload_len = (uint32_t)(end - header_len);
    return true;
}

/* Header length that ip_write will produce for this family: 20 or 40. */
static inline size_t
ip_header_len(const struct ip_addr *dst)
{
    return dst->family == IP_V4 ? IPV4_HEADER_LEN : IPV6_HEADER_LEN;
}

/* Writes the header for h->payload_len bytes (header_len ignored; no options or extension headers),
 * the IPv4 checksum included. Returns the header length. */
size_t ip_write(uint8_t *packet, const struct ip_header *h);

/* What a header says beside its addresses; as in ip_header. */
struct ip_fields {
    uint8_t protocol, ttl, traffic_class;
    bool dont_fragment;
    uint16_t id;
    uint32_t payload_len;
};

/* Words are summed before they are written: to read them back at once, and in other widths, would
 * have to wait for the stores. */
static inline size_t
ipv4_write_fields(uint8_t *packet, const struct ip_addr *src, const struct ip_addr *dst,
                  const struct ip_fields *h)
{
    const uint32_t words[] = {
        UINT32_C(0x45) << 24 | (uint32_t)h->traffic_class << 16 |
            (uint16_t)(IPV4_HEADER_LEN + h->payload_len),
        (uint32_t)h->id << 16 | (h->dont_fragment ? IPV4_DONT_FRAGMENT : 0),
        (uint32_t)h->ttl << 24 | (uint32_t)h->protocol << 16,
        get_be32(src->bytes),
        get_be32(dst->bytes),
    };
    uint64_t sum = (uint64_t)words[0] + words[1] + words[2] + words[3] + words[4];

    put_be32(packet, words[0]);
    put_be32(packet + 4, words[1]);
    put_be32(packet + 8, words[2] | checksum_finish(sum));
    put_be32(packet + 12, words[3]);
    put_be32(packet + 16, words[4]);
    return IPV4_HEADER_LEN;
}

static inline size_t
ipv6_write_fields(uint8_t *packet, const struct ip_addr *src, const struct ip_addr *dst,
                  const struct ip_fields *h)
{
    put_be32(packet, UINT32_C(6) << 28 | (uint32_t)h->traffic_class << 20);
    put_be16(packet + 4, (uint16_t)h->payload_len);
    packet[6] = h->protocol;
    packet[7] = h->ttl;
    memcpy(packet + 8, src->bytes, 16);
    memcpy(packet + 24, dst->bytes, 16);
    return IPV6_HEADER_LEN;
}

/* ip_write for who has the addresses elsewhere; both of one family. */
static inline size_t
ip_write_fields(uint8_t *packet, const struct ip_addr *src, const struct ip_addr *dst,
                const struct ip_fields *h)
{
    return dst->family == IP_V4 ? ipv4_write_fields(packet, src, dst, h)
                                : ipv6_write_fields(packet, src, dst, h);
}

/*
 * The inner packet of a tunnel message, checked as WireGuard checks it: version nibble, header
 * present, IPv4 total length >= 20 or IPv6 payload length + 40 <= len. Gives the packet's own
 * length (the rest is padding) and its addresses. WGT_OK, INNER_VERSION (which includes: too short
 * for its version's header) or INNER_LENGTH.
 */
struct inner_packet {
    struct ip_addr src, dst;
    size_t len;
};
static inline enum wgt_drop
inner_parse(const uint8_t *packet, size_t len, struct inner_packet *out)
{
    if (len >= IPV4_HEADER_LEN && packet[0] >> 4 == 4) {
        out->len = get_be16(packet + 2);
        out->src = ip_addr_v4(packet + 12);
        out->dst = ip_addr_v4(packet + 16);
        return out->len >= IPV4_HEADER_LEN && out->len <= len ? WGT_OK : WGT_DROP_INNER_LENGTH;
    }
    if (len >= IPV6_HEADER_LEN && packet[0] >> 4 == 6) {
        out->len = IPV6_HEADER_LEN + (size_t)get_be16(packet + 4);
        out->src = ip_addr_v6(packet + 8);
        out->dst = ip_addr_v6(packet + 24);
        return out->len <= len ? WGT_OK : WGT_DROP_INNER_LENGTH;
    }
    return WGT_DROP_INNER_VERSION;
}

#endif
