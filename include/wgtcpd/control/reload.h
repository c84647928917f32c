/* SPDX-License-Identifier: BSD-3-Clause */
/* The difference between a configuration read anew and what runs. Pure: nothing is applied here. */
#ifndef WGTCPD_CONTROL_RELOAD_H
#define WGTCPD_CONTROL_RELOAD_H

#include <wgtcpd/control/device.h>

struct reload_counts {
    size_t added, removed, changed, untouched; /* peers */
};

/*
 * What device_apply must do to make the device what the new file says; out is empty before and
 * freed by the caller in any case. As `wg syncconf`: peers that the file does not have are removed,
 * an endpoint that it does not name stays. A random port stays while neither file names one.
 * Endpoints that are names come with the address that they have now, if it is the same name. 0 or
 * -ENOMEM.
 */
int reload_diff(const struct config *old, const struct config *new, const struct device *d,
                struct change *out, struct reload_counts *counts);

/* Whether such keys differ that only count at the start; each is named in a line to errors. */
bool reload_needs_start(const struct config *old, const struct config *new, FILE *errors);

/* Exchanges what may change while it runs: afterwards `running` has it from the new file, and all
 * else as it was; but no peers, which are the device's. */
void reload_take(struct config *running, struct config *new);

#endif
