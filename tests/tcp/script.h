/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Scripts against one TCP connection in virtual time, in the manner of packetdrill: inject this at
 * t, expect that at t. A file holds many scripts; the grammar is in README.md beside this file.
 */
#ifndef TESTS_TCP_SCRIPT_H
#define TESTS_TCP_SCRIPT_H

#include <stdio.h>

#include <wgtcpd/tcp/tcp.h>

enum {
    SCRIPT_WORDS = 48,
    SCRIPT_RX = 4096,
    SCRIPT_TX = 4096,
    SCRIPT_OUT = 4096,
    SCRIPT_RECORDS = 512
};

/* A segment that left, and when. */
struct script_out {
    wgt_time time;
    struct tcp_out out;
};

struct script {
    const char *file;
    unsigned line;
    char name[160];
    bool failed;
    char failure[512];

    struct tcp_conn c;
    struct tcp_memory memory;
    struct tcp_tx tx_block;
    union tcp_record records[SCRIPT_RECORDS];
    struct tcp_options options;
    bool opened;
    wgt_time start, now, tolerance;
    uint32_t irs;      /* the peer's initial sequence number */
    uint32_t peer_ts0; /* what "TS val 0" of the peer is on the wire */
    uint32_t peer_window;
    bool peer_ts;       /* the peer's segments carry timestamps by themselves */
    enum wgt_drop drop; /* of the last segment injected */

    struct tcp_chunk rx[SCRIPT_RX], tx[SCRIPT_TX];
    size_t n_rx, n_tx;
    uint8_t bytes[1 << 16]; /* what segments carry */
    uint32_t last_ts;       /* timestamp of the last segment that left */
    struct script_out out[SCRIPT_OUT];
    size_t n_out, next_out;
};

/* Starts a script anew. */
void script_begin(struct script *s, const char *file, const char *name);
/* One line of it; false: failed, and s->failure says why. */
bool script_line(struct script *s, unsigned number, const char *text);
/* All that left, a line each. */
void script_show(const struct script *s, FILE *to);
/* Nothing may be left over. */
bool script_end(struct script *s);

#endif
