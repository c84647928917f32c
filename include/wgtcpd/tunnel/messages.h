/* SPDX-License-Identifier: BSD-3-Clause */
/* What tunnel (worker) and handshaker (control) tell each other; passed by value through rings. */
#ifndef WGTCPD_TUNNEL_MESSAGES_H
#define WGTCPD_TUNNEL_MESSAGES_H

#include <wgtcpd/noise/noise.h>
#include <wgtcpd/transport/path.h>
#include <wgtcpd/tunnel/trouble.h>

struct tunnel_peer;
struct tunnel_report;
struct peer_history;
struct tcp_cc_ops;

/* tunnel -> handshaker */
enum tunnel_event_type {
    TUNNEL_EVENT_HANDSHAKE, /* a handshake message with a good mac1 arrived on path */
    TUNNEL_EVENT_INITIATE,  /* peer wants a session */
    TUNNEL_EVENT_RETIRED,   /* keypair is wiped and out of use: free it and its index */
    TUNNEL_EVENT_MOVE,      /* peer was heard on path, a connection of `worker` */
    TUNNEL_EVENT_ZERO,      /* forget peer's handshake */
    TUNNEL_EVENT_REMOVED,   /* peer is detached: free it after a grace period */
    TUNNEL_EVENT_STOPPED,   /* all connections are closed */
    TUNNEL_EVENT_REPORT,    /* report is filled in */
    TUNNEL_EVENT_NOTE,      /* what became of peer, for the log; may be left out */
    TUNNEL_EVENT_TROUBLE,   /* the first of peer: it wants a history */
};

enum tunnel_note_kind {
    TUNNEL_NOTE_SESSION,          /* a handshake completed, after a time without keys */
    TUNNEL_NOTE_REKEYED,          /* a handshake completed */
    TUNNEL_NOTE_MOVED,            /* it is heard on another path */
    TUNNEL_NOTE_CONNECTED,        /* the connection dialled is up */
    TUNNEL_NOTE_DIAL_ENDED,       /* and gone; detail: enum tcp_end */
    TUNNEL_NOTE_DIAL_ENDED_AGAIN, /* as the ones before it */
    TUNNEL_NOTE_GAVE_UP,          /* handshakes got no answer for REKEY_ATTEMPT_TIME */
};

struct tunnel_note {
    enum tunnel_note_kind kind;
    unsigned detail;
};

struct tunnel_trouble {
    enum peer_trouble what;
    wgt_time at;
    struct ip_addr source; /* with SOURCE_DENIED */
};

struct tunnel_event {
    enum tunnel_event_type type;
    struct tunnel_peer *peer;
    struct noise_keypair *keypair;
    struct path path;
    uint32_t len;
    union {
        uint8_t message[MESSAGE_HANDSHAKE_MAX];
        struct tunnel_report *report;
        struct tunnel_note note;
        uint32_t worker;
        struct tunnel_trouble trouble;
    };
};

/* How a peer is reached and kept. */
struct tunnel_peer_settings {
    struct ip_endpoint endpoint;         /* family IP_NONE: as it was */
    bool use_endpoint;                   /* at once, though the peer may be elsewhere */
    bool knock;                          /* our SYNs to it carry a tag */
    uint16_t persistent_keepalive;       /* s, 0: off */
    enum transport_kind kind;            /* how to dial */
    const struct tcp_cc_ops *congestion; /* NULL: the interface's */
};

/* Who we are, as far as the worker needs it. */
struct tunnel_identity {
    bool has_identity;
    uint8_t public_key[NOISE_KEY_LEN];
    uint8_t mac1_key[NOISE_KEY_LEN];  /* of messages to us: noise_local's */
    uint8_t knock_key[NOISE_KEY_LEN]; /* of SYNs to us: noise_knock_key */
};

/* Data messages to this receiver index are for a peer that is at `worker`. */
struct tunnel_index {
    uint32_t index, worker;
};

/* Of tunnel_config. */
struct tunnel_mtu {
    uint32_t mtu;
    bool fragment;
};

/* handshaker -> tunnel */
enum tunnel_command_type {
    TUNNEL_COMMAND_SEND,       /* message along path, whoever is there (cookie reply) */
    TUNNEL_COMMAND_INITIATION, /* message to peer; len 0: there will be none */
    TUNNEL_COMMAND_RESPONSE,   /* keypair for peer (we responded), message along path */
    TUNNEL_COMMAND_SESSION,    /* keypair for peer (we initiated), response came on path */
    TUNNEL_COMMAND_ADD_PEER,
    TUNNEL_COMMAND_REMOVE_PEER,
    TUNNEL_COMMAND_SET_PEER, /* settings of peer */
    TUNNEL_COMMAND_IDENTITY, /* our key is another one */
    TUNNEL_COMMAND_PORT,     /* listen_port is another one */
    TUNNEL_COMMAND_LINK,     /* the host's interface is up, or down */
    TUNNEL_COMMAND_MTU,      /* mtu and fragment are others */
    TUNNEL_COMMAND_RELEASE,  /* peer goes to `worker` */
    TUNNEL_COMMAND_ADOPT,    /* peer comes, as soon as it is released; path: where it was heard */
    TUNNEL_COMMAND_MARK,     /* whose `index` is at another worker from the beginning */
    TUNNEL_COMMAND_FORGET,   /* `index` is out of use */
    TUNNEL_COMMAND_UDP,      /* some worker's peer is dialled over UDP: all listen */
    TUNNEL_COMMAND_REPORT,   /* fill in report */
    TUNNEL_COMMAND_HISTORY,  /* history is peer's from now on */
    TUNNEL_COMMAND_STOP,
};

struct tunnel_command {
    enum tunnel_command_type type;
    struct tunnel_peer *peer;
    struct noise_keypair *keypair;
    struct path path;
    uint32_t len;
    union {
        uint8_t message[MESSAGE_HANDSHAKE_MAX];
        struct tunnel_peer_settings settings;
        struct tunnel_identity identity;
        uint16_t listen_port;
        bool up;
        struct tunnel_mtu mtu;
        struct tunnel_report *report;
        struct tunnel_index index;
        uint32_t worker;
        struct peer_history *history;
    };
};

/* Receiver indices a peer may have at a time: of three keypairs and of a handshake. */
enum { INDICES_PER_PEER = 4 };

/* Ring elements are copied in units of 4 bytes. */
_Static_assert(sizeof(struct tunnel_event) % 4 == 0, "ring element size");
_Static_assert(sizeof(struct tunnel_command) % 4 == 0, "ring element size");

enum { TUNNEL_RING_SIZE = 4096, TUNNEL_WORKERS_MAX = MESSAGE_WORKERS_MAX };

#endif
