/* SPDX-License-Identifier: BSD-3-Clause */
/* What a node is doing, in words and figures (SIGUSR1). */
#ifndef WGTCPD_CONTROL_STATUS_H
#define WGTCPD_CONTROL_STATUS_H

#include <wgtcpd/control/node.h>

/* Writes interface, peers, connections and all counters that are not zero to the log. */
void status_log(struct node *n);

#endif
