/* SPDX-License-Identifier: BSD-3-Clause */
/* Three key slots, so that no packet is lost while a session replaces another: `current` sends,
 * `previous` still receives, `next` waits for the initiator's proof that it has the keys. */
#include <wgtcpd/noise/noise.h>

static void
retire(struct noise_retired *retired, struct noise_keypair **slot)
{
    if (*slot != NULL)
        retired->k[retired->n++] = *slot;
    *slot = NULL;
}

/* The peer proves new keys at once. When it has not for so long, it never got the response, goes on
 * with `current`, and that must stay when newer keys come. */
#define PROOF_TIME (5 * WGT_SEC)

static void
install_initiator(struct noise_session *s, struct noise_keypair *k, struct noise_retired *retired)
{
    retire(retired, &s->previous);
    if (s->next != NULL && s->current != NULL && k->birth >= s->next->birth + PROOF_TIME)
        retire(retired, &s->next);
    if (s->next != NULL) {
        /* The peer may send under `next`, which it has not proved yet: keep that one. */
        s->previous = s->next;
        s->next = NULL;
        retire(retired, &s->current);
    } else {
        s->previous = s->current;
    }
    s->current = k;
}

/* `current` goes on sending until the initiator has shown that it has the new keys. */
static void
install_responder(struct noise_session *s, struct noise_keypair *k, struct noise_retired *retired)
{
    retire(retired, &s->next);
    s->next = k;
    retire(retired, &s->previous);
}

void
noise_session_install(struct noise_session *s, struct noise_keypair *k,
                      struct noise_retired *retired)
{
    retired->n = 0;
    if (k->initiator)
        install_initiator(s, k, retired);
    else
        install_responder(s, k, retired);
}

bool
noise_session_received(struct noise_session *s, struct noise_keypair *k,
                       struct noise_retired *retired)
{
    retired->n = 0;
    if (k != s->next || k == NULL)
        return false;
    retire(retired, &s->previous);
    s->previous = s->current;
    s->current = s->next;
    s->next = NULL;
    return true;
}

void
noise_session_clear(struct noise_session *s, struct noise_retired *retired)
{
    retired->n = 0;
    retire(retired, &s->previous);
    retire(retired, &s->current);
    retire(retired, &s->next);
}
