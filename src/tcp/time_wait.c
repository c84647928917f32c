/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/tcp/time_wait.h>

#include "internal.h"

void
tcp_time_wait_enter(struct tcp_time_wait *w, const struct tcp_conn *c)
{
    *w = (struct tcp_time_wait){
        .snd_nxt = c->snd_nxt,
        .rcv_nxt = c->rcv_nxt,
        .ts_recent = c->ts_recent,
        .ts_offset = c->options.ts_offset,
        .window = (uint16_t)tcp_min((c->rcv_adv - c->rcv_nxt) >> c->rcv_shift, UINT16_MAX),
        .ts_ok = c->ts_ok,
        .until = c->state_at,
    };
}

static enum tcp_time_wait_event
send_ack(const struct tcp_time_wait *w, wgt_time now, const struct tcp_segment *seg,
         struct tcp_segment *out)
{
    *out = (struct tcp_segment){
        .src_port = seg->dst_port,
        .dst_port = seg->src_port,
        .seq = w->snd_nxt,
        .ack = w->rcv_nxt,
        .flags = TCP_ACK,
        .window = w->window,
        .has_ts = w->ts_ok,
        .ts_val = (uint32_t)(now / WGT_MSEC) + w->ts_offset,
        .ts_ecr = w->ts_recent,
    };
    return TCP_TIME_WAIT_REPLY;
}

/* RFC 6191 2: a later timestamp, or none to compare and a higher sequence number. */
static bool
syn_is_new(const struct tcp_time_wait *w, const struct tcp_segment *seg)
{
    if (w->ts_ok && seg->has_ts && seg->ts_val != w->ts_recent)
        return seq_lt(w->ts_recent, seg->ts_val);
    return seq_lt(w->rcv_nxt, seg->seq);
}

enum tcp_time_wait_event
tcp_time_wait_input(struct tcp_time_wait *w, wgt_time now, const struct tcp_segment *seg,
                    struct tcp_segment *out, enum wgt_drop *why)
{
    *why = WGT_OK;
    if (seg->flags & TCP_RST) {
        if (seg->seq == w->rcv_nxt)
            return TCP_TIME_WAIT_END;
        *why = WGT_DROP_TCP_RST_IGNORED;
        return TCP_TIME_WAIT_STAY;
    }
    if ((seg->flags & (TCP_SYN | TCP_ACK | TCP_FIN)) == TCP_SYN && syn_is_new(w, seg))
        return TCP_TIME_WAIT_SYN;
    /* The peer's FIN again: our last ACK was lost, and 2 MSL begin anew. */
    if ((seg->flags & (TCP_SYN | TCP_FIN)) == TCP_FIN &&
        seg->seq + tcp_segment_seq_len(seg) == w->rcv_nxt) {
        w->until = now + TCP_TIME_WAIT_LENGTH;
        return send_ack(w, now, seg, out);
    }
    *why = seg->flags & TCP_SYN ? WGT_DROP_TCP_SYN_IN_WINDOW : WGT_DROP_TCP_SEQUENCE;
    if (seg->seq == w->rcv_nxt && tcp_segment_seq_len(seg) == 0) {
        *why = WGT_OK; /* an ACK that says nothing new */
        return TCP_TIME_WAIT_STAY;
    }
    if (now < w->challenge_at)
        return TCP_TIME_WAIT_STAY;
    w->challenge_at = now + TCP_CHALLENGE_SPACE;
    return send_ack(w, now, seg, out);
}

uint32_t
tcp_time_wait_iss(const struct tcp_time_wait *w, uint32_t iss)
{
    return seq_lt(w->snd_nxt, iss) ? iss : w->snd_nxt + UINT16_MAX + 2;
}
