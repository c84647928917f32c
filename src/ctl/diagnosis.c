/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "ctl.h"

static bool
has_error(const json_t *findings)
{
    json_t *f;
    size_t i;

    json_array_foreach(findings, i,
                       f) if (strcmp(text_of(f, "severity"), "error") == 0) return true;
    return false;
}

bool
diagnosis_has_error(const json_t *diagnosis)
{
    bool found = has_error(part_of(diagnosis, "findings"));
    json_t *peer;
    size_t i;

    json_array_foreach(part_of(diagnosis, "peers"), i, peer) found =
        has_error(part_of(peer, "findings")) || found;
    return found;
}

static void
print_list(const struct out *o, const char *before, const json_t *list)
{
    json_t *item;
    size_t i;

    json_array_foreach(list, i, item) fprintf(o->to, "%s%s\n", before, json_string_value(item));
}

static void
print_findings(const struct out *o, const json_t *findings)
{
    json_t *f;
    size_t i;

    json_array_foreach(findings, i, f)
    {
        const char *severity = text_of(f, "severity");

        fputs("  ", o->to);
        out_styled(o, strcmp(severity, "ok") == 0 ? STYLE_GOOD : STYLE_BAD, severity);
        fprintf(o->to, ": %s [%s]\n", text_of(f, "text"), text_of(f, "id"));
        print_list(o, "    seen: ", part_of(f, "evidence"));
        print_list(o, "    do:   ", part_of(f, "advice"));
    }
}

bool
diagnosis_print(const struct out *o, const json_t *diagnosis)
{
    const json_t *general = part_of(diagnosis, "findings");
    json_t *peer;
    size_t i;

    out_styled(o, STYLE_INTERFACE, "interface");
    fprintf(o->to, ": %s\n", text_of(diagnosis, "interface"));
    print_findings(o, general);
    json_array_foreach(part_of(diagnosis, "peers"), i, peer)
    {
        out_styled(o, STYLE_PEER, "peer");
        fprintf(o->to, ": %s\n", text_of(peer, "public_key"));
        print_findings(o, part_of(peer, "findings"));
    }
    return diagnosis_has_error(diagnosis);
}
