/* SPDX-License-Identifier: BSD-3-Clause */
/* DPDK's environment, set up from our own configuration. */
#ifndef WGTCPD_DATAPLANE_EAL_H
#define WGTCPD_DATAPLANE_EAL_H

#include <stdbool.h>
#include <stddef.h>

struct eal_params {
    const char *name;           /* of the interface; makes file prefixes unique */
    const char *const *devices; /* PCI addresses or vdev strings */
    unsigned n_devices;
    unsigned workers; /* lcores 1 to so many, besides the main one; 0: one */
    unsigned helpers; /* the lcores behind them */
    /* CPUs of workers and helpers, or NULL: any. One each if there are as many. */
    const char *cores;
    const char *extra; /* further arguments, separated by blanks, or NULL */
    bool verbose;
    bool telemetry; /* answer on its socket (rte_telemetry) */
};

/* "0000:01:00.0" or "01:00.0" */
bool eal_is_pci_address(const char *device);

/* Starts EAL. It can't be started again in this process, not even after a failure. 0, or -1 with a
 * message in error. */
int eal_start(const struct eal_params *p, char *error, size_t error_len);
void eal_stop(void);

#endif
