/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What goes wrong with a peer, and who else knocks: kept for an operator who looks for the reason.
 * Counts with the time of the last one, a few bytes each; nothing here decides anything.
 */
#ifndef WGTCPD_TUNNEL_TROUBLE_H
#define WGTCPD_TUNNEL_TROUBLE_H

#include <wgtcpd/base/addr.h>
#include <wgtcpd/base/drop.h>

struct trouble {
    uint32_t n;
    wgt_time last; /* valid if n > 0 */
};

/* Of a peer, seen by the tunnel. */
/* clang-format off */
#define PEER_TROUBLE_LIST(X)                                                                       \
    X(UNANSWERED)       /* initiations that left since the last handshake completed */             \
    X(UNCONFIRMED)      /* responses that left since then; the peer has used none of them */       \
    X(GAVE_UP)          /* handshakes that did not complete within REKEY_ATTEMPT_TIME */           \
    X(NO_ENDPOINT)      /* packets to a peer of which nobody knows where it is */                  \
    X(SOURCE_DENIED)    /* packets from it with an inner source that it is not allowed */          \
    X(TOO_BIG)          /* inner packets that the way to it does not take */                       \
    X(UDP_REFUSED)      /* UDP: the port is closed, says its host (ICMP) */                        \
    X(UDP_UNREACHABLE)  /* UDP: there is no way, says a router (ICMP) */                           \
    X(ENDPOINT_FLAP)    /* it was heard again from where it had been before its last move */       \
    X(DIAL_REFUSED)     /* TCP: the port is closed (RST) */                                        \
    X(DIAL_UNREACHABLE) /* TCP: a router says so (ICMP) */                                         \
    X(DIAL_UNANSWERED)  /* TCP: no answer to our SYNs */                                           \
    X(DIAL_RESET)       /* TCP: a connection that stood was reset */                               \
    X(DIAL_UNSENT)      /* TCP: no address of ours to dial from, or the table is full */
/* clang-format on */

enum peer_trouble {
#define PEER_TROUBLE_ENUM(name) PEER_TROUBLE_##name,
    PEER_TROUBLE_LIST(PEER_TROUBLE_ENUM)
#undef PEER_TROUBLE_ENUM
        PEER_TROUBLE_COUNT
};

/* Of a peer, seen by the handshaker. */
/* clang-format off */
#define HANDSHAKE_TROUBLE_LIST(X)                                                                  \
    X(RESPONSE_TAG)      /* responses to us that did not decrypt: the preshared keys differ */     \
    X(INITIATION_REPLAY) /* its initiations with a timestamp not above the last one's */           \
    X(CLOCK_BACK)        /* our initiations with a timestamp not above the last one's */
/* clang-format on */

enum handshake_trouble {
#define HANDSHAKE_TROUBLE_ENUM(name) HANDSHAKE_TROUBLE_##name,
    HANDSHAKE_TROUBLE_LIST(HANDSHAKE_TROUBLE_ENUM)
#undef HANDSHAKE_TROUBLE_ENUM
        HANDSHAKE_TROUBLE_COUNT
};

static inline void
trouble_note(struct trouble *t, wgt_time now)
{
    if (t->n < UINT32_MAX)
        t->n++;
    t->last = now;
}

/* One whose handshake messages were not for us, or not of a peer. */
struct stranger {
    struct ip_endpoint from;
    enum wgt_drop why; /* WGT_OK: the place is free */
    uint8_t key[32];   /* its static key, with HANDSHAKE_UNKNOWN_PEER */
    struct trouble seen;
};

enum { STRANGERS_MAX = 8 };

struct strangers {
    struct stranger of[STRANGERS_MAX];
};

/* Counts for the address and reason (and key, if it is not NULL); the one seen last for longest
 * gives its place to a new one. */
void strangers_note(struct strangers *s, wgt_time now, enum wgt_drop why,
                    const struct ip_endpoint *from, const uint8_t *key);
/* What another one has seen, too. */
void strangers_add(struct strangers *s, const struct strangers *other);

#endif
