/* SPDX-License-Identifier: BSD-3-Clause */
/* IEEE 802.1Q tags of a port's one VLAN, put on and taken off in bursts. What the hardware does
 * about them was asked of it in port.c. */
#ifndef DATAPLANE_VLAN_H
#define DATAPLANE_VLAN_H

#include <wgtcpd/base/drop.h>
#include <wgtcpd/dataplane/port.h>

#include <rte_mbuf.h>

/* Takes the tag off n frames; those of another VLAN, or of none, are dropped and counted
 * (ETH_VLAN). Returns how many are left, from frames[0] on. */
uint16_t vlan_strip_burst(const struct port *p, struct wgt_drop_counters *drops,
                          struct rte_mbuf **frames, uint16_t n);
/* Puts the tag on n frames; without room for it (NO_BUFFER) one is dropped. Returns how many are
 * left, from frames[0] on. */
uint16_t vlan_insert_burst(const struct port *p, struct wgt_drop_counters *drops,
                           struct rte_mbuf **frames, uint16_t n);

#endif
