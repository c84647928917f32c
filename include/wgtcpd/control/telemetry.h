/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Our commands under /wgtcpd/ on DPDK's telemetry socket (dpdk-telemetry.py). DPDK answers in
 * threads of its own: they ask the control thread for a snapshot and wait for it.
 *
 *   /wgtcpd/interfaces    their names
 *   /wgtcpd/interface     the figures of the interface
 *   /wgtcpd/tcp           the figures of its TCP connections
 *   /wgtcpd/drops         what was dropped, by reason
 *   /wgtcpd/peers,N       public keys of peers, from number N (0) on
 *   /wgtcpd/peer,KEY      the figures of a peer, by its public key
 */
#ifndef WGTCPD_CONTROL_TELEMETRY_H
#define WGTCPD_CONTROL_TELEMETRY_H

#include <wgtcpd/control/snapshot.h>

struct event_base;

/* Registers the commands, before or after EAL starts; `take` (NULL: nothing now) is called in
 * base's thread. 0 or -errno. Once a process. */
int telemetry_start(struct event_base *base, struct snapshot *(*take)(void *ctx), void *ctx);
/* Commands answer with null from now on. Without telemetry_start it does nothing. */
void telemetry_stop(void);

#endif
