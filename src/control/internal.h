/* SPDX-License-Identifier: BSD-3-Clause */
/* Between the files of the control room. */
#ifndef CONTROL_INTERNAL_H
#define CONTROL_INTERNAL_H

#include <wgtcpd/control/node.h>

/* Logs "what: text of the error" (rc: an errno, either sign); -1. */
int complain(const char *what, int rc);

/* ports.c: the DPDK ports, with n->config, n->pool; 0, or -1 (logged) */
int ports_start(struct node *n);
void ports_stop(struct node *n);
/* The smallest MTU of the outer ones. */
uint16_t ports_outer_mtu(const struct node *n);

/* interface.c: the kernel's side of the tunnel; 0, or -1 (logged) */
int interface_up(struct node *n);
/* Addresses and MTU of a configuration read anew, by difference. -1: lines to errors. */
int interface_change(struct node *n, const struct config *new, FILE *errors);
void interface_down(struct node *n);
/* The kernel has it up again. */
void interface_came_up(struct node *n);

/* link.c: from now on the node hears of its interface going down and up; 0, or -1 (logged).
 * link_unwatch also without it. */
int link_watch(struct node *n);
void link_unwatch(struct node *n);

/* node.c: the MTU of the inner interface; bytes of a packet buffer behind its headroom, that is an
 * inner packet with all that sealing adds, or a frame of the outer port */
uint32_t inner_mtu(const struct config *c, uint32_t outer_mtu);
size_t packet_room(const struct config *c);

/* resolve.c: an address of the endpoint's host, of a family that the outer port has. false
 * (logged): there is none so far. */
bool endpoint_resolve(struct node *n, const struct config_endpoint *e, struct ip_endpoint *out);
/* From now on names are looked up again when their addresses do not work. 0, or -1 (logged) */
int resolve_start(struct node *n);
void resolve_stop(struct node *n);

/* control_node.c: the socket for wgtcpctl; 0, or -1 (logged). control_down also without it. */
int control_up(struct node *n);
void control_down(struct node *n);

/* capture_node.c: packets of a side ("inner", "outer", "all"), of each at most so many bytes ("0":
 * all), go to that connection, of which a descriptor of its own is made. NULL, or what is wrong. */
const char *capture_start(struct node *n, const char *side, const char *snaplen, int connection);
/* While the worker runs. Also when there is none. */
void capture_stop(struct node *n);

/* loop.c: 0, or -1 (logged) */
int loop_init(struct node *n);
void loop_fini(struct node *n);
/* Until a signal says stop (0) or what the node stands on goes away (-1, logged). */
int loop_run(struct node *n);
/* Ends loop_run. */
void loop_stop(struct node *n, int rc);
/* FIN on every connection, and a moment for the answers. */
void loop_stop_tunnel(struct node *n);
/* Takes what the worker tells, once; for places that wait for something else (ctx: the node). */
void loop_take_events(void *ctx);
/* All that the loop has to do now, as loop_take_events, for places outside of the loop: a hook may
 * call `wg`. */
void loop_turn(void *ctx);

/* uapi_node.c: the socket for `wg`; 0, or -1 (logged) */
int uapi_up(struct node *n);
void uapi_down(struct node *n);

/* observe.c: who looks in from outside; with the worker running and before there are peers. 0, or
 * -1 (logged). observe_down also after a failure of it, or without it. */
int observe_up(struct node *n);
void observe_down(struct node *n);

/* The wall clock. */
struct wall_clock wall_clock(void);

/* notes.c: handshaker.note */
void note_log(void *ctx, const struct tunnel_event *e);

/* peers.c: 0, or -1 (logged) */
int peers_add(struct node *n);
/* The ring to the worker is full (ctx: the node). */
void peers_wait(void *ctx);

#endif
