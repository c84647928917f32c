/* SPDX-License-Identifier: BSD-3-Clause */
/* The receive window: what is accepted, what is announced. */
#include "internal.h"

/* Smallest scale that lets the whole buffer be announced. */
uint8_t
tcp_window_shift(uint32_t receive_buffer)
{
    uint8_t shift = 0;

    while (shift < TCP_SHIFT_MAX && receive_buffer >> shift > UINT16_MAX)
        shift++;
    return shift;
}

/* RFC 7323 2.2: the window of a SYN is never scaled. */
uint32_t
tcp_window_on_syn(const struct tcp_conn *c)
{
    return tcp_min(c->options.receive_buffer, UINT16_MAX);
}

/* Room for bytes from RCV.NXT on. What waits beyond a hole lies inside it. */
static uint32_t
room(const struct tcp_conn *c)
{
    uint32_t free_bytes =
        c->options.receive_buffer - tcp_min(c->options.receive_buffer, c->ready_bytes);

    return tcp_min(free_bytes, (uint32_t)UINT16_MAX << c->rcv_shift);
}

void
tcp_widen(struct tcp_conn *c, uint32_t receive_buffer)
{
    receive_buffer = tcp_min(receive_buffer, c->options.receive_buffer_max);
    if (receive_buffer <= c->options.receive_buffer)
        return;
    c->options.receive_buffer = receive_buffer;
    c->window_opened = true; /* the peer may be waiting for it */
}

/* How far the right edge could move now. */
static uint32_t
advance(const struct tcp_conn *c)
{
    uint32_t edge = c->rcv_nxt + room(c);

    return seq_lt(c->rcv_adv, edge) ? edge - c->rcv_adv : 0;
}

/* RFC 9293 3.8.6.2.2: a smaller step would teach the sender to send silly segments. */
static uint32_t
worthwhile(const struct tcp_conn *c)
{
    return tcp_max(tcp_min(c->options.receive_buffer / 2, c->options.mss_local), 1);
}

/*
 * The window that still stands, in units of the scale, without moving the right edge left (RFC 9293
 * 3.8.6): rounded up. Rounding up at every segment would let the edge creep along with RCV.NXT, so
 * beyond an eighth of the buffer it is rounded down; the bytes up to rcv_adv are honoured even so
 * (RFC 7323 2.4).
 */
static uint32_t
standing_window(const struct tcp_conn *c)
{
    uint32_t left = c->rcv_adv - c->rcv_nxt;
    uint32_t unit = 1u << c->rcv_shift;
    uint32_t up = tcp_min((left + unit - 1) >> c->rcv_shift, UINT16_MAX);
    uint32_t limit = c->options.receive_buffer + c->options.receive_buffer / 8;

    if (c->ready_bytes + (up << c->rcv_shift) <= limit + unit)
        return up;
    return tcp_min(left >> c->rcv_shift, UINT16_MAX);
}

uint16_t
tcp_window_announce(struct tcp_conn *c)
{
    uint32_t field = standing_window(c);

    if (advance(c) >= worthwhile(c))
        field = tcp_max(field, room(c) >> c->rcv_shift);
    c->rcv_adv = tcp_seq_max(c->rcv_adv, c->rcv_nxt + (field << c->rcv_shift));
    return (uint16_t)field;
}

/* Whether reading has opened the window so far that the peer should hear of it unasked: half of the
 * buffer, or any worthwhile step when it may soon be out of room. */
bool
tcp_window_update_due(const struct tcp_conn *c)
{
    uint32_t step = advance(c);
    uint32_t left = c->rcv_adv - c->rcv_nxt;

    if (!c->window_opened || c->fin_received || step >> c->rcv_shift == 0)
        return false;
    if (step >= c->options.receive_buffer / 2)
        return true;
    return left <= c->options.receive_buffer / 4 && step >= worthwhile(c);
}

/* RFC 9293 3.4, table of acceptability. */
bool
tcp_window_accepts(const struct tcp_conn *c, uint32_t seq, uint32_t len)
{
    uint32_t wnd = c->rcv_adv - c->rcv_nxt;

    if (wnd == 0)
        return len == 0 && seq == c->rcv_nxt;
    if (seq - c->rcv_nxt < wnd)
        return true;
    return len > 0 && seq + len - 1 - c->rcv_nxt < wnd;
}
