/* SPDX-License-Identifier: BSD-3-Clause */
/* A running node: everything between a valid configuration and a tunnel that carries traffic. */
#ifndef WGTCPD_CONTROL_NODE_H
#define WGTCPD_CONTROL_NODE_H

#include <wgtcpd/control/config.h>
#include <wgtcpd/control/device.h>
#include <wgtcpd/control/netlink.h>
#include <wgtcpd/control/privilege.h>
#include <wgtcpd/control/routes.h>
#include <wgtcpd/dataplane/worker.h>
#include <wgtcpd/tunnel/handshaker.h>

struct capture_session;
struct control_socket;
struct event;
struct event_base;
struct uapi;

struct node {
    struct config *config;      /* changes when it is reloaded */
    const char *path;           /* of its file */
    struct privilege_user user; /* with config->user */
    struct worker *workers;     /* n_workers */
    unsigned n_workers;
    struct crypto_crew crypto; /* of CryptoWorkers */
    struct steer *steer;       /* with several of them */
    struct handshaker handshaker;
    struct allowedips allowed_ips;
    struct device device;
    struct eth_link *links; /* the first worker's of all ports, then the other workers' */
    size_t n_links;         /* ports that were started */
    struct gateway gateways[STEER_WORKERS_MAX]; /* in use with an inner port */
    struct tun_port *tuns;                      /* queues of the interface, one a worker */
    struct netlink netlink;
    struct routes routes;
    struct rte_mempool *pool;
    struct rte_ring *events[STEER_WORKERS_MAX], *commands[STEER_WORKERS_MAX];
    struct rte_rcu_qsbr *rcu;
    struct event_base *base;               /* the control thread's loop */
    struct control_socket *control_socket; /* of wgtcpctl */
    struct capture_session *capture;       /* NULL: there is none */
    struct event *on_worker, *on_signal, *on_resolve, *on_link;
    LIST_HEAD(, question) questions; /* names being looked up */
    bool no_name_server;             /* gave an answer at the start */
    struct observe {
        struct event *on_watchdog;
        struct metrics_http *metrics;      /* NULL: off */
        uint64_t turns[STEER_WORKERS_MAX]; /* of each worker, when it was looked at last */
        uint64_t rounds, told;             /* in which all have turned; of them, told */
        int key_log;                       /* descriptor; -1: off */
    } observe;
    struct uapi *uapi; /* the socket for `wg` */
    int event_fd, signal_fd;
    bool ending;   /* somebody has called loop_stop */
    int stop_code; /* why; 0: it was asked to */
    uint32_t mtu;
    wgt_time started;
    struct tunnel_report *report;                         /* at the worker, or back; NULL: none */
    struct worker_stats report_stats[TUNNEL_WORKERS_MAX]; /* with it */
    bool reported;                                        /* it is back */
    bool stopped;   /* the tunnel has closed its connections */
    bool link_down; /* the inner interface is, by somebody's hand */
    /* how far we got, for taking down */
    unsigned workers_up, workers_run, crypto_run;
    bool eal_up, handshaker_up, hooks_up, dns_up;
};

/* Runs the node until SIGTERM or SIGINT. Returns the process's exit code: 0 after a clean shutdown,
 * 1 when it could not start or something it stands on went away (logged). path: config's file. */
int node_run(struct config *config, const char *path, bool verbose);

/* device_apply, and what the host must see to. */
int node_apply(struct node *n, const struct change *c);
/*
 * Reads the file again and applies the difference: peers that it does not touch notice nothing.
 * Lines to errors: what is wrong with the file, in which case nothing changes; and keys that count
 * from the next start on. 0; -1: the file was refused, or a part could not be done.
 */
int node_reload(struct node *n, FILE *errors);
/* Writes the file anew with the present peers (SaveConfig, wgtcpctl save). 0, or -1 (logged). */
int node_save(struct node *n);

#endif
