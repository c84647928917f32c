/* SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "ctl.h"

struct out
out_of(FILE *to)
{
    const char *no_color = getenv("NO_COLOR");

    return (struct out){to, isatty(fileno(to)) && (no_color == NULL || *no_color == '\0')};
}

void
out_style(const struct out *o, enum style style)
{
    static const char *const codes[] = {
        [STYLE_NONE] = "\033[0m",    [STYLE_INTERFACE] = "\033[1;32m", [STYLE_PEER] = "\033[1;33m",
        [STYLE_LABEL] = "\033[1m",   [STYLE_UNIT] = "\033[36m",        [STYLE_BAD] = "\033[1;31m",
        [STYLE_GOOD] = "\033[1;32m",
    };

    if (o->colour)
        fputs(codes[style], o->to);
}

void
out_styled(const struct out *o, enum style style, const char *text)
{
    out_style(o, style);
    fputs(text, o->to);
    out_style(o, STYLE_NONE);
}

void
out_label(const struct out *o, const char *name)
{
    fputs("  ", o->to);
    out_styled(o, STYLE_LABEL, name);
    fputs(": ", o->to);
}

void
out_bytes(const struct out *o, double bytes, const char *behind)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    unsigned unit = 0;

    while (bytes >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0])) {
        bytes /= 1024;
        unit++;
    }
    fprintf(o->to, unit == 0 ? "%.0f " : "%.2f ", bytes);
    out_style(o, STYLE_UNIT);
    fprintf(o->to, "%s%s", units[unit], behind);
    out_style(o, STYLE_NONE);
}

void
out_duration(const struct out *o, uint64_t seconds)
{
    static const struct {
        uint64_t seconds;
        const char *name;
    } units[] = {
        {365 * 86400, "year"}, {86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}};
    bool any = false;

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        uint64_t n = seconds / units[i].seconds;

        seconds %= units[i].seconds;
        if (n == 0 && (any || units[i].seconds > 1))
            continue;
        fprintf(o->to, "%s%" PRIu64 " ", any ? ", " : "", n);
        out_style(o, STYLE_UNIT);
        fprintf(o->to, "%s%s", units[i].name, n == 1 ? "" : "s");
        out_style(o, STYLE_NONE);
        any = true;
    }
}

void
out_ms(const struct out *o, double ms)
{
    bool long_time = ms >= 1000;

    fprintf(o->to, long_time ? "%.2f " : "%.1f ", long_time ? ms / 1000 : ms);
    out_styled(o, STYLE_UNIT, long_time ? "s" : "ms");
}

/* --- members --- */

const char *
text_of(const json_t *o, const char *name)
{
    const char *text = json_string_value(json_object_get(o, name));

    return text != NULL ? text : "";
}

uint64_t
count_of(const json_t *o, const char *name)
{
    json_int_t value = json_integer_value(json_object_get(o, name));

    return value > 0 ? (uint64_t)value : 0;
}

double
number_of(const json_t *o, const char *name)
{
    return json_number_value(json_object_get(o, name));
}

bool
flag_of(const json_t *o, const char *name)
{
    return json_is_true(json_object_get(o, name));
}

json_t *
part_of(const json_t *o, const char *name)
{
    return json_object_get(o, name);
}
