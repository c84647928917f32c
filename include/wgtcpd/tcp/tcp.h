/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One TCP connection (RFC 9293), sans-I/O: segments, bytes and time come in as arguments, segments
 * and bytes go out. No clock, no socket, no allocation. Everything that leaves goes through
 * tcp_output; the next instant at which something may leave by itself is tcp_deadline.
 *
 * Bytes are not copied. They travel in chunks: a caller-owned node (it may sit in an mbuf's private
 * area) describing one contiguous run of bytes, lent to the connection and given back through
 * tcp_reclaim (sent and acknowledged, or discarded) or tcp_recv (received).
 *
 * Rules the engine follows, each with its clause in the source: RFC 9293 3.10 (segment processing
 * order), RFC 7323 (timestamps, PAWS, window scale), RFC 5961 (RST, SYN, ACK checks, challenge
 * ACKs), RFC 6298 (RTO, Karn), RFC 5681 + 6582 (slow start, fast retransmit, NewReno), RFC 6928
 * (initial window), RFC 3168 (ECN), RFC 1191 + 8201 + 8899 (path MTU), RFC 5927 (ICMP), RFC 3042
 * (limited transmit), RFC 6691 (MSS), RFC 2018 + 2883 (SACK, D-SACK), RFC 6675 (recovery by SACK),
 * RFC 6937 (proportional rate reduction).
 */
#ifndef WGTCPD_TCP_TCP_H
#define WGTCPD_TCP_TCP_H

#include <wgtcpd/base/drop.h>
#include <wgtcpd/tcp/cc.h>
#include <wgtcpd/wire/icmp.h>
#include <wgtcpd/wire/tcp.h>

/* The record of one sent segment; the engine's own. */
struct tcp_sent {
    struct tcp_sent *next;         /* in sequence order */
    struct tcp_sent *prev, *after; /* in the list it is a member of */
    struct tcp_sent_list *list;    /* flight or lost; NULL once the peer has SACKed it */
    struct tcp_chunk *chunk;       /* holds its first byte, at offset */
    uint32_t offset, len;          /* payload */
    uint32_t seq;
    uint8_t flags;
    uint32_t tx_in_flight; /* bytes in the network when it left, itself included */
    uint64_t order;        /* number of its last transmission */
    wgt_time time;         /* and when that was */
    /* The connection at that time, for rate samples. */
    wgt_time first_sent, delivered_time;
    uint32_t delivered, lost_before; /* modulo 2^32 */
};

/* Of a chunk received beyond a hole: its neighbour in the run, and the bytes taken out of its
 * middle (tcp_early_take): data + taken_at, taken_len of them, which the reader skips. */
struct tcp_chunk_rx {
    struct tcp_chunk *prev;
    uint32_t taken_at, taken_len;
};

/* A run of bytes lent to a connection. The caller sets data and len, and twice of what it sends;
 * the rest is the engine's. */
struct tcp_chunk {
    struct tcp_chunk *next;
    uint8_t *data;
    uint32_t len;
    uint32_t seq; /* sequence number of data[0] */
    bool twice;   /* to be sent: somebody waits for just this. If it is short and the path loses
                   * segments, two copies leave at once */
    union {
        struct tcp_sent sent; /* of a segment that starts in this chunk */
        struct tcp_chunk_rx rx;
    };
};

enum tcp_state {
    TCP_CLOSED,
    TCP_SYN_SENT,
    TCP_SYN_RECEIVED,
    TCP_ESTABLISHED,
    TCP_FIN_WAIT_1,
    TCP_FIN_WAIT_2,
    TCP_CLOSE_WAIT,
    TCP_CLOSING,
    TCP_LAST_ACK,
    TCP_TIME_WAIT,
};

/* Why a connection is TCP_CLOSED. */
enum tcp_end {
    TCP_END_NONE,        /* not closed, or never opened */
    TCP_END_NORMAL,      /* FINs exchanged */
    TCP_END_RESET,       /* the peer sent an acceptable RST */
    TCP_END_REFUSED,     /* RST in answer to our SYN */
    TCP_END_TIMEOUT,     /* retransmissions gave up (user timeout, SYN retries, FIN-WAIT-2 limit) */
    TCP_END_ABORTED,     /* tcp_abort */
    TCP_END_UNREACHABLE, /* ICMP error in answer to our SYN */
};

struct tcp_memory;

/* Fixed at open. */
struct tcp_options {
    struct tcp_memory *memory;   /* outlives the connection */
    const struct tcp_cc_ops *cc; /* NULL: tcp_cc_bbr */
    bool ecn;                    /* negotiate ECN (RFC 3168) */
    wgt_time keepalive; /* idle time before the first keepalive probe (RFC 9293 3.8.4); 0: off */
    uint16_t src_port, dst_port;
    uint16_t mss_local;      /* MSS to announce: MTU - 40 or - 60 (RFC 6691) */
    uint16_t mss_default;    /* MSS assumed when the peer announces none: 536 or 1220; no ICMP
                              * error makes it smaller */
    uint16_t mss_base;       /* MSS that every path should carry, taken when large segments vanish
                              * (RFC 8899 5.1.2 BASE_PLPMTU); 0: nobody looks for that */
    uint32_t receive_buffer; /* bytes of window to offer, at most 2^30 */
    uint32_t receive_buffer_max; /* what tcp_widen may ask for: sets the scale; 0: the same */
    uint32_t iss;                /* initial send sequence number (RFC 6528), drawn by the caller */
    uint32_t ts_offset;          /* random offset of this connection's timestamp clock */
    wgt_time connect_timeout;    /* our SYN unanswered for so long: give up; 0: after its retries */
    wgt_time user_timeout;       /* no progress for so long, and for two RTOs: give up (R2); 0:
                                  * 100 s */
    uint8_t rto_limit;           /* give up when the retransmission timer has expired so often
                                  * without progress; 0: no limit */
    wgt_time syn_rto;            /* what an earlier connection has learned of the path: first and
                                  * constant interval of SYNs (RFC 9040), within connect_timeout; 0:
                                  * 1 s, doubling */
};

struct tcp_conn; /* laid out below the contract so that callers can embed it */

/*
 * Small records that connections need only while something is out of the ordinary: runs of bytes
 * beyond a hole, segments that start in the middle of a chunk. The caller provides them, once for
 * all connections of a worker, so that an idle connection holds none. Nobody may hold more than are
 * still free, so that one connection alone gets a half, two get a third each, and a newcomer always
 * finds something. When they run out, a connection refuses or waits.
 */
union tcp_record;
/*
 * What a connection has only while bytes are queued or outstanding (conn.h). There is one for each
 * connection that may be open, so that nobody ever waits for one; but they are handed out again
 * before fresh ones are touched, so that memory is used by those who are busy at the same time.
 */
struct tcp_tx;
struct tcp_memory {
    union tcp_record *free;
    uint32_t n_free, n;
    struct tcp_tx *tx, *tx_free;
    uint32_t tx_fresh; /* of tx, from the beginning: never used so far */
    uint32_t n_busy;   /* held by connections */
    /* Chunks that wait beyond holes, of all connections, and how many may: set chunks_max after
     * tcp_memory_init (no limit). Nobody holds more than four times what is still free of them, and
     * who was not widened yet (tcp_widen) finds only the first half. */
    uint32_t chunks, chunks_max;
};
/* tx: n_tx of them, at least as many as connections will share m. */
void tcp_memory_init(struct tcp_memory *m, union tcp_record *records, uint32_t n, struct tcp_tx *tx,
                     uint32_t n_tx);

/* c must not hold chunks of an earlier life. tcp_output gives the SYN. */
void tcp_open_active(struct tcp_conn *c, wgt_time now, const struct tcp_options *o);

/* A SYN arrived for a listener: WGT_OK makes the connection SYN-RECEIVED (tcp_output gives the
 * SYN,ACK). TCP_FLAGS: not a plain SYN; c is untouched. Data on the SYN is not taken. */
enum wgt_drop tcp_open_passive(struct tcp_conn *c, wgt_time now, const struct tcp_options *o,
                               const struct tcp_segment *syn);

/*
 * SEGMENT ARRIVES (RFC 9293 3.10.7). `rx` is the caller's node for seg->payload (NULL when empty);
 * the engine fills it in. *kept says whether it was queued (it comes back through tcp_recv or
 * tcp_reclaim) or is still the caller's. Returns WGT_OK or the reason why the segment or its data
 * was dropped (counters only: answers such as challenge ACKs leave through tcp_output). Process all
 * that arrived together before tcp_output: one ACK then answers for the burst.
 */
enum wgt_drop tcp_input(struct tcp_conn *c, wgt_time now, const struct tcp_segment *seg,
                        struct tcp_chunk *rx, bool *kept);

/* Queue a chunk for sending (data, len >= 1 set). Allowed from SYN-SENT on until tcp_close; false:
 * not in such a state (or len is 0), the chunk stays the caller's. A chunk starts a new segment
 * unless it fits whole behind whole predecessors in one; one longer than the MSS is cut, and
 * nothing follows its tail in the same segment. */
bool tcp_send(struct tcp_conn *c, wgt_time now, struct tcp_chunk *chunk);

/*
 * The pull model: nothing needs a place in the sequence space before congestion window, receive
 * window and pacer let it go. Bytes that would leave at once if queued now, less what is queued
 * unsent; 0 before the connection is established.
 */
uint32_t tcp_send_room(const struct tcp_conn *c, wgt_time now);
/* When the pacer alone keeps room shut: the instant at which it opens. WGT_NEVER: room is open, or
 * waits for an ACK. */
wgt_time tcp_send_room_at(const struct tcp_conn *c, wgt_time now);
/* The caller has nothing more to send although there is room: rate samples from now on, until what
 * is in the network has been delivered, say less than the path can do. */
void tcp_app_limited(struct tcp_conn *c);

/* Bytes queued but never sent. */
uint32_t tcp_unsent(const struct tcp_conn *c);
/* Sequence space sent and not acknowledged. */
uint32_t tcp_flight(const struct tcp_conn *c);
/* Fetches into the caches what every segment needs, and, once that has come, what those need that
 * find bytes queued or outstanding. */
void tcp_prefetch(const struct tcp_conn *c);
void tcp_prefetch_busy(const struct tcp_conn *c);
/* The first chunk that is queued and not acknowledged; NULL: there is none. */
struct tcp_chunk *tcp_first_queued(const struct tcp_conn *c);

/* No more sends; FIN leaves behind the queued bytes. Receiving goes on until the peer's FIN. In
 * SYN-SENT: CLOSED at once, as by tcp_abort. */
void tcp_close(struct tcp_conn *c, wgt_time now);
/* RST (if synchronised) and CLOSED at once. The RST leaves through the next tcp_output. */
void tcp_abort(struct tcp_conn *c, wgt_time now);

/* A segment to send. Its payload is `len` bytes that start at `offset` in `chunk` and run on in
 * chunk->next when it holds several chunks. seg.payload.len is `len`; seg.payload.data is NULL. The
 * bytes stay lent to the connection: copy them, or keep them unchanged until tcp_reclaim. */
struct tcp_out {
    struct tcp_segment seg;
    struct tcp_chunk *chunk;
    uint32_t offset, len;
    bool retransmission;
    bool copy; /* of the segment that left just before, unasked for (tcp_chunk.twice) */
    bool ect;  /* send it as ECN-capable, ECT(0) */
};

/* The one exit door: true and *out, or false when nothing is to be sent now. Call until false after
 * every tcp_input burst, tcp_send, tcp_close, tcp_abort, and when tcp_deadline has passed. */
bool tcp_output(struct tcp_conn *c, wgt_time now, struct tcp_out *out);

/* Next time to call tcp_output though nothing else happened (RTO, delayed ACK, persist, TIME-WAIT,
 * user timeout); WGT_NEVER if none. Once tcp_output has returned false, always later than its
 * `now`. */
wgt_time tcp_deadline(const struct tcp_conn *c);

/* Next chunk of received bytes in order, or NULL. The chunk is the caller's again; its data and len
 * are trimmed to bytes not delivered before. Reading opens the receive window: call tcp_output
 * afterwards. What arrived before the end of a connection can still be read after it. Bytes in its
 * middle may have been taken early: chunk->rx. */
struct tcp_chunk *tcp_recv(struct tcp_conn *c);

/*
 * Bytes beyond a hole. A reader that can tell where its records begin need not wait for order:
 * after a tcp_input that kept a chunk (and before anything else is called) it may look at the chunk
 * and its neighbours, and take bytes away. They stay acknowledged as they were, by SACK until the
 * hole is filled; the window does not change; a chunk that is empty comes back through tcp_reclaim.
 * What was taken comes once more in its place in order, as a length without bytes (tcp_recv_taken).
 */
struct tcp_rx_run;
/* A place beyond a hole: the bytes from seq on that are there and were not taken. */
struct tcp_early {
    struct tcp_rx_run *run;  /* contiguous bytes between two holes */
    struct tcp_chunk *chunk; /* holds the byte at seq; NULL: there is none */
    uint32_t seq;
    bool known; /* bytes were taken right before seq: a boundary of the reader's records */
};

/* The first byte of a chunk just received, or false when the chunk lies beyond no hole. */
bool tcp_early_at(const struct tcp_conn *c, struct tcp_chunk *newcomer, struct tcp_early *e);
/* Moves *e back to where the last bytes of this run were taken, or to a place that was marked
 * behind them, if that lies before it (and only bytes that are there lie between). Else false, and
 * *e stays. */
bool tcp_early_resume(struct tcp_early *e);
/* A record begins here and is not there whole: tcp_early_resume shall lead here. */
void tcp_early_mark(const struct tcp_early *e);
/* What lies at *e is no record: tcp_early_resume leads here no more. */
void tcp_early_give_up(const struct tcp_early *e);
/* Copies up to len bytes from *e on (to NULL: only counts them); returns how many there are. */
uint32_t tcp_early_peek(const struct tcp_early *e, uint8_t *to, uint32_t len);
/* Moves over len bytes that are there and stay, and over what was taken behind them. */
void tcp_early_step(struct tcp_early *e, uint32_t len);
/* Whether these len > 0 bytes, which are there, can be taken: not when they are the second range
 * from the middle of one chunk. */
bool tcp_early_may_take(const struct tcp_early *e, uint32_t len);
/* Takes len > 0 bytes that may be taken away; *e moves behind them as by tcp_early_step. */
void tcp_early_take(struct tcp_conn *c, struct tcp_early *e, uint32_t len);

/* How many bytes that were taken early come next in order, before the chunk that tcp_recv will
 * return; if any, *end is the sequence number behind them. Ask before each tcp_recv, which passes
 * over them in silence, and once more when it returns NULL. */
uint32_t tcp_recv_taken(struct tcp_conn *c, uint32_t *end);

/* Offer a larger receive window from now on: a stranger has proved who it is. At most
 * receive_buffer_max; never less than before. */
void tcp_widen(struct tcp_conn *c, uint32_t receive_buffer);

/* Chunks the connection is done with (acknowledged, or discarded by reset or abort), one a call,
 * NULL when none is left. They are the caller's again. Once CLOSED, received chunks that nobody
 * read come out here too: after the last NULL nothing is lent any more. */
struct tcp_chunk *tcp_reclaim(struct tcp_conn *c);

/* Payload bytes that a segment may have on this path now: no chunk should be longer. It falls when
 * the path turns out narrower and rises when a wider one is looked for. 0 before the handshake. */
uint32_t tcp_mss(const struct tcp_conn *c);

/*
 * What a connection has found its path to carry is worth knowing to the next one on it (RFC 9040):
 * else it loses its first full segments where the last one did.
 */
struct tcp_path_mss {
    uint16_t mss;   /* as announced in the handshake (RFC 6691); 0: no less than agreed there */
    wgt_time until; /* nothing larger is to be tried before */
};

/* false: c has found out nothing, and what was known before it stands. May be asked of one that is
 * CLOSED. */
bool tcp_path_mss(const struct tcp_conn *c, struct tcp_path_mss *out);
/* An established connection begins with it, unless a larger segment has passed already. A time that
 * is over has the search for more begin with the next segment that is large enough. */
void tcp_assume_path_mss(struct tcp_conn *c, const struct tcp_path_mss *known);

/*
 * An ICMP error about a segment of this connection. WGT_OK: it was believed, or noted until more
 * speaks for it; ICMP_SEQUENCE: no such segment is in flight (RFC 5927 4.1); ICMP_MTU: a packet
 * too big that names a size no smaller than the segment or ours, or none that a path may have.
 * Call tcp_output afterwards.
 */
enum wgt_drop tcp_icmp(struct tcp_conn *c, wgt_time now, const struct icmp_error *e);

/* The answer to a segment for no connection (RFC 9293 3.10.7.1), or false when it must stay
 * without. */
bool tcp_reset_for(const struct tcp_segment *in, struct tcp_segment *out);

enum tcp_state tcp_state(const struct tcp_conn *c);
/* Whether the retransmission timer has expired since the last progress. */
bool tcp_stalled(const struct tcp_conn *c);
enum tcp_end tcp_end(const struct tcp_conn *c);
/* Whether the peer has sent FIN and all before it was received. */
bool tcp_peer_closed(const struct tcp_conn *c);
const char *tcp_state_name(enum tcp_state s);

/* Smoothed round-trip time; 0 before the first sample. */
wgt_time tcp_srtt(const struct tcp_conn *c);
/* A round trip is seldom longer: the smoothed one and four times its variation (RFC 6298). */
wgt_time tcp_late_rtt(const struct tcp_conn *c);
/* Whether the path has lost segments in the last minutes. */
bool tcp_path_loses(const struct tcp_conn *c, wgt_time now);
/* A congestion window a round trip, in bytes a second; 0 before the first sample. */
uint64_t tcp_window_rate(const struct tcp_conn *c);
/* Changes the algorithm of an established connection; before, it does nothing. */
void tcp_set_congestion(struct tcp_conn *c, wgt_time now, const struct tcp_cc_ops *ops);

/* What an operator may want to see. Times in ns, sizes in bytes, rates in bytes a second. */
struct tcp_info {
    enum tcp_state state;
    const char *cc;                      /* name of the congestion control */
    const char *recovery;                /* "none", "fast", "timeout" */
    wgt_time srtt, rttvar, rto, min_rtt; /* min_rtt: of the last minutes; WGT_NEVER: unknown */
    uint32_t cwnd, ssthresh, mss, flight, unsent, snd_wnd, rcv_wnd;
    uint64_t pacing_rate;   /* 0: not paced */
    uint64_t delivery_rate; /* last sample of the path, or the application's, if that is all */
    bool app_limited;       /* lately there was too little to send */
    bool reordering_seen;
    uint64_t bytes_acked, bytes_received, bytes_lost;
    uint64_t segments_retransmitted, timeouts, fast_retransmits;
    uint64_t loss_probes; /* tail loss probes (RFC 8985) */
    uint64_t copies;      /* segments that left twice at once */
    uint64_t spurious;    /* timeouts and fast retransmits that were for nothing, and undone */
    bool ecn;             /* negotiated */
    uint64_t soft_errors; /* ICMP: destination unreachable */
    uint64_t urgent;      /* segments with URG: their data is taken in line */
};
void tcp_info(const struct tcp_conn *c, struct tcp_info *out);

#include <wgtcpd/tcp/conn.h>

#endif
