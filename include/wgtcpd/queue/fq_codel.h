/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Short queues: FQ-CoDel (RFC 8290, CoDel by RFC 8289) over packets of many queues (one a peer)
 * that share one pool of flow records, so that a queue without packets costs nothing but its heads.
 * Sans-I/O: nodes are embedded in the caller's packets, time is an argument, memory is lent.
 *
 * In a queue, flows take turns by deficit round robin; a flow that has sent little comes first. A
 * packet that has stood too long is marked (ECN-capable) or dropped when its turn comes, that is
 * before anybody has numbered or encrypted it.
 *
 * A queue that cannot move at all (no session, no connection) is `held`: there CoDel does not act
 * and the newest packets are kept, as WireGuard stages them; its time begins to count with
 * fq_resume.
 */
#ifndef WGTCPD_QUEUE_FQ_CODEL_H
#define WGTCPD_QUEUE_FQ_CODEL_H

#include <sys/queue.h>

#include <wgtcpd/base/base.h>
#include <wgtcpd/base/drop.h>

/* RFC 8290 4.1.2, 5.2.1 - 5.2.3 */
#define FQ_TARGET   (5 * WGT_MSEC)
#define FQ_INTERVAL (100 * WGT_MSEC)
/* A lone CUBIC or Reno flow keeps a path of round-trip time R busy only if R / 2 may stand in the
 * queue when it gives way (0.7 of the window is left). Flows wait behind themselves alone, so this
 * costs nobody else anything; more than a quarter of the interval it may not be. */
#define FQ_TARGET_MAX (25 * WGT_MSEC)
/* Where the connection below repairs losses, a flow whose order is kept stands still for a round
 * trip each time, for two when the repair is lost, too, and goes on in a burst: to keep the path
 * busy meanwhile it needs as much more in its window, and that stands in its queue, with half of
 * one as above. */
#define FQ_TARGET_LOSSY_MAX (150 * WGT_MSEC)
/* A turn is one large packet: the quantum is no larger than it. */
enum { FQ_FLOWS_PER_QUEUE = 1024, FQ_QUANTUM = 1280, FQ_PACKET_MAX = 1514 };

/* Nothing waits longer, whatever it is. But where a round trip takes so long that the window's next
 * opening would come too late for the rest of a burst, one and a half of them (of late ones, if
 * they vary: traffic of the other direction holds up acknowledgments); on a link of some packets a
 * second twice the target; and where losses are repaired four round trips: to what may stand comes
 * the burst of a flow that stood still until a repair, itself lost, was repeated. */
#define FQ_SOJOURN_MAX       (100 * WGT_MSEC)
#define FQ_SOJOURN_LOSSY_MAX (400 * WGT_MSEC)

/* A flow whose packets come further apart does not fill a path; somebody may wait for each. */
#define FQ_SPARSE_GAP (5 * WGT_MSEC)

/* A packet that waits. The caller sets data (the whole IP packet) and len. */
struct fq_packet {
    struct fq_packet *next;
    uint8_t *data;
    uint32_t len;
    wgt_time since;
    bool sparse; /* nothing of its flow came in the FQ_SPARSE_GAP before it */
};

/* RFC 8289 5.3 */
struct codel {
    wgt_time first_above; /* when standing above target becomes bad; WGT_NEVER: it is not above */
    wgt_time drop_next;
    uint32_t count, last_count; /* drops since the dropping state was entered */
    bool dropping;
};

struct fq_queue;

struct fq_flow {
    TAILQ_ENTRY(fq_flow) link; /* new or old flows of its queue; else idle */
    struct fq_flow *chain;     /* in its bucket */
    const struct fq_queue *queue;
    struct fq_packet *head, *tail;
    wgt_time last; /* when a packet came; WGT_NEVER: none did */
    uint32_t packets, bytes;
    int32_t deficit;
    uint16_t hash;
    bool listed, fresh; /* on a list of its queue; on that of new flows */
    bool judged;        /* CoDel has let the head pass, it waits for room only */
    struct codel codel; /* outlives the flow's packets until the record is needed elsewhere */
};

TAILQ_HEAD(fq_flows, fq_flow);

/* The waiting packets of one peer. Read count and bytes freely. */
struct fq_queue {
    struct fq_flows fresh, old;
    uint32_t count, bytes;
    bool held;
};

struct fq_config {
    uint32_t max_packets;                /* of all queues */
    uint32_t queue_packets, queue_bytes; /* of one */
    uint32_t held_packets;               /* of one that is held */
    void *ctx;
    /* A packet was dropped: it is the caller's again. */
    void (*drop)(void *ctx, struct fq_packet *p, enum wgt_drop why);
};

struct fq_stats {
    uint64_t marked; /* CE instead of a drop */
};

struct fq {
    struct fq_config config;
    struct fq_flow **buckets;
    uint32_t n_buckets;   /* a power of two */
    struct fq_flows idle; /* least recently used first */
    uint32_t count;       /* packets of all queues */
    struct fq_stats stats;
};

/* What CoDel is to hold a queue to. */
struct fq_limits {
    wgt_time target, interval;
    wgt_time sojourn_max;
};

/* flows: n records; buckets: n_buckets pointers, a power of two; both lent for the life of f. */
void fq_init(struct fq *f, const struct fq_config *config, struct fq_flow *flows, uint32_t n,
             struct fq_flow **buckets, uint32_t n_buckets);
void fq_queue_init(struct fq_queue *q);

/* Limits at a rate of bytes a second (0: unknown) and a round-trip time, of which one in a while
 * takes `late` (taken for no more than two): RFC 8290's, the target at least half of the round trip
 * within FQ_TARGET_MAX (loses: segments get lost on the path; two and a half within
 * FQ_TARGET_LOSSY_MAX), and never less than a packet and a half takes (RFC 8289 4.3: a target below
 * a packet's time would drop without end). */
struct fq_limits fq_limits_at(uint64_t rate, wgt_time rtt, wgt_time late, bool loses);
/* No limits: a queue that is emptied as it fills. */
extern const struct fq_limits fq_no_limits;

/* Takes p. hash: of the packet's inner flow; its low bits choose one of FQ_FLOWS_PER_QUEUE. What a
 * full queue drops (QUEUE_FULL: head of its longest flow, RFC 8290 4.1.3; STAGED_FULL: the oldest
 * of a held queue, or p itself when all queues together are full) goes to config.drop. */
void fq_push(struct fq *f, struct fq_queue *q, wgt_time now, struct fq_packet *p, uint32_t hash);

/* The packet whose turn it is, NULL when none is left. May drop packets before it (QUEUE_CODEL,
 * QUEUE_STALE) and mark it. It stays in the queue until fq_pop; one that another flow overtakes
 * meanwhile is not judged twice. */
const struct fq_packet *fq_peek(struct fq *f, struct fq_queue *q, wgt_time now,
                                const struct fq_limits *limits);
/* Takes out what fq_peek has just shown. */
struct fq_packet *fq_pop(struct fq *f, struct fq_queue *q);

/* The queue cannot move. */
void fq_hold(struct fq_queue *q);
/* It can: what waited begins to wait now. */
void fq_resume(struct fq_queue *q, wgt_time now);

/* Since when the packet waits that has waited longest; WGT_NEVER: none waits. */
wgt_time fq_waits_since(const struct fq_queue *q);

/* Drops everything for the given reason. */
void fq_purge(struct fq *f, struct fq_queue *q, enum wgt_drop why);

#endif
