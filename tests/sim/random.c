/* SPDX-License-Identifier: BSD-3-Clause */
/* A whole scenario from one number. */
#include <stdio.h>

#include "sim.h"

/* Counted traffic goes on so long after the last fault's time of grace. */
#define TAIL (30 * WGT_SEC)
/* A transfer has this much before the end at least. */
#define TRANSFER_TIME (75 * WGT_SEC)

static struct network_impairment
random_impairment(struct prng *r, uint16_t mtu_min)
{
    struct network_impairment what = {.loss = 0};

    /* One kind is the rule, several at once the exception. */
    do {
        switch (prng_below(r, 11)) {
        case 0:
            what.loss = (uint32_t)prng_between(r, 1000, 100000);
            break;
        case 1:
            what.burst_enter = (uint32_t)prng_between(r, 1000, 30000);
            what.burst_leave = (uint32_t)prng_between(r, 50000, 500000);
            break;
        case 2:
            what.duplicate = (uint32_t)prng_between(r, 1000, 300000);
            break;
        case 3:
            what.corrupt = (uint32_t)prng_between(r, 1000, 100000);
            break;
        case 4:
            what.jitter = prng_between(r, 1, 60) * WGT_MSEC;
            break;
        case 5:
            what.black_hole = true;
            break;
        case 6:
            what.reorder = (uint32_t)prng_between(r, 1000, 100000);
            what.reorder_by = prng_between(r, 1, 50) * WGT_MSEC;
            break;
        case 7:
            what.coalesce = true;
            break;
        case 8:
            what.ack_thin = prng_between(r, 1, 20) * WGT_MSEC;
            what.resegment = prng_below(r, 3) == 0;
            break;
        case 9:
            what.mtu = (uint16_t)prng_between(r, mtu_min, 1450);
            what.mtu_silent = prng_below(r, 3) == 0;
            break;
        default:
            what.resegment = true;
            break;
        }
    } while (prng_below(r, 3) == 0);
    return what;
}

static void
random_faults(struct prng *r, struct sim_config *c, wgt_time horizon)
{
    struct network_config *n = &c->network;

    n->n_faults = (unsigned)prng_below(r, 4);
    for (unsigned i = 0; i < n->n_faults; i++) {
        struct network_fault *f = &n->faults[i];

        f->what = random_impairment(r, c->shared.family == IP_V6 ? 1280 : 700);
        f->from = prng_below(r, horizon);
        f->until = f->from + prng_between(r, 100, f->what.black_hole ? 40000 : 90000) * WGT_MSEC;
        f->directions = (unsigned)prng_between(r, 1, 3);
    }
    if (prng_below(r, 6) == 0) {
        n->nat = true;
        n->n_rebinds = (unsigned)prng_between(r, 1, 2);
        for (unsigned i = 0; i < n->n_rebinds; i++)
            n->rebinds[i] = prng_below(r, horizon);
    }
    if (prng_below(r, 4) == 0) {
        c->n_restarts = (unsigned)prng_between(r, 1, 2);
        for (unsigned i = 0; i < c->n_restarts; i++)
            c->restarts[i] = (struct sim_restart){
                .at = (i + 1) * horizon / 3 + prng_below(r, horizon / 4),
                .down = prng_below(r, 3) == 0 ? 0 : prng_below(r, 20 * WGT_SEC),
                .node = (unsigned)prng_below(r, 2),
            };
    }
}

static void
random_attacks(struct prng *r, struct sim_config *c, wgt_time horizon)
{
    struct network_config *n = &c->network;

    n->n_attacks = (unsigned)prng_between(r, 1, 3);
    for (unsigned i = 0; i < n->n_attacks; i++) {
        struct network_attack *a = &n->attacks[i];

        a->kind = (enum network_attack_kind)prng_below(r, ATTACK_KINDS);
        a->direction = (unsigned)prng_below(r, 2);
        a->from = prng_below(r, horizon);
        a->until = a->from + prng_between(r, 1, 10000) * WGT_MSEC;
        a->interval = prng_between(r, 10, 2000) * WGT_MSEC;
    }
}

static void
random_nodes(struct prng *r, struct sim_config *c)
{
    static const struct tcp_cc_ops *const algorithms[] = {NULL, &tcp_cc_bbr, &tcp_cc_cubic,
                                                          &tcp_cc_none};
    enum transport_kind kind = prng_below(r, 5) < 2 ? TRANSPORT_UDP : TRANSPORT_TCP;
    unsigned who = (unsigned)prng_between(r, 1, 3);
    bool knock = prng_below(r, 5) == 0;

    for (unsigned i = 0; i < 2; i++) {
        c->node[i].kind = kind;
        c->node[i].dials = who & 1u << i;
        c->node[i].listen_tcp = true;
        c->node[i].listen_udp = true;
        c->node[i].congestion = algorithms[prng_below(r, 4)];
        c->node[i].in_order = prng_below(r, 4) == 0;
        c->node[i].knock = knock;
        c->node[i].small_pool = prng_below(r, 6) == 0;
        if (prng_below(r, 4) == 0)
            c->node[i].keepalive = (uint16_t)prng_between(r, 1, 30);
        if (prng_below(r, 2) == 0)
            c->node[i].control_delay = prng_between(r, 1, 5000) * WGT_USEC;
        c->node[i].control_ahead = prng_below(r, 100) * WGT_USEC;
    }
    /* Behind a NAT nobody can be dialled. */
    if (who == 3 && prng_below(r, 4) == 0)
        c->node[prng_below(r, 2)].kind = kind == TRANSPORT_UDP ? TRANSPORT_TCP : TRANSPORT_UDP;
}

/* From numbers of their own: the rest of a seed's world is the same however many there are. */
static void
random_workers(uint64_t seed, struct sim_config *c)
{
    struct prng r = prng_fork(seed, 'n');

    for (unsigned i = 0; i < 2; i++)
        if (prng_below(&r, 2) == 0 && !c->node[i].small_pool)
            c->node[i].n_workers = (unsigned)prng_between(&r, 2, NODE_WORKERS_MAX);
}

/* Round the world, or by satellite. Likewise. */
static void
random_distance(uint64_t seed, struct sim_config *c)
{
    struct prng r = prng_fork(seed, 'd');

    if (prng_below(&r, 6) != 0)
        return;
    for (unsigned i = 0; i < 2; i++)
        c->network.link[i].delay = prng_between(&r, 80, 300) * WGT_MSEC;
}

/* Likewise. */
static void
random_crypto(uint64_t seed, struct sim_config *c)
{
    struct prng r = prng_fork(seed, 'c');

    for (unsigned i = 0; i < 2; i++)
        if (prng_below(&r, 3) == 0)
            c->node[i].n_crypto = (unsigned)prng_between(&r, 1, CRYPTO_HANDS_MAX);
}

static void
random_links(struct prng *r, struct sim_config *c)
{
    for (unsigned i = 0; i < 2; i++) {
        struct network_link *l = &c->network.link[i];

        l->delay = prng_between(r, 0, 80000) * WGT_USEC;
        if (prng_below(r, 3) == 0) {
            l->rate = prng_between(r, 125000, 2500000); /* 1 .. 20 Mbit/s */
            l->queue = (uint32_t)prng_between(r, 30000, 200000);
            if (prng_below(r, 3) == 0)
                l->mark = l->queue / 4;
        }
    }
}

/* A few packets a second all the time, which must pass on a good network; a bulk that may be more
 * than the network takes, while there may be faults; some packets that must not pass. */
static void
random_traffic(struct prng *r, struct sim_config *c, wgt_time horizon)
{
    /* A bulk pushes out what is counted: it is over when counting begins. */
    wgt_time calm = sim_last_fault(c) + SIM_RECOVERY - 10 * WGT_SEC;

    if (horizon > calm)
        horizon = calm;
    for (unsigned i = 0; i < 2; i++) {
        struct traffic_stream *s = c->traffic[i];
        wgt_time bulk = prng_below(r, horizon);

        s[0] = (struct traffic_stream){
            .from = prng_below(r, 3) == 0 ? 0 : prng_below(r, 5 * WGT_SEC),
            .until = c->duration - 5 * WGT_SEC,
            .interval = prng_between(r, 200, 3000) * WGT_MSEC,
            .burst = (unsigned)prng_between(r, 1, 4),
            .counted = true,
        };
        if (prng_below(r, 2) == 0)
            s[1] = (struct traffic_stream){
                .from = bulk,
                .until = bulk + prng_between(r, 500, 5000) * WGT_MSEC,
                .interval = prng_between(r, 2, 200) * WGT_MSEC,
                .burst = (unsigned)prng_between(r, 1, 40),
            };
        if (prng_below(r, 4) == 0)
            s[2] = (struct traffic_stream){
                .until = c->duration, .interval = 5 * WGT_SEC, .burst = 1, .foreign = true};
    }
}

/* A transfer while there may be faults, which ends before the run does. What it pushes out of the
 * queues is no loss of the tunnel's: nothing is counted then. */
static void
random_transfer(struct prng *r, struct sim_config *c, wgt_time horizon)
{
    if (horizon > c->duration - TRANSFER_TIME)
        horizon = c->duration - TRANSFER_TIME;
    for (unsigned i = (unsigned)prng_between(r, 1, 2); i-- > 0;) {
        c->bulks[i] = (struct inner_tcp_config){
            .from = prng_below(r, horizon),
            .until = c->duration,
            .bytes = prng_between(r, 10000, prng_below(r, 5) == 0 ? 3000000 : 500000),
            .node = (unsigned)prng_below(r, 2),
            .family = prng_below(r, 2) ? IP_V4 : IP_V6,
            .cc = prng_below(r, 3) == 0 ? INNER_RENO : INNER_CUBIC,
            .classic = prng_below(r, 4) == 0,
            .ecn = prng_below(r, 3) == 0,
            .must_be_complete = true,
        };
        c->traffic[0][0].counted = c->traffic[1][0].counted = false;
    }
    c->probes[0] = (struct probe_config){.from = prng_below(r, horizon),
                                         .interval = prng_between(r, 10, 200) * WGT_MSEC,
                                         .node = (unsigned)prng_below(r, 2),
                                         .answered = prng_below(r, 2)};
    c->probes[0].until = c->probes[0].from + 10 * WGT_SEC;
}

struct sim_config
sim_random(uint64_t seed)
{
    struct prng prng = prng_fork(seed, 's'), *r = &prng;
    struct sim_config c = sim_default(seed);
    wgt_time horizon = prng_between(r, 20, 150) * WGT_SEC;
    static const size_t mtus[] = {1280, 1380, 1420, 1500};

    c.shared.family = prng_below(r, 2) ? IP_V4 : IP_V6;
    c.shared.psk = prng_below(r, 2);
    c.shared.mtu = mtus[prng_below(r, 4)];
    random_nodes(r, &c);
    random_workers(seed, &c);
    random_crypto(seed, &c);
    random_distance(seed, &c);
    random_links(r, &c);
    if (prng_below(r, 4) != 0)
        random_faults(r, &c, horizon);
    if (prng_below(r, 4) == 0)
        random_attacks(r, &c, horizon);
    if (c.network.nat) {
        c.node[0].dials = true;
        c.node[1].dials = false;
    }
    /* A node that came back without its peer's endpoint waits to be found. */
    c.duration = sim_last_fault(&c) + SIM_RECOVERY + TAIL;
    if (prng_below(r, 4) == 0)
        c.duration += prng_between(r, 60, 300) * WGT_SEC; /* across a rekey or two */
    random_traffic(r, &c, horizon);
    if (prng_below(r, 3) == 0)
        random_transfer(r, &c, horizon);
    c.ending = (enum sim_ending)prng_below(r, 3);
    c.ending_node = (unsigned)prng_below(r, 2);
    return c;
}

static const char *
ending_name(enum sim_ending e)
{
    static const char *const names[] = {"abruptly", "by stopping", "by removing the peer at"};

    return names[e];
}

static void
describe_impairment(const struct network_impairment *w, FILE *to)
{
    fprintf(to, "loss %u/M, bursts %u/M-%u/M, duplicate %u/M, corrupt %u/M, jitter %.0f ms%s%s\n",
            w->loss, w->burst_enter, w->burst_leave, w->duplicate, w->corrupt,
            (double)w->jitter / 1e6, w->black_hole ? ", black hole" : "",
            w->resegment ? ", middlebox" : "");
    if (w->reorder > 0)
        fprintf(to, "    %u/M are late by %.0f ms\n", w->reorder, (double)w->reorder_by / 1e6);
    if (w->ack_thin > 0 || w->coalesce)
        fprintf(to, "    ACKs thinned over %.0f ms%s\n", (double)w->ack_thin / 1e6,
                w->coalesce ? ", segments joined" : "");
    if (w->mtu > 0)
        fprintf(to, "    MTU %u, %s\n", w->mtu, w->mtu_silent ? "in silence" : "said");
}

static void
describe_load(const struct sim_config *c, FILE *to)
{
    for (unsigned i = 0; i < SIM_BULKS; i++) {
        const struct inner_tcp_config *b = &c->bulks[i];

        if (b->until > 0)
            fprintf(to, "  transfer of %llu bytes from node %u, IPv%u, from %.1f s\n",
                    (unsigned long long)b->bytes, b->node, b->family, (double)b->from / 1e9);
    }
    for (unsigned i = 0; i < c->network.n_attacks; i++) {
        const struct network_attack *a = &c->network.attacks[i];

        fprintf(to, "  attack %u, direction %u, %.1f-%.1f s, each %.0f ms\n", a->kind, a->direction,
                (double)a->from / 1e9, (double)a->until / 1e9, (double)a->interval / 1e6);
    }
}

void
sim_describe(const struct sim_config *c, FILE *to)
{
    fprintf(to, "  %.0f s, IPv%u outside, MTU %zu, %s; ends %s node %u\n",
            (double)c->duration / 1e9, c->shared.family, c->shared.mtu,
            c->shared.psk ? "psk" : "no psk", ending_name(c->ending), c->ending_node);
    for (unsigned i = 0; i < 2; i++)
        fprintf(to,
                "  node %u: %u workers, %u for crypto, %s %s, keepalive %u, %s%s%s%s, control "
                "+%.1f ms; link %.0f ms, "
                "%llu B/s\n",
                i, c->node[i].n_workers > 1 ? c->node[i].n_workers : 1, c->node[i].n_crypto,
                c->node[i].dials ? "dials" : "does not dial", transport_kind_name(c->node[i].kind),
                c->node[i].keepalive,
                c->node[i].congestion != NULL ? c->node[i].congestion->name : "default",
                c->node[i].in_order ? ", in order" : "",
                c->node[i].small_pool ? ", few packets" : "", c->node[i].knock ? ", knocks" : "",
                (double)c->node[i].control_delay / 1e6, (double)c->network.link[i].delay / 1e6,
                (unsigned long long)c->network.link[i].rate);
    for (unsigned i = 0; i < c->network.n_faults; i++) {
        const struct network_fault *f = &c->network.faults[i];

        fprintf(to, "  fault %.1f-%.1f s, directions %u: ", (double)f->from / 1e9,
                (double)f->until / 1e9, f->directions);
        describe_impairment(&f->what, to);
    }
    for (unsigned i = 0; i < c->network.n_rebinds; i++)
        fprintf(to, "  NAT rebinds at %.1f s\n", (double)c->network.rebinds[i] / 1e9);
    describe_load(c, to);
    for (unsigned i = 0; i < c->n_restarts; i++)
        fprintf(to, "  node %u restarts at %.1f s, down %.1f s\n", c->restarts[i].node,
                (double)c->restarts[i].at / 1e9, (double)c->restarts[i].down / 1e9);
}
