/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SYN cookies (RFC 4987 3.6, appendix A). The sequence number is
 *
 *     hash(key, tuple) + IRS + (step << 24) + ((hash(secret of step, tuple, IRS, step) + index of
 *     the MSS) mod 2^24)
 *
 * and the low six bits of the timestamp: window scale (15: none), SACK permitted, ECN.
 */
#include <wgtcpd/tcp/listen.h>

#include "internal.h"

enum { LOW_BITS = 24, LOW_MASK = (1 << LOW_BITS) - 1, N_MSS = 4 };
enum { TS_WSCALE = 0x0f, TS_SACK = 0x10, TS_ECN = 0x20, TS_MASK = 0x3f };

/* What most paths have, ascending. A peer that announces none is taken at its default. */
static const uint16_t mss_v4[N_MSS] = {536, 1300, 1440, 1460};
static const uint16_t mss_v6[N_MSS] = {1220, 1420, 1440, 8940};

static const uint16_t *
mss_table(const struct tcp_options *o)
{
    return o->mss_default < mss_v6[0] ? mss_v4 : mss_v6;
}

void
tcp_cookies_init(struct tcp_cookies *k, tcp_hash hash, const uint8_t key[16])
{
    *k = (struct tcp_cookies){.hash = hash, .step = {UINT64_MAX, UINT64_MAX}};
    memcpy(k->key, key, sizeof(k->key));
}

static uint64_t
step_at(wgt_time now)
{
    return now / TCP_COOKIE_STEP;
}

bool
tcp_cookies_stale(const struct tcp_cookies *k, wgt_time now)
{
    return k->step[step_at(now) & 1] != step_at(now);
}

void
tcp_cookies_renew(struct tcp_cookies *k, wgt_time now, const uint8_t secret[16])
{
    uint64_t step = step_at(now);

    k->step[step & 1] = step;
    memcpy(k->secret[step & 1], secret, sizeof(k->secret[0]));
}

bool
tcp_cookies_live(const struct tcp_cookies *k, wgt_time now)
{
    return k->sent_any && now - k->last < 2 * TCP_COOKIE_STEP;
}

static uint32_t
hash_whole(const struct tcp_cookies *k, const uint8_t tuple[TCP_TUPLE_LEN])
{
    return (uint32_t)k->hash(k->key, tuple, TCP_TUPLE_LEN);
}

static uint32_t
hash_low(const struct tcp_cookies *k, const uint8_t tuple[TCP_TUPLE_LEN], uint32_t irs,
         uint64_t step)
{
    uint8_t bytes[TCP_TUPLE_LEN + 12];

    memcpy(bytes, tuple, TCP_TUPLE_LEN);
    put_be32(bytes + TCP_TUPLE_LEN, irs);
    put_be64(bytes + TCP_TUPLE_LEN + 4, step);
    return (uint32_t)k->hash(k->secret[step & 1], bytes, sizeof(bytes));
}

/* The largest MSS of the table that the peer takes; -1: none. */
static int
mss_index(const struct tcp_options *o, const struct tcp_segment *syn)
{
    uint32_t mss = syn->has_mss && syn->mss != 0 ? syn->mss : o->mss_default;
    int i = N_MSS - 1;

    while (i >= 0 && mss_table(o)[i] > mss)
        i--;
    return i;
}

/* Later timestamps may not be smaller than this one: the clock is never put forward. */
static uint32_t
timestamp_with(uint32_t clock, const struct tcp_segment *syn, bool ecn)
{
    uint32_t bits = syn->has_wscale ? syn->wscale : TS_WSCALE;
    uint32_t ts;

    bits |= syn->has_sack_permitted ? TS_SACK : 0;
    bits |= ecn ? TS_ECN : 0;
    ts = (clock & ~(uint32_t)TS_MASK) | bits;
    return seq_lt(clock, ts) ? ts - (TS_MASK + 1) : ts;
}

/* Without timestamps nothing of this comes back: it is not agreed. */
static struct tcp_segment
syn_to_remember(const struct tcp_segment *syn)
{
    struct tcp_segment s = *syn;

    if (!s.has_ts) {
        s.has_wscale = s.has_sack_permitted = false;
        s.flags &= (uint8_t) ~(TCP_ECE | TCP_CWR);
    }
    return s;
}

bool
tcp_cookie_answer(struct tcp_cookies *k, wgt_time now, const struct tcp_options *o,
                  const uint8_t tuple[TCP_TUPLE_LEN], const struct tcp_segment *syn,
                  struct tcp_segment *out)
{
    struct tcp_segment s = syn_to_remember(syn);
    struct tcp_options options = *o;
    uint64_t step = step_at(now);
    int mss = mss_index(o, syn);
    struct tcp_embryo e;

    if (mss < 0)
        return false;
    options.iss = hash_whole(k, tuple) + syn->seq + ((uint32_t)step << LOW_BITS) +
                  ((hash_low(k, tuple, syn->seq, step) + (uint32_t)mss) & LOW_MASK);
    if (tcp_embryo_open(&e, now, &options, &s, out) != WGT_OK)
        return false;
    if (out->has_ts)
        out->ts_val = timestamp_with(out->ts_val, &s, e.ecn_ok);
    k->last = now;
    k->sent_any = true;
    return true;
}

/* The index that the cookie holds; -1: it is none of ours. */
static int
open_cookie(const struct tcp_cookies *k, wgt_time now, const uint8_t tuple[TCP_TUPLE_LEN],
            uint32_t irs, uint32_t cookie)
{
    uint64_t step = step_at(now);
    uint32_t index;
    uint8_t age;

    cookie -= hash_whole(k, tuple) + irs;
    age = (uint8_t)((uint32_t)step - (cookie >> LOW_BITS));
    if (age > 1 || age > step)
        return -1;
    step -= age;
    if (k->step[step & 1] != step)
        return -1;
    index = (cookie - hash_low(k, tuple, irs, step)) & LOW_MASK;
    return index < N_MSS ? (int)index : -1;
}

static void
options_of_timestamp(struct tcp_embryo *e, const struct tcp_options *o, uint32_t ts)
{
    uint8_t scale = ts & TS_WSCALE;

    e->wscale_ok = scale != TS_WSCALE;
    e->snd_shift = e->wscale_ok ? scale : 0;
    e->sack_ok = ts & TS_SACK;
    e->ecn_ok = o->ecn && (ts & TS_ECN);
}

bool
tcp_cookie_open(const struct tcp_cookies *k, wgt_time now, const struct tcp_options *o,
                const uint8_t tuple[TCP_TUPLE_LEN], const struct tcp_segment *ack,
                struct tcp_embryo *e)
{
    uint32_t clock = (uint32_t)(now / WGT_MSEC) + o->ts_offset;
    int mss;

    if (!tcp_cookies_live(k, now))
        return false;
    if ((ack->flags & (TCP_SYN | TCP_ACK | TCP_RST)) != TCP_ACK)
        return false;
    mss = open_cookie(k, now, tuple, ack->seq - 1, ack->ack - 1);
    if (mss < 0)
        return false;
    *e = (struct tcp_embryo){
        .irs = ack->seq - 1,
        .iss = ack->ack - 1,
        .ts_recent = ack->ts_val,
        .mss = mss_table(o)[mss],
        .window = ack->window,
        .syn_sends = 1,
        .established = true,
        .established_at = now,
        .ts_ok = ack->has_ts,
        .rtt = WGT_NEVER,
        .retransmit_at = WGT_NEVER,
    };
    if (!ack->has_ts)
        return true;
    options_of_timestamp(e, o, ack->ts_ecr);
    /* Up to 64 ms too long, for the bits that the clock gave up. */
    if ((int32_t)(clock - ack->ts_ecr) >= 0)
        e->rtt = wgt_time_min((wgt_time)(clock - ack->ts_ecr) * WGT_MSEC, TCP_RTO_MAX);
    return true;
}
