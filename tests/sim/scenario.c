/* SPDX-License-Identifier: BSD-3-Clause */
#include "scenario.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct sim world;
static bool begun;

void
begin(const struct sim_config *c)
{
    sim_init(&world, c);
    begun = true;
}

void
run_to(wgt_time t)
{
    if (!sim_run(&world, t))
        fail_msg("%s", world.failure);
}

void
finish(void)
{
    begun = false;
    if (!sim_finish(&world))
        fail_msg("%s", world.failure);
}

void
play(const struct sim_config *c)
{
    begin(c);
    run_to(c->duration);
    finish();
}

/* A test that failed half-way leaves its world. */
int
clean_up(void **state)
{
    (void)state;
    if (begun)
        sim_finish(&world);
    begun = false;
    return 0;
}

struct sim_config
scenario(uint64_t seed, enum transport_kind kind)
{
    struct sim_config c = sim_default(seed);

    c.node[0].kind = c.node[1].kind = kind;
    return c;
}

/* Both ways, about 30 packets a second each, from first on until 2 s before the end. */
void
steady(struct sim_config *c, wgt_time first)
{
    for (unsigned i = 0; i < 2; i++)
        c->traffic[i][0] = (struct traffic_stream){
            .from = first + i * 500 * MS, /* the one that dials speaks first */
            .until = c->duration - 2 * S,
            .interval = 100 * MS,
            .burst = 3,
            .counted = true,
        };
}

void
one_packet(struct sim_config *c, unsigned node, wgt_time at)
{
    c->traffic[node][0] =
        (struct traffic_stream){.from = at, .until = at + 1, .interval = S, .burst = 1};
}

void
fault(struct sim_config *c, wgt_time from, wgt_time until, struct network_impairment what)
{
    c->network.faults[c->network.n_faults++] =
        (struct network_fault){.from = from, .until = until, .directions = 3, .what = what};
}

/* Nothing that was offered from..until was lost, and something was offered. */
void
expect_all_delivered(wgt_time from, wgt_time until)
{
    for (unsigned i = 0; i < 2; i++) {
        assert_int_not_equal(traffic_offered(&world.traffic[i], from, until), 0);
        assert_int_equal(traffic_missing(&world.traffic[i], from, until, false), 0);
    }
}

/* When a node sent a message of a type for the first time from `from` on, or last before `until`.
 */
wgt_time
oldest(unsigned node, enum message_type type, wgt_time from)
{
    const struct watch *w = &world.watch;

    for (size_t i = 0; i < w->n_messages; i++)
        if (w->messages[i].node == node && w->messages[i].type == type &&
            w->messages[i].time >= from)
            return w->messages[i].time;
    fail_msg("no such message");
    return 0;
}

wgt_time
newest(unsigned node, enum message_type type, wgt_time until)
{
    const struct watch *w = &world.watch;

    for (size_t i = w->n_messages; i-- > 0;)
        if (w->messages[i].node == node && w->messages[i].type == type &&
            w->messages[i].time < until)
            return w->messages[i].time;
    fail_msg("no such message");
    return 0;
}

size_t
initiations(unsigned node, wgt_time from, wgt_time until)
{
    return watch_count(&world.watch, node, MESSAGE_INITIATION, 0, from, until);
}

size_t
keepalives(unsigned node, wgt_time from, wgt_time until)
{
    return watch_count(&world.watch, node, MESSAGE_DATA, MESSAGE_DATA_OVERHEAD, from, until);
}

size_t
messages(unsigned node, wgt_time from, wgt_time until)
{
    size_t n = 0;

    for (unsigned type = MESSAGE_INITIATION; type <= MESSAGE_DATA; type++)
        n += watch_count(&world.watch, node, type, 0, from, until);
    return n;
}

wgt_time
longest_delay(unsigned node, wgt_time offered_from)
{
    const struct traffic *t = &world.traffic[node];
    wgt_time longest = 0;

    for (size_t i = 0; i < t->n; i++) {
        const struct traffic_record *r = &t->records[i];

        if (r->is_delivered && r->offered >= offered_from && r->delivered - r->offered > longest)
            longest = r->delivered - r->offered;
    }
    return longest;
}
