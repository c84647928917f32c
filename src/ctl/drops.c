/* SPDX-License-Identifier: BSD-3-Clause */
/* `drops`: what went nowhere, and why. */
#include <inttypes.h>

#include "ctl.h"

json_t *
drops_of(const json_t *report)
{
    json_t *peers = json_array(), *peer;
    size_t i;

    json_array_foreach(part_of(report, "peers"), i, peer) json_array_append_new(
        peers, json_pack("{s:O, s:O}", "public_key", part_of(peer, "public_key"), "trouble",
                         part_of(peer, "trouble")));
    return json_pack("{s:O, s:O, s:o}", "interface", part_of(report, "interface"), "drops",
                     part_of(report, "drops"), "peers", peers);
}

static void
print_counters(const struct out *o, const json_t *report)
{
    json_t *item;
    size_t i;

    json_array_foreach(part_of(report, "drops"), i, item)
        fprintf(o->to, "  %-9s %-24s %10" PRIu64 "  %s\n", text_of(item, "where"),
                text_of(item, "reason"), count_of(item, "count"), text_of(item, "text"));
    if (i == 0)
        fputs("  nothing was dropped\n", o->to);
}

static void
print_peer(const struct out *o, const json_t *peer)
{
    json_t *troubles = part_of(peer, "trouble"), *t;
    const char *name;

    if (json_object_size(troubles) == 0)
        return;
    out_styled(o, STYLE_PEER, "peer");
    fprintf(o->to, ": %s\n", text_of(peer, "public_key"));
    json_object_foreach(troubles, name, t)
        fprintf(o->to, "  %-9s %-24s %10" PRIu64 "\n", "peer", name, count_of(t, "count"));
}

void
drops_print(const struct out *o, const json_t *report)
{
    json_t *peer;
    size_t i;

    out_styled(o, STYLE_INTERFACE, "interface");
    fprintf(o->to, ": %s\n", text_of(report, "interface"));
    print_counters(o, report);
    json_array_foreach(part_of(report, "peers"), i, peer) print_peer(o, peer);
}
