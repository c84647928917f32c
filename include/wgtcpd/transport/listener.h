/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What stands between a SYN and a flow, and behind a flow: stubs, small records in a table of fixed
 * size. A caller costs
 *
 *   nothing      while the backlog is nearly full: its SYN is answered with a cookie;
 *   a stub       from its SYN on, or from the ACK that brings a cookie back;
 *   a flow       from its first data in order on, of which strangers get a bounded number.
 *
 * Whatever a stranger says or leaves unsaid, it is answered by acknowledgments only, and by a reset
 * when its time (TCP_FLOW_AUTH_TIMEOUT) is up, when it closes, or when it is the oldest and others
 * need the place.
 */
#ifndef WGTCPD_TRANSPORT_LISTENER_H
#define WGTCPD_TRANSPORT_LISTENER_H

#include <sys/queue.h>

#include <wgtcpd/base/addr.h>
#include <wgtcpd/base/wheel.h>
#include <wgtcpd/tcp/knock.h>
#include <wgtcpd/tcp/listen.h>
#include <wgtcpd/tcp/time_wait.h>

enum tcp_stub_kind {
    TCP_STUB_FREE,
    TCP_STUB_HALF_OPEN, /* its address may be forged */
    TCP_STUB_STRANGER,  /* connected, has said nothing yet */
    TCP_STUB_TIME_WAIT,
    TCP_STUB_KINDS,
};

struct tcp_stub {
    struct ip_endpoint local, remote;
    uint32_t next; /* in its bucket: number + 1; 0: none */
    enum tcp_stub_kind kind;
    union {
        struct tcp_embryo embryo;
        struct tcp_time_wait time_wait;
    };
    wgt_time deadline; /* of an embryo: it must have authenticated */
    struct wheel_timer timer;
    TAILQ_ENTRY(tcp_stub) link; /* among its kind, oldest first */
};

TAILQ_HEAD(tcp_stub_list, tcp_stub);

/* Unauthenticated connections of an IPv4 address or an IPv6 /64. Sources whose keyed hashes meet
 * share a counter; nobody can choose to meet another. */
struct tcp_source {
    uint16_t half_open, strangers;
};

struct tcp_listener {
    struct tcp_stub *stubs;
    uint32_t n_stubs, n_fresh; /* fresh: never used so far, from the end */
    struct tcp_stub_list lists[TCP_STUB_KINDS];
    uint32_t n[TCP_STUB_KINDS];
    uint32_t *buckets; /* number + 1 of the first stub */
    uint32_t bucket_mask;
    struct tcp_source *sources;
    uint32_t source_mask;
    uint8_t key[16]; /* of both tables */
    struct wheel wheel;
    struct tcp_cookies cookies;
    struct tcp_knock *knock; /* NULL: everybody is answered */
};

#endif
