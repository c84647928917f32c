/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reading the device's peers in pieces, while some go and others come in between: of a million one
 * does not copy all at once. In their order, each once; who is removed meanwhile is left out, who
 * comes meanwhile may be.
 */
#ifndef WGTCPD_CONTROL_DEVICE_CURSOR_H
#define WGTCPD_CONTROL_DEVICE_CURSOR_H

#include <stddef.h>
#include <sys/queue.h>

struct device;
struct device_peer;

/* All zero: not begun. */
struct device_cursor {
    LIST_ENTRY(device_cursor) link; /* of the device's */
    struct device *device;
    struct device_peer *next; /* NULL: there are no more */
};

/* The device knows the cursor, which must stay in its place until it is ended; before the device
 * is. */
void device_cursor_begin(struct device *d, struct device_cursor *c);
/* The next ones, max at most; they are there until the next change. Returns how many: 0 when there
 * are no more. */
size_t device_cursor_take(struct device_cursor *c, struct device_peer **of, size_t max);
/* Harmless when it was not begun. */
void device_cursor_end(struct device_cursor *c);

#endif
