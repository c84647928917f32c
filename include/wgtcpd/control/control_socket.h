/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The socket of wgtcpctl, CONTROL_SOCKET_DIRECTORY/NAME.sock, for root and the daemon's own user. A
 * connection carries one request, a line of words; the answer is a JSON object, and the end:
 *
 *   show                    report.h
 *   diagnose [WHO]          diagnose.h
 *   reload                  {"notes": ["line", ...]}: what counts from the next start on
 *   save                    {}
 *   capture [SIDE [BYTES]]  no object, but a capture file (pcapng): packets of SIDE (inner, outer,
 *                           all) as they come, of each at most BYTES (0: all), until the client
 *                           shuts down its side
 *
 * What cannot be done is answered by {"error": "what is wrong; what would be right"}.
 */
#ifndef WGTCPD_CONTROL_CONTROL_SOCKET_H
#define WGTCPD_CONTROL_CONTROL_SOCKET_H

#include <jansson.h>

#include <wgtcpd/control/device_cursor.h>

#define CONTROL_SOCKET_DIRECTORY "/run/wgtcpd"
enum { CONTROL_REQUEST_MAX = 512 }; /* bytes of a line */

#define CONTROL_ANSWER_TAKEN json_null()

struct event_base;
struct control_socket;

struct control_socket_config {
    struct event_base *base;
    const char *directory, *name;
    unsigned max_clients, patience_s; /* a client's time to ask, and to take the answer */
    void *ctx;
    /* The answer to a request's words (n >= 1); NULL: no memory. CONTROL_ANSWER_TAKEN: it made a
     * descriptor of its own of the connection fd, which is its business from now on. rest is all
     * zero; where the answer begins it, its last member is a list of which there is more. */
    json_t *(*answer)(void *ctx, char **words, unsigned n, int fd, struct device_cursor *rest);
    /* Further items of that list, made when the client has taken those before, after others' turns;
     * the list is complete when `rest` has come to its end. NULL: it cannot be had, and the answer
     * ends with an "error". */
    json_t *(*more)(void *ctx, struct device_cursor *rest);
};

/* NULL: errno says why. directory and name are copied. */
struct control_socket *control_socket_start(const struct control_socket_config *config);
/* NULL is fine. */
void control_socket_stop(struct control_socket *c);

#endif
