/* SPDX-License-Identifier: BSD-3-Clause */
#include "internal.h"

/* What an operator may read must not keep handshakes waiting, nor count as their load. */
enum { NOTES_MAX = TUNNEL_RING_SIZE / 16 };

void
peer_note(struct tunnel *t, struct tunnel_peer *p, enum tunnel_note_kind kind,
          const struct path *path, unsigned detail)
{
    struct tunnel_event e = {.type = TUNNEL_EVENT_NOTE, .peer = p, .note = {kind, detail}};

    if (path != NULL)
        e.path = *path;
    if (rte_ring_count(t->events) < NOTES_MAX)
        tunnel_send_event(t, &e);
}
