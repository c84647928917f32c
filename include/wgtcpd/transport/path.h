/* SPDX-License-Identifier: BSD-3-Clause */
/* Where a message came from and where its answer goes: (transport, addresses, connection). */
#ifndef WGTCPD_TRANSPORT_PATH_H
#define WGTCPD_TRANSPORT_PATH_H

#include <sys/queue.h>

#include <wgtcpd/base/addr.h>

enum transport_kind {
    TRANSPORT_NONE,
    TRANSPORT_UDP,
    TRANSPORT_TCP,
    TRANSPORT_ELSEWHERE, /* a connection of another worker: its flow is not ours to look at */
};

struct tcp_flow;

/* A value: may be copied and sent through rings. A flow may end meanwhile; tcp_flow_of tells. */
struct path {
    enum transport_kind kind;
    uint32_t generation; /* TCP only: of the flow when the path was made */
    struct ip_endpoint local, remote;
    struct tcp_flow *flow; /* TCP only */
    wgt_time since;        /* TCP only: when the flow was made */
};

/* A path that somebody sends on. While it names a live flow it is on that flow's list of users. */
struct path_user {
    struct path path;
    LIST_ENTRY(path_user) link;
    TAILQ_ENTRY(path_user) wait_link;
    bool attached;
    bool waiting; /* for room on its flow */
};

LIST_HEAD(path_users, path_user);
TAILQ_HEAD(path_waiters, path_user);

/* How a user's turn to send on a flow ended. */
enum path_turn {
    PATH_DONE,    /* it has no more */
    PATH_MORE,    /* it has had its share and has more */
    PATH_NO_ROOM, /* what it has next does not fit now */
};

static inline bool
path_equal(const struct path *a, const struct path *b)
{
    if (a->kind != b->kind)
        return false;
    if (a->kind == TRANSPORT_TCP)
        return a->flow == b->flow && a->generation == b->generation;
    return ip_endpoint_equal(&a->remote, &b->remote) && ip_endpoint_equal(&a->local, &b->local);
}

/* "none", "udp", "tcp". */
const char *transport_kind_name(enum transport_kind k);

#endif
