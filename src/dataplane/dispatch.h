/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames that a link has received, to the workers that are to have them. */
#ifndef DATAPLANE_DISPATCH_H
#define DATAPLANE_DISPATCH_H

#include <wgtcpd/dataplane/worker.h>

/* With several workers: hands over what is another one's, and to all what all are to hear. Returns
 * how many of the n frames of the worker's link are its own, from frames[0] on. */
uint16_t dispatch_burst(struct worker *w, unsigned link, struct rte_mbuf **frames, uint16_t n);

/* handover.take of a worker (ctx). */
void dispatch_take(void *ctx, enum handed what, unsigned link, struct rte_mbuf *m);

#endif
