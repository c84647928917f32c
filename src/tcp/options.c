/* SPDX-License-Identifier: BSD-3-Clause */
/* MSS (RFC 6691), window scale and timestamps (RFC 7323), SACK-permitted (RFC 2018). */
#include "internal.h"

/* RFC 7323 5.4: a clock of 1 ms a tick, with a random offset for each connection. */
uint32_t
tcp_ts_at(const struct tcp_conn *c, wgt_time t)
{
    return (uint32_t)(t / WGT_MSEC) + c->options.ts_offset;
}

/* Options of our SYN: all we speak; of our SYN,ACK: what the peer's SYN offered too. */
void
tcp_options_offer(const struct tcp_conn *c, wgt_time now, struct tcp_segment *seg)
{
    bool answer = c->state == TCP_SYN_RECEIVED;

    seg->has_mss = true;
    seg->mss = c->options.mss_local;
    seg->has_sack_permitted = !answer || c->sack_ok;
    seg->has_wscale = !answer || c->wscale_ok;
    seg->wscale = tcp_window_shift(c->options.receive_buffer_max);
    seg->has_ts = !answer || c->ts_ok;
    if (seg->has_ts) {
        seg->ts_val = tcp_ts_at(c, now);
        seg->ts_ecr = answer ? c->ts_recent : 0;
    }
}

/* What both SYNs carry is agreed. */
void
tcp_options_learn(struct tcp_conn *c, wgt_time now, const struct tcp_segment *syn)
{
    uint32_t mss = syn->has_mss && syn->mss != 0 ? syn->mss : c->options.mss_default;

    c->wscale_ok = syn->has_wscale;
    c->snd_shift = syn->has_wscale ? (uint8_t)tcp_min(syn->wscale, TCP_SHIFT_MAX) : 0;
    c->rcv_shift = syn->has_wscale ? tcp_window_shift(c->options.receive_buffer_max) : 0;
    c->sack_ok = syn->has_sack_permitted;
    c->ts_ok = syn->has_ts;
    if (syn->has_ts) {
        c->ts_recent = syn->ts_val;
        c->ts_recent_time = now;
    }

    /* What we announce is also what our own link carries: never send more. */
    mss = tcp_max(tcp_min(mss, c->options.mss_local), TCP_MSS_FLOOR);
    /* RFC 6691: the option bytes of each segment come out of the MSS. */
    c->mss = mss - (c->ts_ok ? TCP_TS_OPTION_LEN : 0);
    tcp_mtu_init(c);
    tcp_ecn_learn(c, syn);
}

/* RFC 7323 5.3 R1, with 5.5: after 24 idle days the peer's clock may have wrapped. A segment
 * without the option is taken: middleboxes strip it, and the RFC leaves the choice. */
bool
tcp_paws_rejects(const struct tcp_conn *c, wgt_time now, const struct tcp_segment *seg)
{
    return c->ts_ok && seg->has_ts && !(seg->flags & TCP_RST) &&
           seq_lt(seg->ts_val, c->ts_recent) && now - c->ts_recent_time < TCP_PAWS_IDLE;
}

/* RFC 7323 4.3: only a segment that spans or precedes the last ACK sent moves TS.Recent, so that a
 * delayed ACK echoes the earliest segment it answers. */
void
tcp_ts_update(struct tcp_conn *c, wgt_time now, const struct tcp_segment *seg, uint32_t seq)
{
    bool stale = now - c->ts_recent_time >= TCP_PAWS_IDLE;

    if (!c->ts_ok || !seg->has_ts || !seq_leq(seq, c->last_ack_sent))
        return;
    if (seq_leq(c->ts_recent, seg->ts_val) || stale) {
        c->ts_recent = seg->ts_val;
        c->ts_recent_time = now;
    }
}
