/* SPDX-License-Identifier: BSD-3-Clause */
/* Somebody on the path who sees every packet and adds his own, but cannot take any away. */
#include <wgtcpd/wire/message.h>
#include <wgtcpd/wire/udp.h>

#include "network_internal.h"

enum {
    KEEP_CHANCE = 50000, /* per million packets, for replays */
    FAR = 1 << 30,
    NEAR = 1000,
    ACK_FAR = 1000000,
    FRAME_LEN = 2,
    FRAME_SHOWN = FRAME_LEN + 16, /* length, type, receiver, counter */
};

static void
keep(struct network *n, struct network_view *v, const uint8_t *packet, size_t len)
{
    unsigned i = v->n_kept < NETWORK_CAPTURES ? v->n_kept++
                                              : (unsigned)prng_below(&n->prng, NETWORK_CAPTURES);

    memcpy(v->kept[i], packet, len);
    v->kept_len[i] = (uint32_t)len;
}

void
attacker_sees(struct network *n, unsigned direction, const uint8_t *packet, size_t len)
{
    struct network_view *v = &n->views[direction];
    struct tcp_segment s;
    struct ip_header ip;
    uint32_t end;

    if (v->n_kept == 0 || prng_chance(&n->prng, KEEP_CHANCE))
        keep(n, v, packet, len);
    if (ip_parse(packet, len, true, &ip) != WGT_OK || ip.protocol != IP_PROTO_TCP ||
        tcp_parse(&ip, (uint8_t *)(uintptr_t)packet + ip.header_len, true, &s) != WGT_OK ||
        s.flags & TCP_RST)
        return;
    end = s.seq + tcp_segment_seq_len(&s);
    if (!v->any_tcp || s.src_port != v->segment.src_port || s.dst_port != v->segment.dst_port ||
        s.flags & TCP_SYN || seq_lt(v->seq_end, end))
        v->seq_end = end;
    if (s.payload.len >= FRAME_SHOWN && s.payload.data[FRAME_LEN] == MESSAGE_DATA) {
        memcpy(v->frame, s.payload.data, FRAME_SHOWN);
        v->has_frame = true;
    }
    v->any_tcp = true;
    v->ip = ip;
    v->segment = s;
    v->segment.payload = (struct span){NULL, 0};
}

/* A frame with the header of a real one, whose counter lies a little ahead. */
static size_t
forge_frame(struct network *n, const struct network_view *v, uint8_t *payload)
{
    size_t len = 32 + 16 * prng_between(&n->prng, 0, 80);

    prng_fill(&n->prng, payload, FRAME_LEN + len);
    memcpy(payload, v->frame, FRAME_SHOWN);
    put_be16(payload, (uint16_t)len);
    put_le64(payload + FRAME_LEN + 8,
             get_le64(payload + FRAME_LEN + 8) + prng_between(&n->prng, 1, 50));
    return FRAME_LEN + len;
}

/* What the segment carries; changes seg for the kind. */
static size_t
forge(struct network *n, const struct network_view *v, enum network_attack_kind kind,
      struct tcp_segment *seg, uint8_t *payload)
{
    size_t len = 0;

    seg->flags = TCP_ACK;
    seg->seq = v->seq_end;
    seg->n_sack = 0;
    seg->has_mss = seg->has_wscale = seg->has_sack_permitted = false;
    if (kind == ATTACK_RST_EXACT || kind == ATTACK_RST_WINDOW || kind == ATTACK_RST_OUTSIDE)
        seg->flags = TCP_RST | TCP_ACK;
    if (kind == ATTACK_SYN)
        seg->flags = TCP_SYN;
    if (kind == ATTACK_RST_WINDOW || kind == ATTACK_SYN)
        seg->seq += (uint32_t)prng_between(&n->prng, 1, NEAR);
    if (kind == ATTACK_RST_OUTSIDE)
        seg->seq += prng_below(&n->prng, 2) ? FAR : (uint32_t)-NEAR;
    if (kind == ATTACK_ACK_UNSENT)
        seg->ack += ACK_FAR;
    if (kind == ATTACK_ACK_OLD)
        seg->ack -= ACK_FAR;
    if (kind == ATTACK_GARBAGE) {
        len = prng_between(&n->prng, 1, 1200);
        prng_fill(&n->prng, payload, len);
    } else if (kind == ATTACK_FRAME && v->has_frame) {
        len = forge_frame(n, v, payload);
    }
    return len;
}

static void
send_segment(struct network *n, wgt_time due, unsigned direction, enum network_attack_kind kind)
{
    const struct network_view *v = &n->views[direction];
    struct tcp_segment seg = v->segment;
    uint8_t packet[NETWORK_PACKET_MAX], payload[NETWORK_PACKET_MAX];
    struct ip_header ip = v->ip;
    size_t len = forge(n, v, kind, &seg, payload), ip_len = ip_header_len(&ip.dst), tcp_len;

    seg.payload = (struct span){payload, len};
    tcp_len = tcp_header_len(&seg);
    memcpy(packet + ip_len + tcp_len, payload, len);
    ip.payload_len = (uint32_t)(tcp_len + len);
    tcp_write(packet + ip_len, &ip.src, &ip.dst, &seg, true);
    ip_write(packet, &ip);
    network_inject(n, due, direction, false, packet, ip_len + ip.payload_len);
}

static void
replay(struct network *n, wgt_time due, unsigned direction)
{
    struct network_view *v = &n->views[direction];
    unsigned i;

    if (v->n_kept == 0)
        return;
    i = (unsigned)prng_below(&n->prng, v->n_kept);
    network_inject(n, due, direction, false, v->kept[i], v->kept_len[i]);
}

/* "Too big", about a segment that the receiver of these packets has sent. Not through a NAT, which
 * would have to look into it. */
static void
send_too_big(struct network *n, wgt_time due, unsigned direction)
{
    static const uint16_t mtus[] = {68, 296, 576, 1280, 1400, 9000};
    struct network_view *v = &n->views[1 - direction];
    uint8_t icmp[NETWORK_PACKET_MAX];
    size_t len;

    if (v->n_kept == 0 || n->config.nat)
        return;
    len = prng_below(&n->prng, v->n_kept);
    len = router_too_big(icmp, v->kept[len], v->kept_len[len], mtus[prng_below(&n->prng, 6)]);
    if (len > 0)
        network_inject(n, due, direction, true, icmp, len);
}

static void
strike(struct network *n, wgt_time now, const struct network_attack *a)
{
    /* Behind everything that is under way, so that what is next in the stream is next. */
    wgt_time due = now + n->config.link[a->direction].delay;

    if (n->last_due[a->direction] >= due)
        due = n->last_due[a->direction] + 1;
    if (a->kind == ATTACK_REPLAY)
        replay(n, due, a->direction);
    else if (a->kind == ATTACK_TOO_BIG)
        send_too_big(n, due, a->direction);
    else if (n->views[a->direction].any_tcp)
        send_segment(n, due, a->direction, a->kind);
}

wgt_time
attacker_deadline(const struct network *n)
{
    wgt_time due = WGT_NEVER;

    for (unsigned i = 0; i < n->config.n_attacks; i++)
        due = wgt_time_min(due, n->attack_at[i]);
    return due;
}

void
attacker_run(struct network *n, wgt_time now)
{
    for (unsigned i = 0; i < n->config.n_attacks; i++) {
        const struct network_attack *a = &n->config.attacks[i];

        if (n->attack_at[i] > now)
            continue;
        strike(n, now, a);
        n->attack_at[i] += a->interval > 0 ? a->interval : WGT_SEC;
        if (n->attack_at[i] >= a->until)
            n->attack_at[i] = WGT_NEVER;
    }
}
