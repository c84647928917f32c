/* SPDX-License-Identifier: BSD-3-Clause */
/* Layout of a connection, for embedding only: no field is to be read or written outside src/tcp. */
#ifndef WGTCPD_TCP_CONN_H
#define WGTCPD_TCP_CONN_H

#include <wgtcpd/tcp/tcp.h>

/* TCP_RX_RUNS: runs of bytes beyond a hole; more are refused. */
enum { TCP_RX_RUNS = 128, TCP_SACK_SEEN = 4 };

struct tcp_chunk_queue {
    struct tcp_chunk *head, *tail;
};

struct tcp_sent_list {
    struct tcp_sent *head, *tail;
    uint32_t bytes; /* sequence space of its members */
};

/* A contiguous run of received bytes that starts beyond RCV.NXT. Its chunks hold what was not taken
 * early, possibly nothing. */
struct tcp_rx_run {
    struct tcp_rx_run *next; /* in sequence order */
    struct tcp_chunk *head, *tail;
    uint32_t left, right;
    uint32_t touched; /* when it last changed: SACK blocks go out most recent first */
    bool taken;       /* bytes were */
    /* Where the reader goes on: behind the last bytes taken (resume_known), or at what it marked.
     */
    bool resumable, resume_known;
    uint32_t resume;
    struct tcp_chunk *resume_in; /* the chunk it lies in; NULL: at the end of the run */
};

union tcp_record {
    union tcp_record *next; /* while free */
    struct tcp_sent sent;   /* a segment that starts in the middle of a chunk */
    struct tcp_rx_run run;
};

struct tcp_rtt {
    wgt_time srtt, rttvar, rto; /* rto without back-off */
    wgt_time min[2];            /* smallest sample of the present and of the last period; min[0] is
                                 * WGT_NEVER until there was any */
    wgt_time period;            /* when the present one began */
};

/* Delivery rate estimation. */
struct tcp_rate {
    uint64_t delivered, lost; /* bytes, since the beginning */
    wgt_time delivered_time;  /* when it grew last */
    uint64_t last;            /* sample, bytes a second */
    uint64_t app_limited;     /* samples say too little until so much is delivered; 0: they don't */
};

/* What outlives a flight of RFC 8985 5.2: what is known of the path's reordering. */
struct tcp_rack {
    wgt_time rtt; /* how long the last to arrive, in order of transmission, took */
    uint32_t dsack_end;
    bool reordering_seen, dsack_round;
    uint8_t mult, persist;
};

/* RFC 8985 7.1. A probe may be judged by an ACK of the next flight only. */
struct tcp_tlp {
    uint32_t end; /* SND.NXT when the probe was sent */
    bool due, out, again, sampled;
};

/* What the last reduction of the window took, in case it was for nothing. */
struct tcp_undo {
    uint32_t una;         /* SND.UNA then */
    uint32_t end, high;   /* of the first and the highest segment sent again since */
    uint32_t retransmits; /* segments sent again since, less those that D-SACKs report */
    uint32_t ts;          /* timestamp of the first of them */
    uint64_t order;       /* tx_order then: what left before */
    uint32_t until;       /* once over: D-SACKs count until this is acknowledged */
    bool possible, any;
    bool timeout; /* began with one */
    bool judged;  /* by RFC 3522: only the first ACK can tell */
    bool over;    /* the repair is complete */
    uint8_t frto; /* RFC 5682: steps taken after a timeout */
};

/* What the path MTU wants to know of segments in flight. Sizes are payload bytes. */
struct tcp_mtu_flight {
    uint32_t probe_seq;       /* the probe */
    uint32_t pending_seq;     /* an ICMP error that is believed if the segment times out */
    uint16_t probe_len;       /* 0: none */
    uint16_t pending_payload; /* valid with pending */
    bool pending;
};

/*
 * What a connection has only while it is busy: from the first chunk queued (or the FIN) until all
 * is acknowledged and nothing that was sent again can still turn out to have been needless. Drawn
 * from tcp_memory; an idle connection points at one that all share, empty and never written to.
 */
struct tcp_tx {
    union {
        struct tcp_chunk_queue queue; /* not acknowledged, in order */
        struct tcp_tx *next_free;     /* while nobody's */
    };
    struct tcp_chunk *unsent; /* first chunk with bytes never sent */
    uint32_t unsent_offset;   /* the first of them */
    uint16_t rto_count;       /* retransmission timeouts since SND.UNA moved last */
    uint8_t n_sack_seen;
    bool copy_due; /* of the newest segment (copy.c) */

    /*
     * The sent segments: the one truth about what is outstanding. `sent` holds all in sequence
     * order; each is besides in `flight` (order of last transmission), in `lost` (sequence order),
     * or, when the peer has SACKed it, in neither.
     */
    struct tcp_sent *sent_head, *sent_tail;
    struct tcp_sent_list flight, lost;
    struct tcp_sent *sack_high; /* SACKed segment of the highest sequence number */
    uint32_t n_sacked;          /* segments in neither list */
    struct tcp_sack_block sack_seen[TCP_SACK_SEEN]; /* blocks of the last ACK, all applied */
    uint64_t order;                                 /* number of the last transmission */
    wgt_time first_sent; /* departure of the segment delivered last: for rate samples */

    uint64_t rack_order; /* RFC 8985 5.2: highest transmission number that has arrived */
    uint32_t fack;       /* end of the highest data that has arrived */

    uint32_t lost_high; /* end of the highest loss, if not behind SND.UNA */
    uint32_t timed_out; /* SND.UNA at the last retransmission timeout */
    uint32_t dup_acks;  /* without SACK: duplicate ACKs in a row */
    uint32_t dup_bytes; /* without SACK: bytes they say have left the network */
    uint32_t prr_delivered, prr_out, prr_flight;
    uint32_t paused_flight; /* bytes outstanding when tcp_output last returned false */
    struct tcp_undo undo;
    struct tcp_mtu_flight mtu;

    /* Timers; WGT_NEVER when not running. */
    wgt_time persist_at;
    wgt_time pace_wake; /* when the pacer lets go of what is queued */
    wgt_time rack_at;   /* when the next segment counts as lost */
    wgt_time tlp_at;    /* when to probe */
};

enum tcp_recovery {
    TCP_RECOVERY_NONE,
    TCP_RECOVERY_FAST, /* loss seen by ACKs: fast recovery */
    TCP_RECOVERY_LOSS, /* loss seen by the retransmission timer */
};

struct tcp_ecn {
    bool ok;          /* agreed */
    bool ect;         /* our data may be marked */
    bool echo;        /* a mark was seen: ECE until CWR */
    bool cwr_due;     /* slowed down: say so */
    uint32_t reduced; /* SND.NXT then */
};

/* Sizes are payload bytes. */
struct tcp_mtu {
    wgt_time passed_at; /* last time that one larger than base has passed */
    wgt_time raise_at;  /* then the search begins */
    wgt_time probe_at;  /* no probe before */
    uint32_t refused;   /* did not pass; at most ceiling + 1 */
    uint16_t ceiling;   /* a full segment as agreed in the handshake */
    uint16_t base;      /* should pass everywhere */
    uint16_t candidate; /* may be tried; as large as mss when nothing is searched */
    uint16_t passed;    /* largest that has passed */
    uint16_t sent;      /* largest that was ever sent */
    uint8_t probe_failures;
    bool suspected; /* mss is base because larger ones vanished, and nothing has arrived since */
};

/* What of tcp_options is needed after the opening. */
struct tcp_settings {
    uint16_t src_port, dst_port;
    uint16_t mss_local, mss_default, mss_base;
    uint8_t rto_limit;
    bool ecn : 1;
    bool syn_rto_known : 1; /* rtt.rto began with it */
    uint32_t receive_buffer, receive_buffer_max;
    uint32_t ts_offset;
    uint32_t keepalive_ms, connect_timeout_ms, user_timeout_ms;
};

struct tcp_conn {
    wgt_time deadline;
    enum tcp_state state : 8;
    enum tcp_end end : 8;
    enum tcp_recovery recovery : 8;

    /* Agreed in the handshake. */
    uint8_t snd_shift, rcv_shift;
    bool passive : 1, ts_ok : 1, sack_ok : 1, wscale_ok : 1;

    /* What tcp_output shall send. */
    bool syn_due : 1;
    bool probe_due : 1;    /* a window probe */
    bool override_due : 1; /* sender SWS override: fill a window smaller than the segment */
    bool repair_due : 1;   /* fast retransmit: one segment whatever cwnd says */
    bool dsack_due : 1;
    bool ack_now : 1;   /* data may carry the ACK */
    bool ack_alone : 1; /* the ACK says more than data can carry (SACK) or is owed on its own */
    bool rst_due : 1;   /* of the connection, or in answer to one segment */
    uint8_t rst_flags;
    uint8_t dup_acks_owed; /* without SACK: duplicate ACKs are counted by the peer */

    /* What has happened. */
    bool fin_queued : 1, fin_sent : 1;
    bool fin_seen : 1, fin_received : 1;
    bool probe_unanswered : 1; /* a window probe is out and nothing was heard since */
    bool congestion_seen : 1;  /* a loss of this ACK says so (a lost probe of the path MTU does not)
                                */
    bool window_opened : 1;    /* read from since the last ACK */
    uint8_t syn_retries;       /* by the timer */
    uint8_t syn_sends;
    uint8_t rto_backoff, persist_backoff;
    uint8_t unsent_acks;             /* of what was never sent, since SND.UNA moved */
    uint32_t unsent_una, unsent_ack; /* SND.UNA then, and the last of them */
    struct tcp_settings options;

    uint32_t mss; /* payload bytes of a full segment to send: options already taken off */
    struct tcp_ecn ecn;
    struct tcp_mtu mtu;

    /* Send sequence space (RFC 9293 3.3.1). */
    uint32_t iss, snd_una, snd_nxt, snd_wnd, snd_wl1, snd_wl2, snd_wnd_max;
    uint32_t tx_end;         /* sequence number behind the last queued byte */
    uint32_t recovery_point; /* SND.NXT when the loss was seen */

    /* Receive sequence space. IRS is RCV.NXT - 1 as long as it is needed. */
    uint32_t rcv_nxt;
    uint32_t rcv_adv;       /* highest right edge ever announced */
    uint32_t last_ack_sent; /* RFC 7323 4.3 */
    uint32_t fin_seq;       /* of the peer, valid with fin_seen */
    uint32_t ts_recent;     /* RFC 7323 */
    wgt_time ts_recent_time;

    struct tcp_memory *memory;

    /* Sending. */
    struct tcp_tlp tlp;
    struct tcp_tx *tx;      /* what is queued or outstanding; never NULL once opened */
    struct tcp_chunk *done; /* waiting for tcp_reclaim */
    wgt_time pace_at;       /* the pacer's clock */
    struct tcp_rate rate;
    struct tcp_rack rack;
    wgt_time loses_until; /* the path counts as one that loses */
    wgt_time copied_at;   /* when the last copy left; valid with `copies` */
    struct tcp_cc cc;

    /* Receiving. */
    struct tcp_chunk_queue ready;
    struct tcp_rx_run *run_head, *run_tail;
    uint32_t ready_bytes;
    uint32_t run_stamp;
    uint16_t ready_chunks, run_chunks, n_runs;
    uint16_t rcv_mss; /* largest segment seen from the peer */
    struct tcp_sack_block dsack;
    uint32_t unacked_bytes; /* received in order since the last ACK */
    uint32_t n_records;     /* of `memory`, for whatever */

    uint32_t rst_seq, rst_ack;

    /* Timers; WGT_NEVER when not running. */
    struct tcp_rtt rtt;
    wgt_time rto_at, delayed_ack_at, state_at;
    wgt_time progress;       /* last sign that the peer takes what we send */
    wgt_time last_sent;      /* the SYN; then data: for the restart after idle */
    wgt_time challenge_at;   /* no challenge ACK before */
    wgt_time keepalive_at;   /* next keepalive probe */
    wgt_time keepalive_from; /* first one without an answer; WGT_NEVER: none */

    uint64_t bytes_acked, bytes_received;
    uint32_t segments_retransmitted, timeouts, fast_retransmits, tlp_probes, undone, copies;
    uint32_t soft_errors, urgent;
};

#endif
