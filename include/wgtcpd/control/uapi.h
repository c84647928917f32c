/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The cross-platform configuration protocol, as `wg` and its like speak it over a local socket
 * (https://www.wireguard.com/xplatform/): `get=1` or `set=1`, lines `key=value`, an empty line.
 *
 * A set operation is carried out as a whole or not at all. After an error the rest of the operation
 * is read and thrown away, so that the next one on the same connection is understood. An operation
 * that ends with the connection instead of an empty line is not carried out.
 */
#ifndef WGTCPD_CONTROL_UAPI_H
#define WGTCPD_CONTROL_UAPI_H

#include <wgtcpd/control/change.h>
#include <wgtcpd/control/device_cursor.h>

struct allowedips;
struct event_base;
struct snapshot;

/* --- requests: a pure parser --- */

enum { UAPI_LINE_MAX = 4095 }; /* bytes without the newline */

enum uapi_parsed {
    UAPI_MORE,   /* everything was read, and no operation is complete */
    UAPI_GET,    /* a get operation is complete; so is: */
    UAPI_SET,    /* a set operation */
    UAPI_BROKEN, /* neither get nor set: close the connection */
};

enum uapi_stage { UAPI_FIRST_LINE, UAPI_IN_GET, UAPI_IN_DEVICE, UAPI_IN_PEER, UAPI_ENDED };

struct uapi_parser {
    enum uapi_stage stage;
    enum uapi_parsed operation; /* what is being read: UAPI_GET or UAPI_SET */
    int error;                  /* of the operation: 0 or -errno */
    struct change change;       /* what a set operation asks for, if there is no error */
    struct change_peer *peer;   /* whose lines come; the change's */
    size_t line_len;            /* UAPI_LINE_MAX + 1: too long */
    char line[UAPI_LINE_MAX + 1];
};

void uapi_parser_init(struct uapi_parser *p);
/* Wipes what was read. */
void uapi_parser_fini(struct uapi_parser *p);

/*
 * Reads on, in pieces of any size. *used: how much was taken; less than len when an operation is
 * complete. Then error and change are valid until the next call, which begins the next operation.
 */
enum uapi_parsed uapi_parse(struct uapi_parser *p, const char *data, size_t len, size_t *used);

/* The connection ends in the middle of an operation. */
bool uapi_parser_midway(const struct uapi_parser *p);

/* --- replies --- */

/* Text that holds keys: it grows without leaving copies behind. All zero: empty. */
struct uapi_text {
    char *data;
    size_t len, room;
    bool failed; /* no memory: it is not whole */
};

/* Wipes and empties it. */
void uapi_text_clear(struct uapi_text *t);
/* Wipes it and keeps its room for more. */
void uapi_text_rewind(struct uapi_text *t);

/* All about the device, and about its peers, in the order of wireguard-go; lines that are ours come
 * last of each peer. private_key: NULL for none. */
void uapi_format_device(struct uapi_text *t, const struct snapshot *s, const uint8_t *private_key);
void uapi_format_peers(struct uapi_text *t, const struct snapshot *s,
                       const struct allowedips *allowed_ips);

/* The end of a reply to a get or set operation: errno (0 or -errno) with the sign that `wg` wants
 * of either, and the empty line. */
void uapi_format_end(struct uapi_text *t, enum uapi_parsed operation, int error);

/* --- the server --- */

struct uapi_config {
    const char *directory; /* made if it is missing; its parent exists */
    const char *ifname;    /* the socket is directory/ifname.sock */
    struct event_base *base;
    unsigned max_clients; /* further ones wait for one of them to end */
    unsigned patience_ms; /* for a client that neither sends nor takes what it asked for */
    void *ctx;
    /* Adds to the reply a piece of what a get operation asks for; it is called again when the
     * client has taken that, after others' turns. at: where it stands, all zero before the first
     * piece; ended by the server. 1: there is more; 0: that was all; -errno: this piece is void,
     * and the reply ends with the error. */
    int (*get)(void *ctx, struct device_cursor *at, struct uapi_text *reply);
    /* Carries a set operation out; may alter the change. 0, or -errno with nothing done. */
    int (*set)(void *ctx, struct change *change);
    /* Somebody deleted the socket file. */
    void (*deleted)(void *ctx);
};

struct uapi;

/* Listens; strings are copied. NULL: errno says why; EADDRINUSE: somebody answers there. */
struct uapi *uapi_start(const struct uapi_config *config);
/* Ends all connections and removes the socket file, if it is still ours. NULL is fine. */
void uapi_stop(struct uapi *u);

#endif
