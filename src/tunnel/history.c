/* SPDX-License-Identifier: BSD-3-Clause */
/* What went wrong with a peer. The first trouble goes to the handshaker, which draws a history that
 * has it and hands it over; what goes wrong in that moment is not counted. */
#include "internal.h"

const struct peer_history *
history_of(const struct tunnel_peer *p)
{
    static const struct peer_history none;

    return p->history != NULL ? p->history : &none;
}

void
history_note(struct peer_history *h, const struct tunnel_trouble *what)
{
    trouble_note(&h->trouble[what->what], what->at);
    if (what->what == PEER_TROUBLE_SOURCE_DENIED)
        h->denied_source = what->source;
}

static void
note(struct tunnel *t, struct tunnel_peer *p, const struct tunnel_trouble *what)
{
    struct tunnel_event e = {.type = TUNNEL_EVENT_TROUBLE, .peer = p, .trouble = *what};

    if (p->history != NULL)
        history_note(p->history, what);
    else if (!p->history_asked)
        p->history_asked = tunnel_send_event(t, &e);
}

void
peer_trouble(struct tunnel *t, struct tunnel_peer *p, enum peer_trouble what, wgt_time now)
{
    note(t, p, &(struct tunnel_trouble){.what = what, .at = now});
}

void
peer_source_denied(struct tunnel *t, struct tunnel_peer *p, const struct ip_addr *source,
                   wgt_time now)
{
    note(
        t, p,
        &(struct tunnel_trouble){.what = PEER_TROUBLE_SOURCE_DENIED, .at = now, .source = *source});
}
