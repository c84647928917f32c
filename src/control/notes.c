/* SPDX-License-Identifier: BSD-3-Clause */
/* What becomes of peers, as lines of the log: one a change of state. */
#include <wgtcpd/control/log.h>
#include <wgtcpd/tunnel/tunnel.h>

#include <wgtcpd/control/config.h>

#include "internal.h"

static const char *
end_text(enum tcp_end why)
{
    switch (why) {
    case TCP_END_RESET:
        return "was reset";
    case TCP_END_REFUSED:
        return "was refused: the port is closed";
    case TCP_END_TIMEOUT:
        return "got no answer";
    case TCP_END_UNREACHABLE:
        return "failed: a router says it cannot be reached";
    case TCP_END_NORMAL:
        return "was closed";
    default:
        return "ended";
    }
}

/* A dial that fails like the ones before it is no news. */
static enum log_level
end_level(enum tcp_end why, bool again)
{
    return again || why == TCP_END_NORMAL || why == TCP_END_ABORTED ? LOG_LEVEL_DEBUG
                                                                    : LOG_LEVEL_INFO;
}

void
note_log(void *ctx, const struct tunnel_event *e)
{
    static struct log_limit sessions = {.per_second = 10}, rekeys = {.per_second = 10},
                            moves = {.per_second = 10}, connections = {.per_second = 10},
                            ends = {.per_second = 10}, failures = {.per_second = 10};
    const char *over = transport_kind_name(e->path.kind);
    char key[LOG_KEY_TEXT], remote[IP_TEXT_MAX] = "somewhere";
    enum tcp_end why = (enum tcp_end)e->note.detail;

    (void)ctx;
    log_key(key, e->peer->public_key);
    if (e->path.remote.addr.family != IP_NONE)
        ip_endpoint_format(remote, &e->path.remote);
    switch (e->note.kind) {
    case TUNNEL_NOTE_SESSION:
        log_limited(&sessions, LOG_LEVEL_INFO, "peer %s: session with %s over %s", key, remote,
                    over);
        break;
    case TUNNEL_NOTE_REKEYED:
        log_limited(&rekeys, LOG_LEVEL_DEBUG, "peer %s: session renewed over %s", key, over);
        break;
    case TUNNEL_NOTE_MOVED:
        log_limited(&moves, LOG_LEVEL_INFO, "peer %s: now at %s over %s", key, remote, over);
        break;
    case TUNNEL_NOTE_CONNECTED:
        log_limited(&connections, LOG_LEVEL_INFO, "peer %s: connected to %s", key, remote);
        break;
    case TUNNEL_NOTE_DIAL_ENDED:
    case TUNNEL_NOTE_DIAL_ENDED_AGAIN:
        log_limited(&ends, end_level(why, e->note.kind == TUNNEL_NOTE_DIAL_ENDED_AGAIN),
                    "peer %s: the connection to %s %s", key, remote, end_text(why));
        break;
    case TUNNEL_NOTE_GAVE_UP:
        log_limited(&failures, LOG_LEVEL_INFO,
                    "peer %s: no handshake for 90 s, given up until there is something to send",
                    key);
        break;
    }
}
