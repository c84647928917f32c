/* SPDX-License-Identifier: BSD-3-Clause */
#include "script.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Both initial sequence numbers lie near the wrap: a script crosses it within a few segments. */
enum { DEFAULT_ISS = -2000, DEFAULT_IRS = -3000, DEFAULT_TS = -50, OUR_TS = -20 };

struct words {
    char *w[SCRIPT_WORDS];
    size_t n, at;
};

__attribute__((format(printf, 2, 3))) static bool
fail(struct script *s, const char *format, ...)
{
    va_list args;

    if (s->failed)
        return false;
    s->failed = true;
    va_start(args, format);
    vsnprintf(s->failure, sizeof(s->failure), format, args);
    va_end(args);
    return false;
}

/* --- words --------------------------------------------------------------------------------------
 */

/* Splits at blanks and commas; < and > around options are words of their own. A # ends the line. */
static void
split(char *text, struct words *words)
{
    static char open[] = "<", close[] = ">";

    *words = (struct words){.n = 0};
    for (char *p = text; *p != '\0' && *p != '#' && words->n < SCRIPT_WORDS;) {
        size_t len = strcspn(p, " \t\n,<>#");

        if (len > 0) {
            words->w[words->n++] = p;
            p += len;
        }
        if (*p == '<' || *p == '>') {
            if (words->n < SCRIPT_WORDS)
                words->w[words->n++] = *p == '<' ? open : close;
        }
        if (*p == '#')
            *p = '\0';
        else if (*p != '\0')
            *p++ = '\0';
    }
}

static const char *
next(struct words *w)
{
    return w->at < w->n ? w->w[w->at++] : NULL;
}

static bool
take(struct words *w, const char *word)
{
    if (w->at >= w->n || strcmp(w->w[w->at], word) != 0)
        return false;
    w->at++;
    return true;
}

static bool
number(struct script *s, const char *text, double *out)
{
    char *end;

    if (text == NULL)
        return fail(s, "a number is missing");
    *out = strtod(text, &end);
    if (*end != '\0' || end == text)
        return fail(s, "'%s' is no number", text);
    return true;
}

static bool
next_u32(struct script *s, struct words *w, uint32_t *out)
{
    double v = 0;

    if (!number(s, next(w), &v))
        return false;
    *out = (uint32_t)(int64_t)v;
    return true;
}

static bool
next_time(struct script *s, struct words *w, wgt_time *out)
{
    double v = 0;

    if (!number(s, next(w), &v))
        return false;
    *out = (wgt_time)llround(v * 1e9);
    return true;
}

/* --- time and output ----------------------------------------------------------------------------
 */

static void
run_output(struct script *s)
{
    struct tcp_out out;

    if (!s->opened)
        return;
    while (tcp_output(&s->c, s->now, &out)) {
        if (s->n_out == SCRIPT_OUT) {
            fail(s, "it never stops sending");
            return;
        }
        if (out.seg.has_ts)
            s->last_ts = out.seg.ts_val;
        s->out[s->n_out++] = (struct script_out){s->now, out};
    }
    if (tcp_deadline(&s->c) <= s->now)
        fail(s, "the deadline has passed and nothing happens");
    while (tcp_reclaim(&s->c) != NULL)
        continue;
}

static void
pass_time(struct script *s, wgt_time t)
{
    wgt_time end = s->now + t;

    while (!s->failed && s->opened && tcp_deadline(&s->c) <= end) {
        s->now = tcp_deadline(&s->c);
        run_output(s);
    }
    s->now = end;
}

/* --- segments -----------------------------------------------------------------------------------
 */

struct pattern {
    struct tcp_segment seg;
    bool any_flags_psh; /* PSH is not compared */
    bool has_ack, any_ack, has_window, has_urgent;
    bool has_ts_val, has_ts_ecr, nosack, nots, nomss, ect, noect, noauto_ts;
    uint32_t window, len;
};

static bool
parse_flags(struct script *s, const char *text, struct pattern *p)
{
    static const char letters[] = "FSRP.UEW";

    p->any_flags_psh = strchr(text, 'P') == NULL;
    for (; *text != '\0'; text++) {
        const char *at = strchr(letters, *text);

        if (at == NULL)
            return fail(s, "flag '%c'", *text);
        p->seg.flags |= (uint8_t)(1u << (at - letters));
    }
    return true;
}

/* SEQ:END(LEN). Of what arrives sequence numbers are the peer's, of what leaves ours. */
static bool
parse_range(struct script *s, const char *text, struct pattern *p)
{
    long seq, end, len;
    int used = 0;

    if (text == NULL || sscanf(text, "%ld:%ld(%ld)%n", &seq, &end, &len, &used) != 3 ||
        text[used] != '\0' || end - seq != len)
        return fail(s, "'%s' is not SEQ:END(LEN)", text != NULL ? text : "");
    p->seg.seq = (uint32_t)seq;
    p->len = (uint32_t)len;
    return true;
}

static bool
parse_option(struct script *s, struct words *w, struct pattern *p)
{
    uint32_t v;
    long left, right;
    const char *name = next(w);

    if (strcmp(name, "mss") == 0) {
        p->seg.has_mss = next_u32(s, w, &v);
        p->seg.mss = (uint16_t)v;
    } else if (strcmp(name, "sackOK") == 0) {
        p->seg.has_sack_permitted = true;
    } else if (strcmp(name, "wscale") == 0) {
        p->seg.has_wscale = next_u32(s, w, &v);
        p->seg.wscale = (uint8_t)v;
    } else if (strcmp(name, "TS") == 0) {
        p->seg.has_ts = true;
        if (take(w, "val") && !take(w, "*"))
            p->has_ts_val = next_u32(s, w, &p->seg.ts_val);
        if (take(w, "ecr") && !take(w, "*"))
            p->has_ts_ecr = next_u32(s, w, &p->seg.ts_ecr);
    } else if (strcmp(name, "sack") == 0) {
        while (w->at < w->n && sscanf(w->w[w->at], "%ld:%ld", &left, &right) == 2) {
            if (p->seg.n_sack == TCP_SACK_MAX)
                return fail(s, "too many SACK blocks");
            p->seg.sack[p->seg.n_sack++] = (struct tcp_sack_block){(uint32_t)left, (uint32_t)right};
            w->at++;
        }
    } else if (strcmp(name, "nosack") == 0) {
        p->nosack = true;
    } else if (strcmp(name, "nots") == 0) {
        p->nots = true;
    } else if (strcmp(name, "nomss") == 0) {
        p->nomss = true;
    } else if (strcmp(name, "nop") != 0) {
        return fail(s, "option '%s'", name);
    }
    return !s->failed;
}

static bool
parse_segment(struct script *s, struct words *w, struct pattern *p)
{
    const char *flags = next(w);

    *p = (struct pattern){.any_flags_psh = true};
    if (flags == NULL || !parse_flags(s, flags, p) || !parse_range(s, next(w), p))
        return fail(s, "no segment");
    while (w->at < w->n && !s->failed) {
        if (take(w, "ack")) {
            p->has_ack = true;
            p->any_ack = take(w, "*");
            if (!p->any_ack)
                next_u32(s, w, &p->seg.ack);
        } else if (take(w, "win")) {
            p->has_window = !take(w, "*") && next_u32(s, w, &p->window);
        } else if (take(w, "urg")) {
            uint32_t v = 0;

            p->has_urgent = next_u32(s, w, &v);
            p->seg.urgent = (uint16_t)v;
        } else if (take(w, "ect")) {
            p->ect = true;
        } else if (take(w, "noect")) {
            p->noect = true;
        } else if (take(w, "ce")) {
            p->seg.ce = true;
        } else if (take(w, "<")) {
            while (!s->failed && w->at < w->n && !take(w, ">"))
                parse_option(s, w, p);
        } else {
            return fail(s, "'%s' in a segment", w->w[w->at]);
        }
    }
    return !s->failed;
}

/* --- injecting ----------------------------------------------------------------------------------
 */

static void
learn_peer(struct script *s, const struct pattern *p)
{
    s->peer_ts = p->seg.has_ts;
}

static void
inject_segment(struct script *s, const struct tcp_segment *seg)
{
    bool kept = false;
    struct tcp_chunk *rx = seg->payload.len > 0 ? &s->rx[s->n_rx] : NULL;

    if (s->n_rx == SCRIPT_RX) {
        fail(s, "too many segments");
        return;
    }
    if (!s->opened) {
        s->drop = tcp_open_passive(&s->c, s->now, &s->options, seg);
        s->opened = s->drop == WGT_OK;
    } else {
        s->drop = tcp_input(&s->c, s->now, seg, rx, &kept);
        s->n_rx += kept;
    }
    run_output(s);
}

static bool
inject(struct script *s, struct words *w)
{
    struct pattern p;
    struct tcp_segment *seg = &p.seg;
    uint32_t ms = (uint32_t)((s->now - s->start) / WGT_MSEC);

    if (!parse_segment(s, w, &p))
        return false;
    if (seg->flags & TCP_SYN)
        learn_peer(s, &p);
    seg->src_port = s->options.dst_port;
    seg->dst_port = s->options.src_port;
    seg->payload =
        (struct span){s->bytes + ((seg->seq + !!(seg->flags & TCP_SYN)) & 0x7fff), p.len};
    seg->seq += s->irs;
    if (seg->flags & TCP_ACK)
        seg->ack += s->options.iss;
    for (uint8_t i = 0; i < seg->n_sack; i++) {
        seg->sack[i].left += s->options.iss;
        seg->sack[i].right += s->options.iss;
    }
    if (p.has_window)
        s->peer_window = p.window;
    seg->window = (uint16_t)s->peer_window;
    if (s->peer_ts && !(seg->flags & TCP_RST) && !p.nots)
        seg->has_ts = true;
    if (seg->has_ts) {
        seg->ts_val = s->peer_ts0 + (p.has_ts_val ? seg->ts_val : ms);
        if (p.has_ts_ecr)
            seg->ts_ecr += s->options.ts_offset + (uint32_t)(s->start / WGT_MSEC);
        else
            seg->ts_ecr = seg->flags & TCP_ACK ? s->last_ts : 0;
    }
    inject_segment(s, seg);
    return !s->failed;
}

/* --- comparing ----------------------------------------------------------------------------------
 */

static const char *
show(const struct script *s, const struct script_out *o, char *text, size_t size)
{
    const struct tcp_segment *seg = &o->out.seg;
    char flags[9], sack[100] = "";
    size_t n = 0;
    uint32_t seq = seg->seq - s->options.iss;

    for (unsigned i = 0; i < 8; i++)
        if (seg->flags & 1u << i)
            flags[n++] = "FSRP.UEW"[i];
    flags[n] = '\0';
    for (uint8_t i = 0; i < seg->n_sack; i++) {
        size_t at = strlen(sack);

        snprintf(sack + at, sizeof(sack) - at, "%s%d:%d", i > 0 ? " " : " sack ",
                 (int)(seg->sack[i].left - s->irs), (int)(seg->sack[i].right - s->irs));
    }
    snprintf(text, size, "+%.6f %s %d:%d(%u) ack %d win %u%s%s%s",
             (double)(o->time - s->start) / 1e9, flags, (int)seq, (int)(seq + o->out.len),
             o->out.len, (int)(seg->flags & TCP_ACK ? seg->ack - s->irs : 0), seg->window, sack,
             o->out.ect ? " ect" : "", o->out.retransmission ? " (again)" : "");
    return text;
}

static const char *
difference_of_options(const struct script *s, const struct pattern *p, const struct tcp_segment *g)
{
    if ((p->seg.has_mss && (!g->has_mss || g->mss != p->seg.mss)) || (p->nomss && g->has_mss))
        return "MSS";
    if (p->seg.has_sack_permitted && !g->has_sack_permitted)
        return "SACK permitted";
    if (p->seg.has_wscale && (!g->has_wscale || g->wscale != p->seg.wscale))
        return "window scale";
    if ((p->seg.has_ts && !g->has_ts) || (p->nots && g->has_ts))
        return "timestamps";
    if (p->has_ts_val &&
        g->ts_val != p->seg.ts_val + s->options.ts_offset + (uint32_t)(s->start / WGT_MSEC))
        return "TS val";
    if (p->has_ts_ecr && g->ts_ecr != p->seg.ts_ecr + s->peer_ts0)
        return "TS ecr";
    if ((p->seg.n_sack > 0 && g->n_sack != p->seg.n_sack) || (p->nosack && g->n_sack > 0))
        return "number of SACK blocks";
    for (uint8_t i = 0; i < p->seg.n_sack; i++)
        if (g->sack[i].left != p->seg.sack[i].left + s->irs ||
            g->sack[i].right != p->seg.sack[i].right + s->irs)
            return "SACK blocks";
    return NULL;
}

static const char *
difference(const struct script *s, const struct pattern *p, const struct script_out *o)
{
    const struct tcp_segment *g = &o->out.seg;
    uint8_t mask = p->any_flags_psh ? (uint8_t)~TCP_PSH : 0xff;
    bool relative = !(g->flags & TCP_RST) || s->opened;

    if ((g->flags & mask) != (p->seg.flags & mask))
        return "flags";
    if (g->seq != p->seg.seq + (relative ? s->options.iss : 0))
        return "sequence number";
    if (o->out.len != p->len || g->payload.len != p->len)
        return "length";
    if (p->has_ack && !p->any_ack && g->ack != p->seg.ack + s->irs)
        return "acknowledgment";
    if (p->has_window && g->window != p->window)
        return "window";
    if ((p->ect && !o->out.ect) || (p->noect && o->out.ect))
        return "ECT";
    return difference_of_options(s, p, g);
}

static bool
expect_segment(struct script *s, struct words *w)
{
    const struct script_out *o;
    const char *what;
    struct pattern p;
    wgt_time off;
    char text[256];

    if (!parse_segment(s, w, &p))
        return false;
    run_output(s);
    if (s->next_out == s->n_out)
        return fail(s, "nothing left");
    o = &s->out[s->next_out++];
    show(s, o, text, sizeof(text));
    what = difference(s, &p, o);
    if (what != NULL)
        return fail(s, "%s differs: it was %s", what, text);
    off = s->now - o->time;
    if (off > s->tolerance)
        return fail(s, "it left %.3f ms earlier: %s", (double)off / 1e6, text);
    return true;
}

/* --- the application ----------------------------------------------------------------------------
 */

static bool
do_send(struct script *s, struct words *w)
{
    uint32_t len, times = 1;
    bool twice = false;

    if (!next_u32(s, w, &len))
        return false;
    for (const char *word; (word = next(w)) != NULL;) {
        if (strcmp(word, "twice") == 0)
            twice = true;
        else if (*word == 'x')
            times = (uint32_t)strtoul(word + 1, NULL, 10);
        else
            return fail(s, "send: no '%s'", word);
    }
    for (; times > 0; times--) {
        if (s->n_tx == SCRIPT_TX || len > sizeof(s->bytes))
            return fail(s, "too much to send");
        s->tx[s->n_tx] = (struct tcp_chunk){.data = s->bytes, .len = len, .twice = twice};
        if (!tcp_send(&s->c, s->now, &s->tx[s->n_tx++]))
            return fail(s, "send refused");
    }
    run_output(s);
    return !s->failed;
}

static bool
do_read(struct script *s, struct words *w)
{
    uint32_t want = 0, got = 0;
    bool exact = w->at < w->n;
    struct tcp_chunk *chunk;

    if (exact && !next_u32(s, w, &want))
        return false;
    while ((!exact || got < want) && (chunk = tcp_recv(&s->c)) != NULL) {
        uint32_t seq = chunk->seq - s->irs;

        if (chunk->data != s->bytes + (seq & 0x7fff) && chunk->data != NULL &&
            memcmp(chunk->data, s->bytes + (seq & 0x7fff), chunk->len) != 0)
            return fail(s, "the bytes at %u differ", seq);
        got += chunk->len;
    }
    if (exact && got != want)
        return fail(s, "%u bytes were there to read", got);
    run_output(s);
    return !s->failed;
}

/* A handshake of its own, out of sight of the script. */
static bool
do_established(struct script *s, struct words *w)
{
    struct tcp_segment syn = {.src_port = s->options.dst_port,
                              .dst_port = s->options.src_port,
                              .flags = TCP_SYN,
                              .window = 65535,
                              .has_mss = true,
                              .mss = 1000};
    bool active = false;
    wgt_time rtt = 0;
    uint32_t v;

    syn.seq = s->irs;
    while (w->at < w->n && !s->failed) {
        if (take(w, "active")) {
            active = true;
        } else if (take(w, "sack")) {
            syn.has_sack_permitted = true;
        } else if (take(w, "ts")) {
            s->peer_ts = syn.has_ts = true;
        } else if (take(w, "ecn")) {
            syn.flags |= TCP_ECE | TCP_CWR;
        } else if (take(w, "mss")) {
            next_u32(s, w, &v);
            syn.mss = (uint16_t)v;
        } else if (take(w, "wscale")) {
            syn.has_wscale = next_u32(s, w, &v);
            syn.wscale = (uint8_t)v;
        } else if (take(w, "win")) {
            next_u32(s, w, &s->peer_window);
        } else if (take(w, "rtt")) {
            next_time(s, w, &rtt);
        } else {
            return fail(s, "'%s' in established", w->w[w->at]);
        }
    }
    if (syn.has_ts) /* the MSS a script names is what a segment carries */
        syn.mss = (uint16_t)(syn.mss + 12);
    syn.ts_val = s->peer_ts0;
    if (active) {
        tcp_open_active(&s->c, s->now, &s->options);
        s->opened = true;
        run_output(s);
        pass_time(s, rtt);
        if (syn.flags & TCP_ECE)
            syn.flags &= (uint8_t)~TCP_CWR;
        syn.flags |= TCP_ACK;
        syn.ack = s->options.iss + 1;
        syn.ts_ecr = s->last_ts;
        syn.window = (uint16_t)s->peer_window;
        syn.ts_val += (uint32_t)(rtt / WGT_MSEC);
        inject_segment(s, &syn);
    } else {
        struct tcp_segment ack = {.src_port = syn.src_port,
                                  .dst_port = syn.dst_port,
                                  .seq = s->irs + 1,
                                  .ack = s->options.iss + 1,
                                  .flags = TCP_ACK,
                                  .has_ts = syn.has_ts,
                                  .window = (uint16_t)s->peer_window};

        inject_segment(s, &syn);
        pass_time(s, rtt);
        ack.ts_val = s->peer_ts0 + (uint32_t)(rtt / WGT_MSEC);
        ack.ts_ecr = s->last_ts;
        inject_segment(s, &ack);
    }
    if (!s->failed && tcp_state(&s->c) != TCP_ESTABLISHED)
        return fail(s, "not established");
    s->next_out = s->n_out;
    return !s->failed;
}

static bool
do_open(struct script *s, struct words *w)
{
    if (take(w, "passive"))
        return true;
    if (!take(w, "active"))
        return fail(s, "open active, or open passive");
    tcp_open_active(&s->c, s->now, &s->options);
    s->opened = true;
    run_output(s);
    return !s->failed;
}

/* icmp refused | unreachable | too_big MTU, and the sequence number it quotes. */
static bool
do_icmp(struct script *s, struct words *w)
{
    struct icmp_error e = {.kind = ICMP_ERROR_UNREACHABLE};
    uint32_t seq;

    if (take(w, "refused"))
        e.kind = ICMP_ERROR_REFUSED;
    else if (take(w, "too_big") && next_u32(s, w, &e.mtu))
        e.kind = ICMP_ERROR_TOO_BIG;
    else if (!take(w, "unreachable"))
        return fail(s, "icmp refused, unreachable or too_big MTU");
    if (!take(w, "seq") || !next_u32(s, w, &seq))
        return fail(s, "seq N is missing");
    e.dst.addr.family = IP_V4;
    e.seq = s->options.iss + seq;
    e.packet_len = tcp_mss(&s->c) + 40 + (s->peer_ts ? 12 : 0); /* a full segment, IPv4 */
    s->drop = tcp_icmp(&s->c, s->now, &e);
    run_output(s);
    return !s->failed;
}

static bool
do_set(struct script *s, struct words *w)
{
    struct tcp_options *o = &s->options;
    const char *key = next(w), *value = next(w);
    double v = 0;

    if (key == NULL || value == NULL)
        return fail(s, "set KEY VALUE");
    if (strcmp(key, "cc") == 0) {
        o->cc = tcp_cc_find(value);
        return o->cc != NULL || fail(s, "no congestion control '%s'", value);
    }
    if (strcmp(key, "ecn") == 0) {
        o->ecn = strcmp(value, "on") == 0;
        return true;
    }
    if (!number(s, value, &v))
        return false;
    if (strcmp(key, "local_mss") == 0)
        o->mss_local = (uint16_t)v;
    else if (strcmp(key, "mss_default") == 0)
        o->mss_default = (uint16_t)v;
    else if (strcmp(key, "mss_base") == 0)
        o->mss_base = (uint16_t)v;
    else if (strcmp(key, "rcvbuf") == 0)
        o->receive_buffer = (uint32_t)v;
    else if (strcmp(key, "rcvbuf_max") == 0)
        o->receive_buffer_max = (uint32_t)v;
    else if (strcmp(key, "iss") == 0)
        o->iss = (uint32_t)(int64_t)v;
    else if (strcmp(key, "irs") == 0)
        s->irs = (uint32_t)(int64_t)v;
    else if (strcmp(key, "keepalive") == 0)
        o->keepalive = (wgt_time)llround(v * 1e9);
    else if (strcmp(key, "user_timeout") == 0)
        o->user_timeout = (wgt_time)llround(v * 1e9);
    else if (strcmp(key, "connect_timeout") == 0)
        o->connect_timeout = (wgt_time)llround(v * 1e9);
    else if (strcmp(key, "syn_rto") == 0)
        o->syn_rto = (wgt_time)llround(v * 1e9);
    else if (strcmp(key, "rto_limit") == 0)
        o->rto_limit = (uint8_t)v;
    else if (strcmp(key, "tolerance") == 0)
        s->tolerance = (wgt_time)llround(v * 1e9);
    else
        return fail(s, "no setting '%s'", key);
    return true;
}

/* --- expectations about the connection ----------------------------------------------------------
 */

static uint32_t
readable(const struct script *s)
{
    return s->c.ready_bytes;
}

static bool
figure(const struct script *s, const char *name, double *out)
{
    struct tcp_info i;

    tcp_info(&s->c, &i);
    if (strcmp(name, "cwnd") == 0)
        *out = i.cwnd;
    else if (strcmp(name, "ssthresh") == 0)
        *out = i.ssthresh;
    else if (strcmp(name, "mss") == 0)
        *out = i.mss;
    else if (strcmp(name, "flight") == 0)
        *out = i.flight;
    else if (strcmp(name, "unsent") == 0)
        *out = i.unsent;
    else if (strcmp(name, "room") == 0)
        *out = tcp_send_room(&s->c, s->now);
    else if (strcmp(name, "rto") == 0)
        *out = (double)i.rto / 1e6;
    else if (strcmp(name, "srtt") == 0)
        *out = (double)i.srtt / 1e6;
    else if (strcmp(name, "retransmitted") == 0)
        *out = (double)i.segments_retransmitted;
    else if (strcmp(name, "timeouts") == 0)
        *out = (double)i.timeouts;
    else if (strcmp(name, "readable") == 0)
        *out = readable(s);
    else if (strcmp(name, "received") == 0)
        *out = (double)i.bytes_received;
    else if (strcmp(name, "pipe") == 0)
        *out = s->c.tx->flight.bytes - s->c.tx->dup_bytes;
    else if (strcmp(name, "lost") == 0)
        *out = s->c.tx->lost.bytes;
    else if (strcmp(name, "reordering") == 0)
        *out = s->c.rack.reordering_seen;
    else if (strcmp(name, "recovery") == 0)
        *out = s->c.recovery;
    else if (strcmp(name, "fast_retransmits") == 0)
        *out = (double)i.fast_retransmits;
    else if (strcmp(name, "probes") == 0)
        *out = (double)s->c.tlp_probes;
    else if (strcmp(name, "copies") == 0)
        *out = (double)i.copies;
    else if (strcmp(name, "undone") == 0)
        *out = (double)s->c.undone;
    else
        return false;
    return true;
}

static bool
compare(const char *op, double a, double b)
{
    if (strcmp(op, "<") == 0)
        return a < b;
    if (strcmp(op, ">") == 0)
        return a > b;
    if (strcmp(op, "<=") == 0)
        return a <= b;
    if (strcmp(op, ">=") == 0)
        return a >= b;
    return fabs(a - b) < 1e-3;
}

static const char *
end_name(enum tcp_end e)
{
    static const char *const names[] = {
        [TCP_END_NONE] = "NONE",
        [TCP_END_NORMAL] = "NORMAL",
        [TCP_END_RESET] = "RESET",
        [TCP_END_REFUSED] = "REFUSED",
        [TCP_END_TIMEOUT] = "TIMEOUT",
        [TCP_END_ABORTED] = "ABORTED",
        [TCP_END_UNREACHABLE] = "UNREACHABLE",
    };

    return names[e];
}

static bool
same_word(struct script *s, const char *what, const char *is, const char *want)
{
    if (want == NULL || strcmp(is, want) != 0)
        return fail(s, "%s is %s", what, is);
    return true;
}

/* Operators come as words, or glued together from the < and > that split makes. */
static bool
expect_figure(struct script *s, struct words *w, const char *name)
{
    char op[3] = "=";
    double is, want;

    if (!figure(s, name, &is))
        return fail(s, "no figure '%s'", name);
    if (take(w, "<"))
        strcpy(op, "<");
    else if (take(w, ">"))
        strcpy(op, ">");
    if (take(w, "="))
        strcat(op, op[0] == '=' ? "" : "=");
    if (!number(s, next(w), &want))
        return false;
    if (!compare(op, is, want))
        return fail(s, "%s is %.3f", name, is);
    return true;
}

static bool
do_expect(struct script *s, struct words *w)
{
    const char *what = next(w);

    if (what == NULL)
        return fail(s, "expect what?");
    run_output(s);
    if (strcmp(what, "state") == 0)
        return same_word(s, "state", s->opened ? tcp_state_name(tcp_state(&s->c)) : "CLOSED",
                         next(w));
    if (strcmp(what, "end") == 0)
        return same_word(s, "end", end_name(tcp_end(&s->c)), next(w));
    if (strcmp(what, "drop") == 0)
        return same_word(s, "drop", wgt_drop_name(s->drop), next(w));
    return expect_figure(s, w, what);
}

/* --- lines ---------------------------------------------------------------------------------------
 */

void
script_begin(struct script *s, const char *file, const char *name)
{
    memset(s, 0, sizeof(*s));
    s->file = file;
    snprintf(s->name, sizeof(s->name), "%s", name);
    tcp_memory_init(&s->memory, s->records, SCRIPT_RECORDS, &s->tx_block, 1);
    s->start = s->now = 5000 * WGT_SEC;
    s->tolerance = WGT_MSEC;
    s->irs = (uint32_t)DEFAULT_IRS;
    s->peer_ts0 = (uint32_t)DEFAULT_TS;
    s->peer_window = 60000;
    s->options = (struct tcp_options){
        .memory = &s->memory,
        .cc = tcp_cc_find("cubic"),
        .src_port = 1,
        .dst_port = 2,
        .mss_local = 1460,
        .mss_default = 536,
        .receive_buffer = 60000,
        .iss = (uint32_t)DEFAULT_ISS,
        .ts_offset = (uint32_t)OUR_TS - (uint32_t)(s->start / WGT_MSEC),
    };
    for (size_t i = 0; i < sizeof(s->bytes); i++)
        s->bytes[i] = (uint8_t)(i * 7 + (i >> 8));
}

static bool
act(struct script *s, struct words *w)
{
    static const struct {
        const char *word;
        bool (*run)(struct script *s, struct words *w);
    } commands[] = {
        {"<", inject},     {">", expect_segment}, {"send", do_send},
        {"read", do_read}, {"open", do_open},     {"established", do_established},
        {"set", do_set},   {"icmp", do_icmp},     {"expect", do_expect},
    };
    const char *word = next(w);
    uint32_t v;

    if (word == NULL)
        return true;
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strcmp(word, commands[i].word) == 0)
            return commands[i].run(s, w);
    if (strcmp(word, "close") == 0)
        tcp_close(&s->c, s->now);
    else if (strcmp(word, "abort") == 0)
        tcp_abort(&s->c, s->now);
    else if (strcmp(word, "widen") == 0 && next_u32(s, w, &v))
        tcp_widen(&s->c, v);
    else if (strcmp(word, "discard") == 0)
        s->next_out = s->n_out;
    else if (strcmp(word, "unpaced") == 0)
        s->c.cc.pacing_rate = UINT64_C(1) << 40;
    else
        return fail(s, "no command '%s'", word);
    run_output(s);
    return !s->failed;
}

bool
script_line(struct script *s, unsigned line, const char *text)
{
    char copy[512];
    struct words w;
    double t;

    if (s->failed)
        return false;
    s->line = line;
    if (snprintf(copy, sizeof(copy), "%s", text) >= (int)sizeof(copy))
        return fail(s, "line too long");
    split(copy, &w);
    if (w.n == 0)
        return true;
    if (w.w[0][0] == '+') {
        if (!number(s, w.w[0] + 1, &t))
            return false;
        w.at = 1;
        pass_time(s, (wgt_time)llround(t * 1e9));
        if (s->failed)
            return false;
    }
    return act(s, &w) && (w.at == w.n || fail(s, "'%s' is left over", w.w[w.at]));
}

bool
script_end(struct script *s)
{
    char text[256];

    if (s->failed)
        return false;
    run_output(s);
    if (s->next_out < s->n_out)
        return fail(s, "unexpected: %s", show(s, &s->out[s->next_out], text, sizeof(text)));
    if (s->opened)
        tcp_abort(&s->c, s->now);
    while (s->opened && tcp_reclaim(&s->c) != NULL)
        continue;
    if (!s->failed && s->memory.n_free != s->memory.n)
        return fail(s, "records are not returned");
    return !s->failed;
}

void
script_show(const struct script *s, FILE *to)
{
    char text[256];

    for (size_t i = 0; i < s->n_out; i++)
        fprintf(to, "    %s\n", show(s, &s->out[i], text, sizeof(text)));
}
