/* SPDX-License-Identifier: BSD-3-Clause */
/* Every figure of a snapshot, a row each: metrics and telemetry say the same by the same names. */
#ifndef CONTROL_FIGURES_H
#define CONTROL_FIGURES_H

#include <wgtcpd/control/snapshot.h>

/* What there is one of it for. */
enum figure_scope {
    FIGURE_BUILD,           /* the program */
    FIGURE_INTERFACE,       /* the interface */
    FIGURE_INTERFACE_INFO,  /* the interface; always 1, tells its key */
    FIGURE_DROPS_DATA,      /* each reason */
    FIGURE_DROPS_HANDSHAKE, /* each reason */
    FIGURE_WORKER,          /* each worker */
    FIGURE_CRYPTO,          /* each crypto worker */
    FIGURE_PEER,            /* each peer */
    FIGURE_PEER_INFO,       /* each peer; always 1, tells its transport */
    FIGURE_PEER_HANDSHAKEN, /* each peer that has completed a handshake */
    FIGURE_PEER_TROUBLE,    /* each peer and each kind of trouble that it has had */
    FIGURE_CONNECTION,      /* each peer that has a TCP connection now */
};

enum figure_type { FIGURE_GAUGE, FIGURE_COUNTER };
enum figure_scale { FIGURE_AS_IS, FIGURE_NANOSECONDS };

struct figure {
    const char *name; /* ends in its unit, as Prometheus wants it (_seconds, _bytes) */
    const char *help;
    enum figure_scope scope;
    enum figure_type type;
    enum figure_scale scale;
    size_t offset; /* of the field in struct snapshot, worker_stats, crypto_worker_stats or
                    * snapshot_peer */
    size_t width;  /* of the field, unsigned: 1, 2, 4 or 8 bytes; 0: there is none */
};

extern const struct figure figures[];
extern const unsigned n_figures;

/* The field (of: struct snapshot, worker_stats, crypto_worker_stats or snapshot_peer, by scope). */
uint64_t figure_read(const struct figure *f, const void *of);
/* Whether the peer has it now. */
bool figure_of_peer(const struct figure *f, const struct snapshot_peer *p);

#endif
