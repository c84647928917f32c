/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench handshake: handshakes a second on one core, by the daemon's handshaker from event to
 * command, beside the bare X25519 that they cannot do without: three shared secrets and one public
 * key for each role (static-static is kept). The other ends are made outside the time; each session
 * must carry a message in the end.
 */
#include <stdio.h>
#include <stdlib.h>

#include <rte_ring_elem.h>

#include <wgtcpd/dataplane/worker.h>
#include <wgtcpd/tunnel/handshaker.h>
#include <wgtcpd/tunnel/tunnel.h>
#include <wgtcpd/vault/vault.h>

#include "../../src/noise/crypto.h"
#include "bench.h"

enum { PEERS = 64, SECRETS = 3 };

/* Another end. */
struct client {
    struct noise_local local;
    struct noise_remote server;
    struct tunnel_peer peer; /* what the server's handshaker knows it by */
    struct noise_keypair *keypair;
};

struct service {
    struct handshaker handshaker;
    struct rte_ring *events, *commands;
    struct client *clients;
    wgt_time now;
    struct wall_clock wall;
};

static void
random_key(uint8_t key[NOISE_KEY_LEN])
{
    worker_entropy(NULL, key, NOISE_KEY_LEN);
    noise_clamp(key);
}

static void
expect(bool good, const char *what)
{
    if (!good)
        bench_die("%s", what);
}

/* --- rings --------------------------------------------------------------------------------------
 */

static void
tell(struct service *s, const struct tunnel_event *e)
{
    expect(rte_ring_enqueue_elem(s->events, (void *)(uintptr_t)e, sizeof(*e)) == 0,
           "the ring of events is full");
}

static void
tell_message(struct service *s, const uint8_t *message, size_t len)
{
    struct tunnel_event e = {.type = TUNNEL_EVENT_HANDSHAKE, .len = (uint32_t)len};

    memcpy(e.message, message, len);
    tell(s, &e);
}

static struct client *
hear(struct service *s, enum tunnel_command_type type, struct tunnel_command *c)
{
    expect(rte_ring_dequeue_elem(s->commands, c, sizeof(*c)) == 0 && c->type == type,
           "the handshaker did not answer");
    return WGT_CONTAINER_OF(c->peer, struct client, peer);
}

static void
discard_commands(struct service *s)
{
    struct tunnel_command c;

    while (rte_ring_dequeue_elem(s->commands, &c, sizeof(c)) == 0)
        ;
}

/* Clocks of the handshaker with all that waits. */
static uint64_t
run(struct service *s)
{
    uint64_t begin = bench_clock();
    unsigned n = handshaker_run(&s->handshaker, s->now, &s->wall, PEERS);

    begin = bench_clocks_since(begin);
    expect(n == PEERS, "the handshaker left events behind");
    return begin;
}

/* --- sessions -----------------------------------------------------------------------------------
 */

/* Both have the same keys; then the server's keypair goes the way of retired ones. */
static void
prove(struct service *s, struct client *client, struct noise_keypair *k)
{
    uint8_t message[MESSAGE_DATA_OVERHEAD + MESSAGE_PADDING] = {0};
    uint32_t index = k->local_index;

    expect(noise_seal(client->keypair, message, MESSAGE_PADDING) &&
               noise_open(k, message, sizeof(message)) == WGT_OK,
           "the ends of a session have other keys");
    noise_keypair_wipe(client->keypair);
    noise_keypair_wipe(k);
    k->local_index = index;
    tell(s, &(struct tunnel_event){.type = TUNNEL_EVENT_RETIRED, .keypair = k});
}

/* Peers take initiations only from later seconds. */
static void
next_second(struct service *s)
{
    s->now += WGT_SEC;
    s->wall.seconds++;
}

static uint64_t
respond(struct service *s)
{
    uint8_t ephemeral[NOISE_KEY_LEN], stamp[NOISE_TIMESTAMP_LEN], message[MESSAGE_INITIATION_LEN];
    struct tunnel_command c;
    uint64_t clocks;

    next_second(s);
    noise_tai64n(stamp, s->wall.seconds, 0);
    for (unsigned i = 0; i < PEERS; i++) {
        struct client *client = &s->clients[i];

        random_key(ephemeral);
        expect(noise_initiation_create(&client->server, &client->local, s->now, stamp, ephemeral, i,
                                       message) == WGT_OK,
               "a client could not initiate");
        tell_message(s, message, sizeof(message));
    }
    clocks = run(s);
    for (unsigned i = 0; i < PEERS; i++) {
        struct client *client = hear(s, TUNNEL_COMMAND_RESPONSE, &c);

        expect(noise_response_consume(&client->server, &client->local, s->now, c.message,
                                      client->keypair) == WGT_OK,
               "a response is bad");
        prove(s, client, c.keypair);
    }
    run(s);
    return clocks;
}

static void
answer(struct service *s, struct client *client, const uint8_t *initiation)
{
    uint8_t ephemeral[NOISE_KEY_LEN], response[MESSAGE_RESPONSE_LEN];
    struct noise_initiation in;

    random_key(ephemeral);
    expect(noise_initiation_open(&client->local, initiation, &in) == WGT_OK &&
               noise_initiation_accept(&client->server, &client->local, s->now, &in) == WGT_OK &&
               noise_response_create(&client->server, &client->local, s->now, ephemeral,
                                     (uint32_t)(client - s->clients), response,
                                     client->keypair) == WGT_OK,
           "an initiation is bad");
    tell_message(s, response, sizeof(response));
}

static uint64_t
initiate(struct service *s)
{
    struct tunnel_command c;
    uint64_t clocks;

    next_second(s);
    for (unsigned i = 0; i < PEERS; i++)
        tell(s, &(struct tunnel_event){.type = TUNNEL_EVENT_INITIATE, .peer = &s->clients[i].peer});
    clocks = run(s);
    for (unsigned i = 0; i < PEERS; i++) {
        struct client *client = hear(s, TUNNEL_COMMAND_INITIATION, &c);

        answer(s, client, c.message);
    }
    clocks += run(s);
    for (unsigned i = 0; i < PEERS; i++) {
        struct client *client = hear(s, TUNNEL_COMMAND_SESSION, &c);

        prove(s, client, c.keypair);
    }
    run(s);
    return clocks;
}

/* --- X25519 alone -------------------------------------------------------------------------------
 */

static uint64_t
bare(void)
{
    static uint8_t keys[PEERS][NOISE_KEY_LEN], points[PEERS][NOISE_KEY_LEN];
    uint8_t out[NOISE_KEY_LEN];
    bool good = true;
    uint64_t begin;

    for (unsigned i = 0; i < PEERS; i++) {
        random_key(keys[i]);
        noise_public_key(points[PEERS - 1 - i], keys[i]);
    }
    begin = bench_clock();
    for (unsigned i = 0; i < PEERS; i++) {
        noise_public_key(out, keys[i]);
        for (unsigned k = 0; k < SECRETS; k++)
            good &= noise_dh(out, keys[i], points[(i + k) % PEERS]);
    }
    begin = bench_clocks_since(begin);
    expect(good, "X25519 failed");
    return begin;
}

/* --- set-up and figures -------------------------------------------------------------------------
 */

static struct rte_ring *
new_ring(const char *name, unsigned element)
{
    struct rte_ring *r = rte_ring_create_elem(name, element, TUNNEL_RING_SIZE, SOCKET_ID_ANY,
                                              RING_F_SP_ENQ | RING_F_SC_DEQ);

    expect(r != NULL, "no memory for rings");
    return r;
}

static void
add_client(struct service *s, struct client *client)
{
    uint8_t key[NOISE_KEY_LEN];

    random_key(key);
    noise_local_init(&client->local, key);
    memcpy(client->peer.public_key, client->local.public_key, NOISE_KEY_LEN);
    client->keypair = vault_alloc(sizeof(*client->keypair));
    expect(client->keypair != NULL &&
               noise_remote_init(&client->server, s->handshaker.local.public_key, NULL) == WGT_OK &&
               handshaker_add_peer(&s->handshaker, &client->peer, NULL) == 0,
           "no memory for peers");
}

static void
start(struct service *s)
{
    uint8_t key[NOISE_KEY_LEN];

    *s = (struct service){.now = WGT_SEC, .wall = {.seconds = 1700000000}};
    s->events = new_ring("bench.events", sizeof(struct tunnel_event));
    s->commands = new_ring("bench.commands", sizeof(struct tunnel_command));
    s->clients = vault_alloc(PEERS * sizeof(*s->clients));
    random_key(key);
    expect(s->clients != NULL && handshaker_init(&s->handshaker, PEERS, key, s->events, s->commands,
                                                 worker_entropy, NULL) == 0,
           "no memory for the handshaker");
    for (unsigned i = 0; i < PEERS; i++)
        add_client(s, &s->clients[i]);
    discard_commands(s);
}

static void
stop(struct service *s)
{
    for (unsigned i = 0; i < PEERS; i++)
        vault_free(s->clients[i].keypair, sizeof(*s->clients[i].keypair));
    handshaker_fini(&s->handshaker);
    vault_free(s->clients, PEERS * sizeof(*s->clients));
    rte_ring_free(s->events);
    rte_ring_free(s->commands);
}

static double
a_second(double clocks)
{
    return (double)rte_get_tsc_hz() * PEERS / clocks;
}

static void
measure(struct service *s, const char *role, uint64_t (*handshakes)(struct service *s),
        unsigned rounds)
{
    struct bench_rounds took, least, ratio;
    double whole, x25519, share;

    bench_rounds_init(&took, rounds);
    bench_rounds_init(&least, rounds);
    bench_rounds_init(&ratio, rounds);
    for (unsigned i = 0; i < rounds; i++) {
        double clocks = (double)handshakes(s), alone = (double)bare();

        bench_rounds_add(&took, clocks);
        bench_rounds_add(&least, alone);
        bench_rounds_add(&ratio, alone / clocks);
    }
    whole = a_second(bench_rounds_median(&took));
    x25519 = a_second(bench_rounds_median(&least));
    share = bench_rounds_median(&ratio);
    printf("%-9s %12.0f %12.0f %6.2f\n", role, whole, x25519, share);
    bench_report(json_pack("{s:s s:f s:f s:f}", "role", role, "handshakes", whole, "x25519", x25519,
                           "ratio", share));
    bench_rounds_fini(&took);
    bench_rounds_fini(&least);
    bench_rounds_fini(&ratio);
}

void
bench_handshake(const struct bench_options *o, struct rte_mempool *pool)
{
    struct service s;

    (void)pool;
    start(&s);
    printf("%-9s %12s %12s %6s\n", "", "handshakes/s", "X25519 alone", "ratio");
    measure(&s, "responder", respond, o->rounds);
    measure(&s, "initiator", initiate, o->rounds);
    stop(&s);
}
