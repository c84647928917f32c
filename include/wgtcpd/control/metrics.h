/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A snapshot as the text that Prometheus reads: its text format 0.0.4, or OpenMetrics 1.0. Pure; in
 * pieces of whole lines, so that ten thousand peers hold up nobody.
 */
#ifndef WGTCPD_CONTROL_METRICS_H
#define WGTCPD_CONTROL_METRICS_H

#include <wgtcpd/control/snapshot.h>

enum metrics_format { METRICS_PROMETHEUS, METRICS_OPENMETRICS };

/* How far we are. */
struct metrics_cursor {
    enum metrics_format format;
    unsigned family;
    size_t sample; /* of the family; 0: its heading */
};

enum { METRICS_LINE_MAX = 512 };

void metrics_begin(struct metrics_cursor *c, enum metrics_format format);
/* The next lines of the same snapshot, as many as fit (size: at least METRICS_LINE_MAX, and no NUL
 * is added). Returns their bytes; 0: that was all. */
size_t metrics_next(struct metrics_cursor *c, const struct snapshot *s, char *buf, size_t size);

/* What an HTTP client is told of the format. */
const char *metrics_content_type(enum metrics_format format);

#endif
