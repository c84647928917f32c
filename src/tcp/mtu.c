/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The size of full segments, as the path allows it. Routers may say that a segment was too big (RFC
 * 1191, RFC 8201), which is believed only if it fits what we see ourselves (RFC 5927 7.2). When
 * large segments vanish without a word, the base size is taken (RFC 4821 7.7, RFC 8899 4.3). From a
 * lowered size we search upwards with data that happens to be large enough: such a segment is a
 * probe, one at a time, whose loss says nothing about congestion (RFC 4821 7.5).
 *
 *     base <= c->mss <= candidate < refused <= ceiling + 1
 *
 * mss has passed or is believed to pass; candidate may be tried; refused did not pass.
 */
#include "internal.h"

#define MTU_RAISE_AFTER   (600 * WGT_SEC) /* RFC 1191 6.3, RFC 8899 5.1.1 PMTU_RAISE_TIMER */
#define MTU_PROBE_SPACING (1 * WGT_SEC)   /* RFC 8899 5.1.1: PROBE_TIMER at least 1 s */
enum {
    MTU_PROBES_MAX = 3,   /* RFC 8899 5.1.2 MAX_PROBES */
    MTU_GRANULARITY = 16, /* the search ends when it would gain less */
    MTU_TIMEOUTS = 2,     /* of one segment: a black hole is suspected */
};

static uint32_t
options_len(const struct tcp_conn *c)
{
    return c->ts_ok ? TCP_TS_OPTION_LEN : 0;
}

/* The payload of segments of this MSS, within what the connection can use. */
static uint32_t
payload_of(const struct tcp_conn *c, uint32_t mss)
{
    mss = tcp_max(mss, TCP_MSS_FLOOR);
    return tcp_min(mss - options_len(c), c->mtu.ceiling);
}

/* The handshake has agreed on c->mss. */
void
tcp_mtu_init(struct tcp_conn *c)
{
    c->mtu = (struct tcp_mtu){
        .ceiling = c->mss,
        .candidate = c->mss,
        .refused = c->mss + 1,
        .raise_at = WGT_NEVER,
    };
    c->mtu.base = c->options.mss_base != 0 ? payload_of(c, c->options.mss_base) : c->mss;
}

bool
tcp_path_mss(const struct tcp_conn *c, struct tcp_path_mss *out)
{
    const struct tcp_mtu *m = &c->mtu;

    if (m->ceiling == 0 || m->suspected)
        return false; /* no handshake; or a wire that is dead for small segments, too */
    *out = (struct tcp_path_mss){0};
    if (c->mss < m->ceiling) {
        out->mss = (uint16_t)(c->mss + options_len(c));
        out->until = m->raise_at != WGT_NEVER ? m->raise_at : 0; /* 0: it was being searched */
    }
    return true;
}

uint32_t
tcp_mss(const struct tcp_conn *c)
{
    return tcp_max(c->mss, c->mtu.candidate);
}

static void
set_mss(struct tcp_conn *c, uint32_t payload)
{
    c->mss = payload;
    c->cc.mss = payload;
}

void
tcp_assume_path_mss(struct tcp_conn *c, const struct tcp_path_mss *known)
{
    struct tcp_mtu *m = &c->mtu;
    uint32_t payload = known->mss != 0 ? payload_of(c, known->mss) : m->ceiling;

    if (payload >= c->mss || m->passed > payload)
        return;
    set_mss(c, payload);
    m->candidate = (uint16_t)payload;
    m->refused = payload + 1;
    m->raise_at = known->until;
}

static void
end_search(struct tcp_conn *c, wgt_time now)
{
    c->mtu.candidate = c->mss;
    c->mtu.probe_failures = 0;
    c->mtu.raise_at = c->mss < c->mtu.ceiling ? now + MTU_RAISE_AFTER : WGT_NEVER;
}

/* The largest size first: what was in the way may be gone. Then by halves. */
static void
search_on(struct tcp_conn *c, wgt_time now)
{
    struct tcp_mtu *m = &c->mtu;

    m->probe_failures = 0;
    if (m->refused > m->ceiling)
        m->candidate = m->ceiling;
    else
        m->candidate = c->mss + (m->refused - c->mss) / 2;
    if (m->candidate < c->mss + MTU_GRANULARITY && m->candidate != m->ceiling)
        end_search(c, now);
}

/* How large the next segment of new data may be: a probe, or c->mss. */
uint32_t
tcp_mtu_limit(struct tcp_conn *c, wgt_time now)
{
    struct tcp_mtu *m = &c->mtu;

    if (now >= m->raise_at) {
        m->raise_at = WGT_NEVER;
        m->refused = m->ceiling + 1;
        search_on(c, now);
    }
    if (m->candidate <= c->mss || c->tx->mtu.probe_len != 0 || now < m->probe_at ||
        c->recovery != TCP_RECOVERY_NONE)
        return c->mss;
    return m->candidate;
}

/* A segment of new data leaves. */
void
tcp_mtu_sent(struct tcp_conn *c, const struct tcp_sent *s)
{
    if (s->len <= c->mss)
        return;
    c->tx->mtu.probe_seq = s->seq;
    c->tx->mtu.probe_len = s->len;
}

static bool
is_probe(const struct tcp_conn *c, const struct tcp_sent *s)
{
    return c->tx->mtu.probe_len != 0 && s->seq == c->tx->mtu.probe_seq &&
           s->len == c->tx->mtu.probe_len;
}

/* A segment is known to have arrived, whole. */
void
tcp_mtu_delivered(struct tcp_conn *c, wgt_time now, const struct tcp_sent *s)
{
    struct tcp_mtu *m = &c->mtu;

    m->suspected = false;
    m->passed = tcp_max(m->passed, s->len);
    if (s->len > m->base)
        m->passed_at = now;
    if (!is_probe(c, s))
        return;
    set_mss(c, c->tx->mtu.probe_len);
    c->tx->mtu.probe_len = 0;
    search_on(c, now);
}

/* A segment is found lost. Whether it was a probe: then that is no sign of congestion. */
bool
tcp_mtu_lost(struct tcp_conn *c, wgt_time now, const struct tcp_sent *s)
{
    struct tcp_mtu *m = &c->mtu;

    if (!is_probe(c, s))
        return false;
    m->probe_at = now + MTU_PROBE_SPACING;
    if (++m->probe_failures >= MTU_PROBES_MAX) {
        m->refused = c->tx->mtu.probe_len;
        search_on(c, now);
    }
    c->tx->mtu.probe_len = 0;
    return true;
}

/* Larger ones in flight will not arrive: they go out again, cut. */
static void
give_up_larger(struct tcp_conn *c)
{
    struct tcp_sent *next;

    for (struct tcp_sent *s = c->tx->flight.head; s != NULL; s = next) {
        next = s->after;
        if (s->len > c->mss)
            tcp_sent_lose(c, s);
    }
}

static void
lower(struct tcp_conn *c, wgt_time now, uint32_t payload)
{
    struct tcp_mtu *m = &c->mtu;

    m->refused = payload + 1;
    m->candidate = tcp_min(m->candidate, payload);
    m->passed = tcp_min(m->passed, payload);
    c->tx->mtu.pending = false;
    c->tx->mtu.probe_len = 0;
    m->raise_at = now + MTU_RAISE_AFTER;
    if (payload >= c->mss)
        return; /* a probe was refused: the retransmission is cut anyway */
    set_mss(c, payload);
    give_up_larger(c);
}

/*
 * RFC 5927 7.2. A size that larger segments have passed is doubtful: it counts only when the
 * segment quoted times out as well. The caller has checked that the segment is in flight.
 */
enum wgt_drop
tcp_mtu_too_big(struct tcp_conn *c, wgt_time now, const struct icmp_error *e)
{
    struct tcp_mtu *m = &c->mtu;
    uint32_t headers = (uint32_t)ip_header_len(&e->dst.addr) + TCP_HEADER_LEN;
    uint32_t payload;

    /* RFC 8201 4: no IPv6 link is smaller. */
    if (e->packet_len <= e->mtu || (e->dst.addr.family == IP_V6 && e->mtu < 1280))
        return WGT_DROP_ICMP_MTU;
    payload = e->mtu > headers ? e->mtu - headers : 0;
    /* Fragments of less than 576 bytes serve an attacker, not a path. */
    payload = payload_of(c, tcp_max(payload, c->options.mss_default));
    if (payload >= tcp_mss(c))
        return WGT_DROP_ICMP_MTU;
    if (m->passed > payload) {
        c->tx->mtu.pending = true;
        c->tx->mtu.pending_seq = e->seq;
        c->tx->mtu.pending_payload = payload;
    } else {
        lower(c, now, payload);
    }
    return WGT_OK;
}

/* RFC 4821 7.7: full-sized segments are sent again and again, and none has arrived since. Only the
 * size is changed: whether that was it, the search for the old size will tell at once. */
static bool
is_black_hole(const struct tcp_conn *c)
{
    return c->tx->rto_count >= MTU_TIMEOUTS && c->tx->sent_head->len > c->mtu.base &&
           c->mss > c->mtu.base && (c->mtu.passed == 0 || c->mtu.passed_at <= c->progress);
}

/* The retransmission timer has expired; rto_count counts this time, too. */
void
tcp_mtu_timeout(struct tcp_conn *c, wgt_time now)
{
    struct tcp_mtu *m = &c->mtu;

    (void)tcp_mtu_lost(c, now, c->tx->sent_head);
    if (c->tx->mtu.pending) {
        lower(c, now, c->tx->mtu.pending_payload);
    } else if (is_black_hole(c)) {
        set_mss(c, m->base);
        m->suspected = true;
        c->tx->mtu.probe_len = 0;
        m->probe_failures = 0;
        m->probe_at = now + MTU_PROBE_SPACING;
    }
}

/* SND.UNA has moved: the segment that the error was about has arrived after all. */
void
tcp_mtu_progress(struct tcp_conn *c)
{
    if (c->tx->mtu.pending && seq_lt(c->tx->mtu.pending_seq, c->snd_una))
        c->tx->mtu.pending = false;
    if (c->tx->mtu.probe_len != 0 && seq_lt(c->tx->mtu.probe_seq, c->snd_una))
        c->tx->mtu.probe_len = 0; /* it went through in pieces */
}
