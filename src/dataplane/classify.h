/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_CLASSIFY_H
#define DATAPLANE_CLASSIFY_H

#include <wgtcpd/dataplane/worker.h>

/* A frame from an outer link (m, taken): to the tunnel, the neighbours, the echo responder, or to
 * its drop counter. */
void classify(struct worker *w, struct eth_link *l, struct rte_mbuf *m);

#endif
