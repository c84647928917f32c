/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * GET /metrics for Prometheus, and nothing else: a few clients at a time, one small request each,
 * an answer in pieces.
 *
 * Not evhttp: it lets any number of clients connect and wait, and libevent 2.1 has no way to bound
 * them.
 */
#ifndef WGTCPD_CONTROL_METRICS_HTTP_H
#define WGTCPD_CONTROL_METRICS_HTTP_H

#include <wgtcpd/control/metrics.h>

struct event_base;
struct metrics_http;

enum { METRICS_CLIENTS_MAX = 8, METRICS_REQUEST_MAX = 4096 };

/* Serves what `take` returns (NULL: nothing now, 503); snapshot_free frees it. NULL, and errno,
 * when it cannot listen there. */
struct metrics_http *metrics_http_start(struct event_base *base, const struct ip_endpoint *at,
                                        struct snapshot *(*take)(void *ctx), void *ctx);
/* Drops its clients. NULL is fine. */
void metrics_http_stop(struct metrics_http *h);

/* What a request asks for; the text ends with its empty line. */
struct metrics_request {
    int status; /* 200; 400, 404, 405 or 505 */
    bool head;  /* the answer's head only */
    bool chunked;
    enum metrics_format format;
};
struct metrics_request metrics_request_parse(const char *text);

#endif
