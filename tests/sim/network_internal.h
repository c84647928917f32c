/* SPDX-License-Identifier: BSD-3-Clause */
/* Between the parts of the model network. */
#ifndef SIM_NETWORK_INTERNAL_H
#define SIM_NETWORK_INTERNAL_H

#include "network.h"

/* The worst of all faults that are on. */
struct network_impairment network_impairment_at(const struct network *n, wgt_time now,
                                                unsigned direction);
/* Past queue and faults: it just arrives. */
void network_inject(struct network *n, wgt_time due, unsigned direction, bool behind_nat,
                    const uint8_t *packet, size_t len);

/* One stage after the other; packets may be written on. */
void through_middlebox(struct network *n, wgt_time now, unsigned direction,
                       const struct network_impairment *what, uint8_t *packet, size_t len);
wgt_time middlebox_deadline(const struct network *n);
void middlebox_run(struct network *n, wgt_time now);

void through_router(struct network *n, wgt_time now, unsigned direction, const uint8_t *packet,
                    size_t len);
/* Writes an ICMP error of a router about the packet, "larger than mtu". Returns its length, 0: none
 * is due. */
size_t router_too_big(uint8_t *icmp, const uint8_t *packet, size_t len, uint16_t mtu);

void network_through_nat(struct network *n, wgt_time now, unsigned direction, const uint8_t *packet,
                         size_t len);
unsigned nat_epoch(const struct network *n, wgt_time now);
/* Writes changed addresses and ports into a packet whose checksums are right. */
bool nat_rewrite(struct network *n, unsigned epoch, bool outward, uint8_t *packet, size_t len);

void attacker_sees(struct network *n, unsigned direction, const uint8_t *packet, size_t len);
wgt_time attacker_deadline(const struct network *n);
void attacker_run(struct network *n, wgt_time now);

#endif
