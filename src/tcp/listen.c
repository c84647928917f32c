/* SPDX-License-Identifier: BSD-3-Clause */
/* Embryos: connections that have carried no data yet. */
#include <wgtcpd/tcp/listen.h>

#include "internal.h"

static uint32_t
clock_at(const struct tcp_options *o, wgt_time t)
{
    return (uint32_t)(t / WGT_MSEC) + o->ts_offset;
}

static uint8_t
receive_shift(const struct tcp_embryo *e, const struct tcp_options *o)
{
    return e->wscale_ok ? tcp_window_shift(tcp_max(o->receive_buffer, o->receive_buffer_max)) : 0;
}

/* The right edge never moves: nothing is received before the first data. */
static uint32_t
window(const struct tcp_options *o)
{
    return tcp_min(o->receive_buffer, UINT16_MAX);
}

static void
fill(const struct tcp_embryo *e, wgt_time now, const struct tcp_options *o, uint8_t flags,
     struct tcp_segment *out)
{
    bool syn = flags & TCP_SYN;

    *out = (struct tcp_segment){
        .src_port = o->src_port,
        .dst_port = o->dst_port,
        .seq = e->iss + !syn,
        .ack = e->irs + 1,
        .flags = flags,
        .window = (uint16_t)(window(o) >> (syn ? 0 : receive_shift(e, o))),
        .has_ts = e->ts_ok,
        .ts_val = clock_at(o, now),
        .ts_ecr = e->ts_recent,
    };
}

static void
fill_syn_ack(const struct tcp_embryo *e, wgt_time now, const struct tcp_options *o,
             struct tcp_segment *out)
{
    /* RFC 3168 6.1.1: ECE without CWR agrees; 6.1.1.1: one that is repeated does without. */
    bool ecn = e->ecn_ok && e->retries == 0;

    fill(e, now, o, (uint8_t)(TCP_SYN | TCP_ACK | (ecn ? TCP_ECE : 0)), out);
    out->has_mss = true;
    out->mss = o->mss_local;
    out->has_sack_permitted = e->sack_ok;
    out->has_wscale = e->wscale_ok;
    out->wscale = receive_shift(e, o);
}

static enum tcp_embryo_event
send_syn_ack(struct tcp_embryo *e, wgt_time now, const struct tcp_options *o,
             struct tcp_segment *out)
{
    fill_syn_ack(e, now, o, out);
    e->syn_time = now;
    if (e->syn_sends < UINT8_MAX)
        e->syn_sends++;
    return TCP_EMBRYO_REPLY;
}

static enum tcp_embryo_event
send_ack(const struct tcp_embryo *e, wgt_time now, const struct tcp_options *o,
         struct tcp_segment *out)
{
    fill(e, now, o, TCP_ACK, out);
    return TCP_EMBRYO_REPLY;
}

/* RFC 5961 7: limited for each connection by itself. */
static enum tcp_embryo_event
challenge(struct tcp_embryo *e, wgt_time now, const struct tcp_options *o, struct tcp_segment *out)
{
    if (now < e->challenge_at)
        return TCP_EMBRYO_WAIT;
    e->challenge_at = now + TCP_CHALLENGE_SPACE;
    return send_ack(e, now, o, out);
}

static bool
asks_for_ecn(const struct tcp_segment *syn)
{
    return (syn->flags & (TCP_ECE | TCP_CWR)) == (TCP_ECE | TCP_CWR);
}

enum wgt_drop
tcp_embryo_open(struct tcp_embryo *e, wgt_time now, const struct tcp_options *o,
                const struct tcp_segment *syn, struct tcp_segment *out)
{
    if ((syn->flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) != TCP_SYN)
        return WGT_DROP_TCP_FLAGS;
    *e = (struct tcp_embryo){
        .irs = syn->seq,
        .iss = o->iss,
        .ts_recent = syn->ts_val,
        .mss = syn->has_mss ? syn->mss : 0,
        .snd_shift = syn->has_wscale ? syn->wscale : 0,
        .ts_ok = syn->has_ts,
        .sack_ok = syn->has_sack_permitted,
        .wscale_ok = syn->has_wscale,
        .ecn_ok = o->ecn && asks_for_ecn(syn),
        .rtt = WGT_NEVER,
        .retransmit_at = now + TCP_RTO_INITIAL,
    };
    send_syn_ack(e, now, o, out);
    return WGT_OK;
}

wgt_time
tcp_embryo_deadline(const struct tcp_embryo *e)
{
    return e->retransmit_at;
}

enum tcp_embryo_event
tcp_embryo_expire(struct tcp_embryo *e, wgt_time now, const struct tcp_options *o,
                  struct tcp_segment *out)
{
    if (now < e->retransmit_at)
        return TCP_EMBRYO_WAIT;
    if (e->retries >= TCP_EMBRYO_RETRIES)
        return TCP_EMBRYO_END;
    e->retries++;
    e->retransmit_at = now + (TCP_RTO_INITIAL << e->retries);
    return send_syn_ack(e, now, o, out);
}

void
tcp_embryo_reset(const struct tcp_embryo *e, const struct tcp_options *o, struct tcp_segment *out)
{
    *out = (struct tcp_segment){
        .src_port = o->src_port,
        .dst_port = o->dst_port,
        .seq = e->iss + 1,
        .ack = e->irs + 1,
        .flags = TCP_RST | TCP_ACK,
    };
}

/* RFC 9293 3.4, table of acceptability; and an ACK at the right edge, where the peer's SND.NXT is
 * when what it sent was lost. */
static bool
acceptable(const struct tcp_embryo *e, const struct tcp_options *o, uint32_t seq, uint32_t len)
{
    uint32_t at = seq - (e->irs + 1);

    if (at < window(o) || (len == 0 && at == window(o)))
        return true;
    return len > 0 && at + len - 1 < window(o);
}

/* RFC 5961 3.2. */
static enum tcp_embryo_event
take_reset(struct tcp_embryo *e, wgt_time now, const struct tcp_options *o,
           const struct tcp_segment *seg, struct tcp_segment *out, enum wgt_drop *why)
{
    uint32_t at = seg->seq - (e->irs + 1);

    if (at == 0)
        return TCP_EMBRYO_END;
    if (at < window(o)) {
        *why = WGT_DROP_TCP_RST_CHALLENGED;
        return challenge(e, now, o, out);
    }
    *why = WGT_DROP_TCP_RST_IGNORED;
    return TCP_EMBRYO_WAIT;
}

/* Karn's rule, or the timestamp that the ACK echoes (RFC 7323 4.1). */
static wgt_time
handshake_rtt(const struct tcp_embryo *e, wgt_time now, const struct tcp_options *o,
              const struct tcp_segment *seg)
{
    int32_t ticks = (int32_t)(clock_at(o, now) - seg->ts_ecr);

    if (e->syn_sends == 1)
        return now - e->syn_time;
    if (e->ts_ok && seg->has_ts && ticks >= 0)
        return wgt_time_min((wgt_time)ticks * WGT_MSEC, TCP_RTO_MAX);
    return WGT_NEVER;
}

/* Fifth: the ACK field (RFC 9293 3.10.7.4; RFC 5961 5.2). There is only our SYN to acknowledge. */
static bool
ack_acceptable(const struct tcp_embryo *e, const struct tcp_segment *seg)
{
    uint32_t nxt = e->iss + 1;

    if (!e->established)
        return seg->ack == nxt;
    return seq_leq(nxt - ((uint32_t)e->window << e->snd_shift), seg->ack) && seq_leq(seg->ack, nxt);
}

static enum tcp_embryo_event
refuse_ack(struct tcp_embryo *e, wgt_time now, const struct tcp_options *o,
           const struct tcp_segment *seg, struct tcp_segment *out)
{
    if (e->established)
        return challenge(e, now, o, out);
    return tcp_reset_for(seg, out) ? TCP_EMBRYO_REPLY : TCP_EMBRYO_WAIT;
}

static void
take_ack(struct tcp_embryo *e, wgt_time now, const struct tcp_options *o,
         const struct tcp_segment *seg)
{
    if (!e->established) {
        e->established = true;
        e->established_at = now;
        e->rtt = handshake_rtt(e, now, o, seg);
        e->retransmit_at = WGT_NEVER;
    }
    if (seg->ack == e->iss + 1)
        e->window = seg->window;
    /* RFC 7323 4.3: all we ever acknowledged is the SYN */
    if (e->ts_ok && seg->has_ts && seq_leq(seg->seq, e->irs + 1) &&
        seq_leq(e->ts_recent, seg->ts_val))
        e->ts_recent = seg->ts_val;
}

/* Seventh and eighth: the segment is acceptable and its ACK taken. */
static enum tcp_embryo_event
take_text(struct tcp_embryo *e, wgt_time now, const struct tcp_options *o,
          const struct tcp_segment *seg, struct tcp_segment *out, enum wgt_drop *why)
{
    bool in_order = seq_leq(seg->seq, e->irs + 1);

    if (seg->payload.len > 0 && in_order)
        return TCP_EMBRYO_DATA;
    if (seg->payload.len > 0) {
        *why = WGT_DROP_TCP_REASSEMBLY_FULL;
        return send_ack(e, now, o, out);
    }
    if (!(seg->flags & TCP_FIN))
        return TCP_EMBRYO_WAIT;
    if (!in_order)
        return send_ack(e, now, o, out);
    /* It closes and has said nothing: there is nobody to talk to. */
    tcp_embryo_reset(e, o, out);
    out->ack++;
    return TCP_EMBRYO_RESET;
}

/* The peer's SYN again: our answer was lost, or is late. */
static enum tcp_embryo_event
repeat_syn_ack(struct tcp_embryo *e, wgt_time now, const struct tcp_options *o,
               const struct tcp_segment *syn, struct tcp_segment *out)
{
    e->ecn_ok = e->ecn_ok && asks_for_ecn(syn); /* it may ask for less than the first */
    if (now < e->challenge_at)
        return TCP_EMBRYO_WAIT;
    e->challenge_at = now + TCP_CHALLENGE_SPACE;
    return send_syn_ack(e, now, o, out);
}

/* Not acceptable: what carries text is answered each time, as a peer that repeats it waits for an
 * ACK. */
static enum tcp_embryo_event
refuse(struct tcp_embryo *e, wgt_time now, const struct tcp_options *o,
       const struct tcp_segment *seg, struct tcp_segment *out)
{
    if (tcp_segment_seq_len(seg) > 0 && !(seg->flags & TCP_SYN))
        return send_ack(e, now, o, out);
    return challenge(e, now, o, out);
}

enum tcp_embryo_event
tcp_embryo_input(struct tcp_embryo *e, wgt_time now, const struct tcp_options *o,
                 const struct tcp_segment *seg, struct tcp_segment *out, enum wgt_drop *why)
{
    *why = WGT_OK;
    if (!e->established && (seg->flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN &&
        seg->seq == e->irs) {
        *why = WGT_DROP_TCP_DUPLICATE;
        return repeat_syn_ack(e, now, o, seg, out);
    }
    if (seg->flags & TCP_RST)
        return take_reset(e, now, o, seg, out, why);
    if (e->ts_ok && seg->has_ts && seq_lt(seg->ts_val, e->ts_recent)) {
        *why = WGT_DROP_TCP_PAWS;
        return refuse(e, now, o, seg, out);
    }
    if (!acceptable(e, o, seg->seq, tcp_segment_seq_len(seg)) || (seg->flags & TCP_SYN)) {
        *why = seg->flags & TCP_SYN ? WGT_DROP_TCP_SYN_IN_WINDOW : WGT_DROP_TCP_SEQUENCE;
        return refuse(e, now, o, seg, out);
    }
    if (!(seg->flags & TCP_ACK)) {
        *why = WGT_DROP_TCP_NO_ACK;
        return TCP_EMBRYO_WAIT;
    }
    if (!ack_acceptable(e, seg)) {
        *why = WGT_DROP_TCP_ACK;
        return refuse_ack(e, now, o, seg, out);
    }
    take_ack(e, now, o, seg);
    return take_text(e, now, o, seg, out, why);
}

/* The SYN as it came, as far as it matters. */
static struct tcp_segment
remembered_syn(const struct tcp_embryo *e, const struct tcp_options *o)
{
    return (struct tcp_segment){
        .src_port = o->dst_port,
        .dst_port = o->src_port,
        .seq = e->irs,
        .flags = (uint8_t)(TCP_SYN | (e->ecn_ok ? TCP_ECE | TCP_CWR : 0)),
        .window = e->window,
        .has_mss = e->mss != 0,
        .mss = e->mss,
        .has_wscale = e->wscale_ok,
        .wscale = e->snd_shift,
        .has_sack_permitted = e->sack_ok,
        .has_ts = e->ts_ok,
        .ts_val = e->ts_recent,
    };
}

/* The handshake is played through once more, so that there is one way in which connections come to
 * be. */
bool
tcp_open_embryo(struct tcp_conn *c, const struct tcp_options *o, const struct tcp_embryo *e)
{
    wgt_time rtt = e->rtt == WGT_NEVER ? 0 : wgt_time_min(e->rtt, e->established_at);
    struct tcp_segment syn = remembered_syn(e, o), ack = syn;
    struct tcp_options options = *o;
    struct tcp_out out;
    bool kept;

    options.iss = e->iss;
    if (tcp_open_passive(c, e->established_at - rtt, &options, &syn) != WGT_OK)
        return false;
    c->syn_retries = e->retries;
    (void)tcp_output(c, e->established_at - rtt, &out);
    ack.flags = TCP_ACK;
    ack.seq = e->irs + 1;
    ack.ack = e->iss + 1;
    ack.ts_ecr = out.seg.ts_val;
    if (e->rtt == WGT_NEVER) {
        c->syn_sends = 2;
        ack.ts_ecr++; /* an echo from the future: no sample either */
    }
    (void)tcp_input(c, e->established_at, &ack, NULL, &kept);
    if (tcp_state(c) == TCP_ESTABLISHED)
        return true;
    tcp_abort(c, e->established_at);
    return false;
}
