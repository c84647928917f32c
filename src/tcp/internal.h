/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the TCP engine share. */
#ifndef WGTCPD_SRC_TCP_INTERNAL_H
#define WGTCPD_SRC_TCP_INTERNAL_H

#include <wgtcpd/tcp/tcp.h>

#define TCP_RTO_INITIAL       (1 * WGT_SEC)    /* RFC 6298 2.1 */
#define TCP_RTO_MIN           (200 * WGT_MSEC) /* below the RFC's 1 s, as all large stacks are */
#define TCP_RTO_MAX           (60 * WGT_SEC)
#define TCP_RTO_AFTER_SYN     (3 * WGT_SEC) /* RFC 6298 5.7 */
#define TCP_CLOCK_GRANULARITY (1 * WGT_MSEC)
#define TCP_DELAYED_ACK       (40 * WGT_MSEC)
#define TCP_CHALLENGE_SPACE   (500 * WGT_MSEC)
#define TCP_TIME_WAIT_LENGTH  (60 * WGT_SEC)
#define TCP_FIN_WAIT_2_LENGTH (60 * WGT_SEC)
#define TCP_USER_TIMEOUT      (100 * WGT_SEC) /* RFC 9293 3.8.3: R2 at least 100 s */
#define TCP_PAWS_IDLE         (UINT64_C(24) * 86400 * WGT_SEC) /* RFC 7323 5.5 */

enum {
    TCP_TS_OPTION_LEN = 12,
    TCP_MSS_FLOOR = 48, /* a smaller announcement is absurd: headers would outweigh data */
    TCP_SHIFT_MAX = 14, /* RFC 7323 2.3 */
    TCP_SYN_RETRIES = 6,
    TCP_SYN_ACK_RETRIES = 5,
    TCP_DUP_THRESHOLD = 3,
    TCP_UNSENT_ACKS = 3,
    TCP_ROOM_MIN = 64 * 1024,
    TCP_DUP_ACKS_OWED_MAX = 8,
};

/* tcp_sent.flags */
enum {
    TCP_SENT_USED = 0x01,
    TCP_SENT_IS_RECORD = 0x02, /* lies in a tcp_record */
    TCP_SENT_FIN = 0x04,
    TCP_SENT_PSH = 0x08,
    TCP_SENT_SACKED = 0x10,
    TCP_SENT_RETRANSMITTED = 0x20,
    TCP_SENT_APP_LIMITED = 0x40,
};

static inline uint32_t
tcp_min(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static inline uint32_t
tcp_max(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static inline uint32_t
tcp_seq_max(uint32_t a, uint32_t b)
{
    return seq_lt(a, b) ? b : a;
}

static inline uint32_t
tcp_seq_min(uint32_t a, uint32_t b)
{
    return seq_lt(a, b) ? a : b;
}

/* Bytes of sequence space sent and not cumulatively acknowledged. */
static inline uint32_t
tcp_outstanding(const struct tcp_conn *c)
{
    return c->snd_nxt - c->snd_una;
}

/* memory.c. get: NULL when none is left (or no memory was given), or c has its share. */
union tcp_record *tcp_record_get(struct tcp_conn *c);
bool tcp_record_available(const struct tcp_conn *c);
/* One that is certainly there: it was available, or another was put back for it. c may still hold
 * more than its share then, when others have taken theirs meanwhile. */
union tcp_record *tcp_record_replace(struct tcp_conn *c);
void tcp_record_put(struct tcp_conn *c, union tcp_record *r);
/* Makes c->tx its own, if it is not; false: there are fewer than connections. */
bool tcp_tx_begin(struct tcp_conn *c);
/* Nothing is queued nor outstanding any more: c->tx goes back. */
void tcp_tx_end(struct tcp_conn *c);
/* A new connection has none. */
void tcp_tx_none(struct tcp_conn *c);
extern const struct tcp_tx tcp_tx_idle;
static inline bool
tcp_is_busy(const struct tcp_conn *c)
{
    return c->tx != &tcp_tx_idle;
}

/* queue.c: chunks */
void tcp_queue_push(struct tcp_chunk_queue *q, struct tcp_chunk *chunk);
struct tcp_chunk *tcp_queue_pop(struct tcp_chunk_queue *q);
void tcp_queue_splice(struct tcp_chunk_queue *q, struct tcp_chunk *head, struct tcp_chunk *tail);
/* The connection is done with these (head NULL: with none): tcp_reclaim. */
void tcp_give_back(struct tcp_conn *c, struct tcp_chunk *head, struct tcp_chunk *tail);

/* rtt.c */
void tcp_rtt_init(struct tcp_rtt *r);
/* samples_per_rtt: how many samples a round trip is expected to give (RFC 7323 appendix G). */
void tcp_rtt_sample(struct tcp_rtt *r, wgt_time now, wgt_time rtt, uint32_t samples_per_rtt);
static inline bool
tcp_rtt_measured(const struct tcp_rtt *r)
{
    return r->min[0] != WGT_NEVER;
}
wgt_time tcp_rto(const struct tcp_conn *c); /* with back-off */
/* Smallest sample of the last minutes; WGT_NEVER before the first. */
wgt_time tcp_rtt_min(const struct tcp_rtt *r);

/* options.c */
uint32_t tcp_ts_at(const struct tcp_conn *c, wgt_time t);
void tcp_options_offer(const struct tcp_conn *c, wgt_time now, struct tcp_segment *seg);
void tcp_options_learn(struct tcp_conn *c, wgt_time now, const struct tcp_segment *syn);
bool tcp_paws_rejects(const struct tcp_conn *c, wgt_time now, const struct tcp_segment *seg);
void tcp_ts_update(struct tcp_conn *c, wgt_time now, const struct tcp_segment *seg, uint32_t seq);

/* copy.c */
void tcp_copy_sent(struct tcp_conn *c, wgt_time now, const struct tcp_sent *s);
const struct tcp_sent *tcp_copy_take(struct tcp_conn *c, wgt_time now);
bool tcp_copy_explains(const struct tcp_conn *c, wgt_time now, const struct tcp_sack_block *dsack);

/* ecn.c */
uint8_t tcp_ecn_syn_flags(struct tcp_conn *c);
void tcp_ecn_learn(struct tcp_conn *c, const struct tcp_segment *syn);
void tcp_ecn_data(struct tcp_conn *c, const struct tcp_segment *seg);
uint8_t tcp_ecn_ack_flags(const struct tcp_conn *c);
void tcp_ecn_ack(struct tcp_conn *c, wgt_time now, const struct tcp_segment *seg, uint32_t flight);
void tcp_ecn_new_data(struct tcp_conn *c, struct tcp_out *out);

/* mtu.c */
void tcp_mtu_init(struct tcp_conn *c);
uint32_t tcp_mtu_limit(struct tcp_conn *c, wgt_time now);
void tcp_mtu_sent(struct tcp_conn *c, const struct tcp_sent *s);
void tcp_mtu_delivered(struct tcp_conn *c, wgt_time now, const struct tcp_sent *s);
bool tcp_mtu_lost(struct tcp_conn *c, wgt_time now, const struct tcp_sent *s);
enum wgt_drop tcp_mtu_too_big(struct tcp_conn *c, wgt_time now, const struct icmp_error *e);
void tcp_mtu_timeout(struct tcp_conn *c, wgt_time now);
void tcp_mtu_progress(struct tcp_conn *c);

/* keepalive.c */
wgt_time tcp_keepalive_at(const struct tcp_conn *c);
void tcp_keepalive_heard(struct tcp_conn *c, wgt_time now);
bool tcp_keepalive_expired(struct tcp_conn *c, wgt_time now);

/* window.c: the receive window */
uint8_t tcp_window_shift(uint32_t receive_buffer);
uint32_t tcp_window_on_syn(const struct tcp_conn *c);
uint16_t tcp_window_announce(struct tcp_conn *c);
bool tcp_window_update_due(const struct tcp_conn *c);
bool tcp_window_accepts(const struct tcp_conn *c, uint32_t seq, uint32_t len);

/* reassembly.c: chunk->seq and len lie inside the window */
/* It begins at RCV.NXT, and nothing waits beyond a hole. */
void tcp_rx_take_next(struct tcp_conn *c, struct tcp_chunk *chunk);
enum wgt_drop tcp_rx_take(struct tcp_conn *c, struct tcp_chunk *chunk, bool *kept);
void tcp_rx_discard_runs(struct tcp_conn *c);
/* Chunks that wait beyond holes came and went. */
void tcp_rx_count_chunks(struct tcp_conn *c, uint32_t more, uint32_t fewer);

/* sack.c: the receiver's side */
void tcp_dsack_note(struct tcp_conn *c, uint32_t left, uint32_t right);
void tcp_sack_fill(struct tcp_conn *c, struct tcp_segment *seg);

/* sent.c: sent segments */
/* NULL when no record is free: wait for ACKs. chunk NULL: a FIN alone. */
struct tcp_sent *tcp_sent_new(struct tcp_conn *c, struct tcp_chunk *chunk);
void tcp_sent_transmit(struct tcp_conn *c, wgt_time now, struct tcp_sent *s);
void tcp_sent_lose(struct tcp_conn *c, struct tcp_sent *s);
/* All that is lost goes back into flight, as if it had not been given up. */
void tcp_sent_find_all(struct tcp_conn *c);
/* Cuts s behind len bytes of its payload; false: no record is free. */
bool tcp_sent_split(struct tcp_conn *c, struct tcp_sent *s, uint32_t len);
void tcp_sent_forget(struct tcp_conn *c);

static inline uint32_t
tcp_sent_seq_len(const struct tcp_sent *s)
{
    return s->len + !!(s->flags & TCP_SENT_FIN);
}

/* What an ACK told about sent segments. */
struct tcp_delivery {
    wgt_time now;
    const struct tcp_segment *seg;
    uint32_t prior_flight; /* bytes in the network before it */
    uint32_t prior_fack;   /* highest sequence number known delivered before it */
    uint32_t delivered;    /* bytes known delivered for the first time */
    wgt_time first_sent;   /* of the earliest segment freed that was sent once and not SACKed */
    bool timed;            /* first_sent is valid */
    bool ambiguous;        /* a segment was freed that had been sent again or given up */
    wgt_time last_sent;    /* then: last transmission of such a one */
    wgt_time rtt;          /* the sample taken; WGT_NEVER: none */
    bool original;         /* a segment arrived that left before the last timeout, and once only */
    bool dsack;            /* the first block reports a duplicate */
    bool dsack_expected;   /* of a tail loss probe, or of a copy sent in advance */
    /* the newest transmission that arrived */
    bool sampled;
    uint64_t sampled_order;
    wgt_time sampled_rtt;
    wgt_time send_elapsed, ack_elapsed;
    struct tcp_cc_rate rate;
};
void tcp_sent_ack(struct tcp_conn *c, struct tcp_delivery *d, uint32_t ack);
void tcp_sent_sack(struct tcp_conn *c, struct tcp_delivery *d);
void tcp_sent_unsack(struct tcp_conn *c);

/* ack.c: the sender's side of an arriving segment */
void tcp_ack(struct tcp_conn *c, wgt_time now, const struct tcp_segment *seg, uint32_t seq);

/* rate.c */
void tcp_rate_sent(struct tcp_conn *c, wgt_time now, struct tcp_sent *s, uint32_t pipe);
uint64_t tcp_rate_delivered_at(const struct tcp_conn *c, const struct tcp_sent *s);
void tcp_rate_lost(struct tcp_conn *c, uint32_t bytes);
void tcp_rate_delivered(struct tcp_conn *c, struct tcp_delivery *d, uint32_t bytes,
                        const struct tcp_sent *s);
void tcp_rate_sample(struct tcp_conn *c, const struct tcp_delivery *d, struct tcp_cc_rate *rate);

/* pace.c */
uint64_t tcp_pacing_rate(const struct tcp_conn *c);
uint32_t tcp_pace_allows(const struct tcp_conn *c, wgt_time now);
wgt_time tcp_pace_at(const struct tcp_conn *c, wgt_time now);
void tcp_pace_catch_up(struct tcp_conn *c, wgt_time now);
void tcp_pace_sent(struct tcp_conn *c, wgt_time now, uint32_t bytes);

/* rack.c */
void tcp_rack_init(struct tcp_conn *c);
void tcp_rack_delivered(struct tcp_conn *c, const struct tcp_delivery *d, const struct tcp_sent *s,
                        bool last);
void tcp_rack_dsack(struct tcp_conn *c);
void tcp_rack_recovery_ends(struct tcp_conn *c);
bool tcp_rack_detect(struct tcp_conn *c, wgt_time now);
void tcp_rack_timeout(struct tcp_conn *c, wgt_time now);

/* tlp.c */
void tcp_tlp_arm(struct tcp_conn *c, wgt_time now);
void tcp_tlp_stop(struct tcp_conn *c);
void tcp_tlp_expired(struct tcp_conn *c, wgt_time now);
void tcp_tlp_sent(struct tcp_conn *c, const struct tcp_sent *s);
bool tcp_tlp_ack(struct tcp_conn *c, struct tcp_delivery *d, bool duplicate);

/* undo.c */
void tcp_undo_begin(struct tcp_conn *c, bool timeout);
/* The repair is complete; D-SACKs may still say that it was needless. */
void tcp_undo_repaired(struct tcp_conn *c);
void tcp_undo_sent_again(struct tcp_conn *c, wgt_time now, const struct tcp_sent *s);
bool tcp_undo_due(struct tcp_conn *c, const struct tcp_delivery *d, uint32_t acked);
/* F-RTO: retransmissions wait for a second ACK. */
bool tcp_undo_holds(const struct tcp_conn *c);

/* recovery.c */
void tcp_recovery_lose(struct tcp_conn *c, wgt_time now, struct tcp_sent *s);
void tcp_recovery_reorder_timer(struct tcp_conn *c, wgt_time now);
void tcp_recovery_ack(struct tcp_conn *c, struct tcp_delivery *d, uint32_t acked, bool duplicate);
void tcp_recovery_timeout(struct tcp_conn *c, wgt_time now);
void tcp_recovery_sent(struct tcp_conn *c, uint32_t bytes);
/* The algorithm is another one from now on. */
void tcp_recovery_adopt(struct tcp_conn *c, wgt_time now);
/* Bytes believed in the network (RFC 6675 "pipe"). */
uint32_t tcp_pipe(const struct tcp_conn *c);

/* state.c */
void tcp_establish(struct tcp_conn *c, wgt_time now, const struct tcp_segment *seg);
void tcp_finish(struct tcp_conn *c, enum tcp_end end);
void tcp_enter_time_wait(struct tcp_conn *c, wgt_time now);
void tcp_enter_fin_wait_2(struct tcp_conn *c, wgt_time now);
void tcp_queue_reset(struct tcp_conn *c);
void tcp_queue_reset_for(struct tcp_conn *c, const struct tcp_segment *seg);
void tcp_challenge(struct tcp_conn *c, wgt_time now);

/* timer.c */
void tcp_timers_expire(struct tcp_conn *c, wgt_time now);
void tcp_timers_store(struct tcp_conn *c);
void tcp_timers_stop(struct tcp_conn *c);

#endif
