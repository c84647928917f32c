/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Congestion control: an algorithm is a table of functions over one small state. The engine finds
 * losses, measures delivery and paces; the algorithm says how much may be in the network (cwnd) and
 * how fast it may leave (pacing_rate).
 */
#ifndef WGTCPD_TCP_CC_H
#define WGTCPD_TCP_CC_H

#include <wgtcpd/base/base.h>

struct tcp_cc;

/* A delivery rate sample (draft-cheng-iccrg-delivery-rate-estimation, as BBR reads it): what was
 * delivered between the departure of the newest segment that this ACK delivered and now. */
struct tcp_cc_rate {
    uint64_t total_delivered; /* bytes delivered on this connection so far (C.delivered) */
    uint64_t prior_delivered; /* the same when that segment left (P.delivered) */
    uint32_t delivered;       /* the difference: bytes of this sample */
    wgt_time interval;        /* over this time; 0: no sample */
    uint32_t tx_in_flight;    /* bytes in the network when that segment left, itself included */
    uint32_t lost;            /* bytes found lost since then */
    bool app_limited;         /* that segment left while there was too little to send */
};

/* What an acknowledgment brought. */
struct tcp_cc_ack {
    wgt_time now;
    wgt_time rtt;          /* this ACK's sample; WGT_NEVER: none */
    wgt_time srtt;         /* 0 before the first sample */
    uint32_t acked;        /* bytes by which SND.UNA moved */
    uint32_t delivered;    /* bytes known delivered for the first time: acknowledged or SACKed */
    uint32_t lost;         /* bytes found lost by this ACK */
    uint32_t prior_flight; /* bytes in the network before this ACK */
    uint32_t flight;       /* and after it */
    uint32_t snd_una, snd_nxt;
    bool cwnd_limited;  /* cwnd, not a lack of data, has kept the sender back since the last ACK */
    bool in_recovery;   /* fast recovery */
    bool after_timeout; /* still repairing what a retransmission timeout gave up */
    struct tcp_cc_rate rate;
};

/* One segment found lost. */
struct tcp_cc_loss {
    wgt_time now;
    uint32_t bytes;
    uint32_t tx_in_flight;    /* bytes in the network when it left, itself included */
    uint32_t lost_since;      /* bytes found lost since it left, itself included */
    uint64_t delivered_then;  /* C.delivered when it left */
    uint64_t total_delivered; /* C.delivered now */
    bool app_limited;
};

struct tcp_cc_ops {
    const char *name;
    /* The algorithm sets cwnd itself in fast recovery, too; else proportional rate reduction
     * (RFC 6937) brings it to ssthresh, and `acked` need not touch it while in_recovery. */
    bool owns_recovery;
    /* cwnd is set to the initial window before (or stays as it was, when the algorithm is changed
     * on a live connection); ssthresh to "arbitrarily high". */
    void (*init)(struct tcp_cc *cc, wgt_time now);
    /* Every ACK that acknowledges or SACKs something new or reveals a loss. */
    void (*acked)(struct tcp_cc *cc, const struct tcp_cc_ack *ack);
    /* One segment found lost, before `acked` of the same ACK. May be NULL. */
    void (*lost)(struct tcp_cc *cc, const struct tcp_cc_loss *loss);
    /* Fast recovery begins: save what undo needs, set ssthresh. flight: bytes in the network. */
    void (*enter_recovery)(struct tcp_cc *cc, wgt_time now, uint32_t flight);
    /* Fast recovery or the repair of a timeout is complete. May be NULL. */
    void (*leave_recovery)(struct tcp_cc *cc, wgt_time now);
    /* Retransmission timeout; repeated: the same segment timed out before. Set ssthresh, cwnd. */
    void (*timeout)(struct tcp_cc *cc, wgt_time now, uint32_t flight, bool repeated);
    /* The last enter_recovery or timeout was spurious: put back what they took. */
    void (*undo)(struct tcp_cc *cc, wgt_time now);
    /* The peer echoes congestion experienced (RFC 3168), at most once a round trip. */
    void (*congestion_experienced)(struct tcp_cc *cc, wgt_time now, uint32_t flight);
    /* Sending resumes after a time with nothing in the network; idle says how long. long_idle:
     * longer than the RTO (RFC 5681 4.1). May be NULL. */
    void (*restart)(struct tcp_cc *cc, wgt_time now, wgt_time idle, bool long_idle);
};

struct tcp_cc {
    const struct tcp_cc_ops *ops;
    uint32_t mss;            /* payload bytes of a full segment; the engine keeps it current */
    uint32_t initial_window; /* bytes, RFC 6928 */
    uint32_t cwnd, ssthresh; /* bytes */
    uint64_t pacing_rate;    /* bytes a second; 0: the engine paces by cwnd and SRTT */
    uint32_t send_quantum;   /* bytes that may leave back to back; 0: the engine's default */
    union {
        uint64_t state[28]; /* the algorithm's own, as large as the largest needs it */
    };
};

extern const struct tcp_cc_ops tcp_cc_bbr;
extern const struct tcp_cc_ops tcp_cc_cubic;
extern const struct tcp_cc_ops tcp_cc_none;

/* "bbr", "cubic", "none"; NULL: no such algorithm. */
const struct tcp_cc_ops *tcp_cc_find(const char *name);

/* Initial window for segments of mss payload bytes (RFC 6928 2): min(10 MSS, max(2 MSS, 14600)). */
uint32_t tcp_cc_initial_window(uint32_t mss);

/* Starts `ops` on a connection; only_one: the handshake lost more than one SYN (RFC 6928 2). */
void tcp_cc_init(struct tcp_cc *cc, const struct tcp_cc_ops *ops, uint32_t mss, wgt_time now,
                 bool only_one);
/* Changes the algorithm of a live connection: it starts from the present cwnd, or, after one that
 * has none of its own (tcp_cc_none), from the initial window. */
void tcp_cc_change(struct tcp_cc *cc, const struct tcp_cc_ops *ops, wgt_time now);

#endif
