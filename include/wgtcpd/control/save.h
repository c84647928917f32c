/* SPDX-License-Identifier: BSD-3-Clause */
/* A running node as a configuration file: what `wg` sets comes from the device, all else from the
 * file as it was read last. */
#ifndef WGTCPD_CONTROL_SAVE_H
#define WGTCPD_CONTROL_SAVE_H

#include <wgtcpd/control/device.h>

/* Comments are lost. Endpoints are those that were set, by name where it was a name: not where the
 * peers roamed to since. */
void save_format(const struct config *c, const struct device *d, FILE *to);

#endif
