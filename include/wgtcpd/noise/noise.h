/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s as WireGuard uses it (paper section 5.4), sans-I/O:
 * entropy, time and wall-clock stamps come in, bytes go out. It does not know its host: no peers,
 * no sockets.
 *
 * Every function computes into locals and commits last: a message that fails leaves no trace.
 */
#ifndef WGTCPD_NOISE_NOISE_H
#define WGTCPD_NOISE_NOISE_H

#include <wgtcpd/base/addr.h>
#include <wgtcpd/base/drop.h>
#include <wgtcpd/wire/message.h>

enum { NOISE_KEY_LEN = 32, NOISE_HASH_LEN = 32, NOISE_MAC_LEN = 16, NOISE_TIMESTAMP_LEN = 12 };
enum { NOISE_AEAD_STATE = 640 };

#define NOISE_REKEY_AFTER_MESSAGES  (UINT64_C(1) << 60)
#define NOISE_REJECT_AFTER_MESSAGES (UINT64_MAX - NOISE_REPLAY_WIDE_WINDOW - 1)

/* Load the crypto libraries and check each primitive against a known answer; call before anything
 * else and before other threads run. 0, or -1 with a message in error (which may be NULL).
 * Repeating it is harmless. */
int noise_crypto_init(char *error, size_t error_len);
/* The AEAD of data messages in use: "boringssl", or "libsodium" where the former is missing. */
const char *noise_aead_name(void);

/* Clamp a private key in place; derive its public key. */
void noise_clamp(uint8_t private_key[NOISE_KEY_LEN]);
void noise_public_key(uint8_t public_key[NOISE_KEY_LEN], const uint8_t private_key[NOISE_KEY_LEN]);
/* Constant time. */
bool noise_equal(const void *a, const void *b, size_t len);
bool noise_is_zero(const void *a, size_t len);
void noise_wipe(void *p, size_t len);
/* SipHash-2-4, for tables and RFC 6528 sequence numbers. */
uint64_t noise_siphash(const uint8_t key[16], const void *data, size_t len);

/* TAI64N of a wall-clock instant, nanoseconds rounded down to a multiple of 2^24 (section 5.1 and
 * the kernel's whitening). */
void noise_tai64n(uint8_t out[NOISE_TIMESTAMP_LEN], uint64_t unix_seconds, uint32_t nanoseconds);

/* --- identities ------------------------------------------------------------------------------ */

/* Who we are. */
struct noise_local {
    bool has_identity;
    uint8_t private_key[NOISE_KEY_LEN];
    uint8_t public_key[NOISE_KEY_LEN];
    uint8_t mac1_key[NOISE_KEY_LEN];   /* of messages to us */
    uint8_t cookie_key[NOISE_KEY_LEN]; /* of cookie replies from us */
};

/* private_key is clamped; all zero: no identity. */
void noise_local_init(struct noise_local *l, const uint8_t private_key[NOISE_KEY_LEN]);
void noise_local_wipe(struct noise_local *l);

enum noise_handshake_state {
    NOISE_ZEROED,
    NOISE_CREATED_INITIATION,
    NOISE_CONSUMED_INITIATION,
};

struct noise_handshake {
    enum noise_handshake_state state;
    /* local_index is that of the initiation we sent last; accepting one of the peer's keeps it, so
     * that the caller can still take it out of its index. */
    uint32_t local_index, remote_index;
    uint8_t ephemeral_private[NOISE_KEY_LEN];
    uint8_t remote_ephemeral[NOISE_KEY_LEN];
    uint8_t hash[NOISE_HASH_LEN];
    uint8_t chaining_key[NOISE_HASH_LEN];
};

/* A peer as Noise sees it. */
struct noise_remote {
    uint8_t public_key[NOISE_KEY_LEN];
    uint8_t preshared_key[NOISE_KEY_LEN]; /* zero: none */
    uint8_t static_static[NOISE_KEY_LEN]; /* DH(s_i, S_r); zero until the first handshake */
    uint8_t latest_timestamp[NOISE_TIMESTAMP_LEN];
    bool consumed_any;      /* last_consumed is valid */
    wgt_time last_consumed; /* when an initiation of the peer was accepted last */
    struct noise_handshake handshake;
    /* cookies: our last mac1 sent to the peer, and what the peer answered */
    bool have_sent_mac1;
    uint8_t last_mac1[NOISE_MAC_LEN];
    bool have_cookie;
    wgt_time cookie_birth;
    uint8_t cookie[NOISE_MAC_LEN];
};

/* psk may be NULL. WGT_OK; HANDSHAKE_DH when the public key is of low order (the peer can never
 * complete a handshake; the remote is still initialised and every handshake with it fails so).
 * Cheap: the shared secret is made by the first handshake, in either role. */
enum wgt_drop noise_remote_init(struct noise_remote *r, const uint8_t public_key[NOISE_KEY_LEN],
                                const uint8_t psk[NOISE_KEY_LEN]);
/* The local identity changed: static_static is wiped, and made anew by the next handshake; the
 * handshake is cleared. Timestamp and cookie stay. */
void noise_remote_rekeyed(struct noise_remote *r);
void noise_remote_wipe(struct noise_remote *r);
void noise_handshake_clear(struct noise_remote *r);

/* --- keypairs -------------------------------------------------------------------------------- */

/* Datagrams are reordered as far as the kernel reckons. What TCP delivers behind a hole comes more
 * than a round trip late, and a fast path carries tens of thousands of messages in that time: that
 * takes the wide window, another 8 KiB. */
enum {
    NOISE_REPLAY_BITS = 8192,
    NOISE_REPLAY_WINDOW = NOISE_REPLAY_BITS - 64,
    NOISE_REPLAY_WIDE_BITS = 65536,
    NOISE_REPLAY_WIDE_WINDOW = NOISE_REPLAY_WIDE_BITS - 64,
};

/* RFC 6479 shape. */
struct noise_replay {
    uint64_t top;   /* highest counter accepted + 1; 0: none yet */
    uint64_t *wide; /* the ring of a wide window, NOISE_REPLAY_WIDE_BITS; NULL: it is not one */
    uint64_t ring[NOISE_REPLAY_BITS / 64];
};

/* Before the first message. ring: NOISE_REPLAY_WIDE_BITS of the caller's; NULL: not wide. */
void noise_replay_init(struct noise_replay *r, uint64_t *ring);

/* Whether the counter is new, inside the window and below REJECT_AFTER_MESSAGES; marks it seen.
 * Call only after the message authenticated. */
bool noise_replay_accept(struct noise_replay *r, uint64_t counter);
/* The same question without marking. */
bool noise_replay_would_accept(const struct noise_replay *r, uint64_t counter);

/* An expanded AEAD key; laid out by the backend. */
struct noise_aead {
    _Alignas(16) uint8_t state[NOISE_AEAD_STATE];
};

struct noise_keypair {
    /* first cache lines: sending */
    uint64_t send_counter; /* next to use */
    wgt_time birth;        /* when the session was derived */
    uint32_t local_index;  /* peers put it into messages to us */
    uint32_t remote_index;
    bool initiator;     /* we were the handshake's initiator */
    bool send_allowed;  /* false after our private key changed */
    uint16_t known_to;  /* the caller's */
    uint16_t in_flight; /* the caller's: messages that others seal or open under it */
    bool retired;       /* the caller's: to be wiped when there are none */
    struct noise_aead send, receive;
    struct noise_replay replay;
    void *owner; /* the caller's */
};

/* Nothing but zero bytes is left; a wide window's ring, which has no secret, stays the caller's. */
void noise_keypair_wipe(struct noise_keypair *k);

/*
 * Seal in place. `message` has 16 bytes for the header, then plaintext_len bytes (already padded),
 * then room for the 16-byte tag; plaintext_len + 32 bytes come out. Takes the next counter. false:
 * counter exhausted (REJECT_AFTER_MESSAGES) or sending not allowed; nothing was written.
 */
bool noise_seal(struct noise_keypair *k, uint8_t *message, size_t plaintext_len);

/* A message whose header is written and whose counter is taken, not sealed yet. */
struct noise_sealing {
    struct noise_keypair *keypair;
    uint64_t counter;
    uint8_t *message;
    size_t plaintext_len;
    bool sealed; /* by noise_seal_many; else it must not be sent */
};

/* The first half of noise_seal: false as there, with *s unset. */
bool noise_seal_begin(struct noise_keypair *k, uint8_t *message, size_t plaintext_len,
                      struct noise_sealing *s);
/* The second half, of messages under any keypairs, none of which was wiped meanwhile. Reads nothing
 * of them but their sending keys: another thread may do it. */
void noise_seal_many(struct noise_sealing *s, unsigned n);

/* Fetches into the cache what sealing under the keypair reads. */
void noise_seal_prefetch(const struct noise_keypair *k);

/*
 * Open in place a checked data message of len >= 32 bytes: the plaintext lies at message + 16, len
 * - 32 bytes. WGT_OK; MESSAGE_SHORT; DATA_EXPIRED (a counter at the limit came or had come before);
 * DATA_REPLAY (seen before or too old; found before decrypting, the message is untouched); DATA_TAG
 * (the bytes behind the header are zeroed: keep a copy of what must survive). The window moves only
 * on WGT_OK. Key age is the caller's to check first.
 */
enum wgt_drop noise_open(struct noise_keypair *k, uint8_t *message, size_t len);

/* A message that is to be opened. */
struct noise_opening {
    struct noise_keypair *keypair;
    uint64_t counter;
    uint8_t *message;
    size_t len;
    enum wgt_drop why; /* as of noise_open, once that is known; WGT_OK before */
};

/* The first half of noise_open: what can be told without decrypting is in o->why. */
void noise_open_begin(struct noise_keypair *k, uint8_t *message, size_t len,
                      struct noise_opening *o);
/* The second half, of messages under any keypairs, none of which was wiped meanwhile. Of two with
 * one counter the second is DATA_REPLAY, though decrypted. */
void noise_open_many(struct noise_opening *o, unsigned n);

/* noise_open_many in two steps, the first of which may be done by another thread: the AEAD, which
 * reads nothing of the keypairs but their receiving keys; o->why is WGT_OK or DATA_TAG then, where
 * it was WGT_OK. */
void noise_open_aead(struct noise_opening *o, unsigned n);
/* The second, by the keypairs' owner, in the order in which messages came: the window. */
void noise_open_accept(struct noise_opening *o);

/* Fetches into the cache what opening under the keypair reads, but for the message's place in the
 * window, which noise_open_begin needs. */
void noise_open_prefetch(const struct noise_keypair *k);

/* --- sessions: previous, current, next (kernel's keypairs) --------------------------------------
 */

struct noise_session {
    struct noise_keypair *previous, *current, *next;
};

/* Keypairs that an operation pushed out (it starts the list anew); they are the caller's to
 * un-index, wipe and free. */
struct noise_retired {
    struct noise_keypair *k[3];
    unsigned n;
};

/* Install a new keypair by its role (k->initiator), by the kernel's add_new_keypair rules. */
void noise_session_install(struct noise_session *s, struct noise_keypair *k,
                           struct noise_retired *retired);
/* An authenticated message arrived under `k`: if it is `next`, promote it (true: the handshake is
 * complete for the responder). */
bool noise_session_received(struct noise_session *s, struct noise_keypair *k,
                            struct noise_retired *retired);
/* Forget all three. */
void noise_session_clear(struct noise_session *s, struct noise_retired *retired);

/* --- handshake ------------------------------------------------------------------------------- */

/*
 * Build an initiation. ephemeral: 32 fresh random bytes (clamped here). index: our sender index,
 * drawn by the caller, unique. mac2 is filled in when a fresh cookie (< 115 s) is at hand. WGT_OK
 * or NO_IDENTITY, HANDSHAKE_DH; on failure nothing changes.
 */
enum wgt_drop noise_initiation_create(struct noise_remote *r, const struct noise_local *l,
                                      wgt_time now, const uint8_t tai64n[NOISE_TIMESTAMP_LEN],
                                      const uint8_t ephemeral[NOISE_KEY_LEN], uint32_t index,
                                      uint8_t out[MESSAGE_INITIATION_LEN]);

/* An initiation up to its static key, before the peer is known. */
struct noise_initiation {
    uint8_t static_public[NOISE_KEY_LEN];
    uint8_t remote_ephemeral[NOISE_KEY_LEN];
    uint8_t hash[NOISE_HASH_LEN];
    uint8_t chaining_key[NOISE_HASH_LEN];
    uint8_t encrypted_timestamp[NOISE_TIMESTAMP_LEN + 16];
    uint32_t sender_index;
};

/* First half of consuming: who is it? mac1 must have been checked. WGT_OK, NO_IDENTITY,
 * HANDSHAKE_DH, HANDSHAKE_STATIC; unless WGT_OK *out is zeroed. Wipe *out after use. */
enum wgt_drop noise_initiation_open(const struct noise_local *l,
                                    const uint8_t message[MESSAGE_INITIATION_LEN],
                                    struct noise_initiation *out);
/* Second half, with the peer found by static_public: timestamp, replay, flood; then commits.
 * WGT_OK, HANDSHAKE_DH, HANDSHAKE_TIMESTAMP, HANDSHAKE_REPLAY, HANDSHAKE_FLOOD. Whatever comes of
 * it, the peer's static_static is there afterwards: only its first initiation costs that X25519. */
enum wgt_drop noise_initiation_accept(struct noise_remote *r, const struct noise_local *l,
                                      wgt_time now, const struct noise_initiation *in);

/* Answer the accepted initiation. Fills *keypair (responder role; owner and replay.wide are left
 * alone) and wipes the handshake. WGT_OK, NO_IDENTITY, HANDSHAKE_STATE, HANDSHAKE_DH; on failure
 * nothing changes. */
enum wgt_drop noise_response_create(struct noise_remote *r, const struct noise_local *l,
                                    wgt_time now, const uint8_t ephemeral[NOISE_KEY_LEN],
                                    uint32_t index, uint8_t out[MESSAGE_RESPONSE_LEN],
                                    struct noise_keypair *keypair);

/* Consume a response whose receiver index named r's handshake; mac1 must have been checked. Fills
 * *keypair (initiator role; owner and replay.wide are left alone) and wipes the handshake. WGT_OK,
 * NO_IDENTITY, HANDSHAKE_STATE, HANDSHAKE_INDEX, HANDSHAKE_DH, HANDSHAKE_TAG; on failure the
 * handshake stays, so that a good response still works.
 */
enum wgt_drop noise_response_consume(struct noise_remote *r, const struct noise_local *l,
                                     wgt_time now, const uint8_t message[MESSAGE_RESPONSE_LEN],
                                     struct noise_keypair *keypair);

/* --- mac1, mac2, cookies -----------------------------------------------------------------------
 */

/* Whether the mac1 of an initiation or response to us is right. Cheap: for the workers. */
bool noise_mac1_check(const struct noise_local *l, const uint8_t *message, size_t len);

/* The key under which TCP SYNs to the holder of this public key are tagged (TcpKnock). */
void noise_knock_key(uint8_t key[NOISE_KEY_LEN], const uint8_t public_key[NOISE_KEY_LEN]);

enum { NOISE_COOKIE_SECRET_LEN = 32, NOISE_COOKIE_NONCE_LEN = 24 };

/* The responder's cookie secret. */
struct noise_cookie_secret {
    bool valid;
    wgt_time birth;
    uint8_t key[NOISE_COOKIE_SECRET_LEN];
};

/* Whether mac2 is right for this source. fresh: random bytes that become the secret when there is
 * none or it is 120 s old. */
bool noise_mac2_check(struct noise_cookie_secret *s, wgt_time now,
                      const uint8_t fresh[NOISE_COOKIE_SECRET_LEN],
                      const struct ip_endpoint *source, const uint8_t *message, size_t len);

/* The cookie reply to an initiation or response (its mac1 must be right). nonce: random. */
void noise_cookie_reply_create(struct noise_cookie_secret *s, const struct noise_local *l,
                               wgt_time now, const uint8_t fresh[NOISE_COOKIE_SECRET_LEN],
                               const uint8_t nonce[NOISE_COOKIE_NONCE_LEN],
                               const struct ip_endpoint *source, const uint8_t *message, size_t len,
                               uint8_t out[MESSAGE_COOKIE_REPLY_LEN]);

/* A cookie reply for a message of ours to r. WGT_OK, COOKIE_UNEXPECTED, COOKIE_TAG. */
enum wgt_drop noise_cookie_reply_consume(struct noise_remote *r, wgt_time now,
                                         const uint8_t message[MESSAGE_COOKIE_REPLY_LEN]);

/* --- handshake rate limit (kernel's ratelimiter.c) ----------------------------------------------
 */

/* Token buckets per IPv4 address or IPv6 /64: 20/s, burst 5. Memory is the caller's. */
struct noise_ratelimit_entry {
    struct ip_addr source;
    wgt_time last;   /* last packet of this source */
    uint64_t tokens; /* ns */
    bool used;
};
struct noise_ratelimit {
    struct noise_ratelimit_entry *entries;
    size_t capacity; /* a power of two */
    size_t used;
    size_t cursor;   /* where the next call goes on forgetting the idle */
    uint8_t key[16]; /* SipHash */
};

void noise_ratelimit_init(struct noise_ratelimit *rl, struct noise_ratelimit_entry *entries,
                          size_t capacity, const uint8_t key[16]);
/* Whether a handshake message from source may be processed now. A full table denies new sources;
 * entries idle for more than 1 s make room. */
bool noise_ratelimit_allow(struct noise_ratelimit *rl, wgt_time now, const struct ip_addr *source);

#endif
