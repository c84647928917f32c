/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/control/metrics.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include <wgtcpd/control/report.h>

#include "figures.h"

/* --- a line ------------------------------------------------------------------------------------
 */

struct line {
    char text[METRICS_LINE_MAX];
    size_t len;
};

/* What does not fit is cut: names and help texts are ours, label values are short. */
__attribute__((format(printf, 2, 3))) static void
print(struct line *l, const char *format, ...)
{
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(l->text + l->len, sizeof(l->text) - l->len, format, args);
    va_end(args);
    if (n > 0)
        l->len += (size_t)n;
    if (l->len > sizeof(l->text) - 1)
        l->len = sizeof(l->text) - 1;
}

static const char *
total(const struct figure *f)
{
    return f->type == FIGURE_COUNTER ? "_total" : "";
}

/* OpenMetrics names a counter's family without _total. */
static void
print_heading(struct line *l, const struct figure *f, enum metrics_format format)
{
    static const char *const types[] = {[FIGURE_GAUGE] = "gauge", [FIGURE_COUNTER] = "counter"};
    const char *suffix = format == METRICS_OPENMETRICS ? "" : total(f);

    print(l, "# HELP wgtcpd_%s%s %s.\n# TYPE wgtcpd_%s%s %s\n", f->name, suffix, f->help, f->name,
          suffix, types[f->type]);
}

static void
print_value(struct line *l, const struct figure *f, uint64_t v)
{
    if (f->scale == FIGURE_NANOSECONDS)
        print(l, " %" PRIu64 ".%09" PRIu64 "\n", v / WGT_SEC, v % WGT_SEC);
    else
        print(l, " %" PRIu64 "\n", v);
}

/* Interface names have no quote or backslash in them: config.c sees to it. */
static void
print_interface(struct line *l, const struct figure *f, const struct snapshot *s)
{
    print(l, "wgtcpd_%s%s{interface=\"%s\"", f->name, total(f), s->ifname);
}

static void
print_node(struct line *l, const struct figure *f, const struct snapshot *s)
{
    char key[45];

    if (f->scope == FIGURE_BUILD) {
        print(l, "wgtcpd_%s{version=\"%s\",aead=\"%s\"}", f->name, WGTCPD_VERSION, s->aead);
    } else {
        print_interface(l, f, s);
        if (f->scope == FIGURE_INTERFACE_INFO && s->has_private_key) {
            config_key_format(key, s->public_key);
            print(l, ",public_key=\"%s\"", key);
        }
        print(l, "}");
    }
    print_value(l, f, figure_read(f, s));
}

static void
print_drop(struct line *l, const struct figure *f, const struct snapshot *s, size_t reason)
{
    const struct wgt_drop_counters *counters =
        f->scope == FIGURE_DROPS_DATA ? &s->data_drops : &s->handshake_drops;

    print_interface(l, f, s);
    print(l, ",reason=\"%s\"}", wgt_drop_name((enum wgt_drop)reason));
    print_value(l, f, counters->n[reason]);
}

static void
print_worker(struct line *l, const struct figure *f, const struct snapshot *s, size_t worker)
{
    print_interface(l, f, s);
    print(l, ",worker=\"%zu\"}", worker);
    print_value(l, f, figure_read(f, &s->workers[worker]));
}

static void
print_crypto(struct line *l, const struct figure *f, const struct snapshot *s, size_t worker)
{
    print_interface(l, f, s);
    print(l, ",crypto_worker=\"%zu\"}", worker);
    print_value(l, f, figure_read(f, &s->crypto[worker]));
}

static void
print_peer(struct line *l, const struct figure *f, const struct snapshot *s,
           const struct snapshot_peer *p)
{
    char key[45];

    if (!figure_of_peer(f, p))
        return;
    config_key_format(key, p->public_key);
    print_interface(l, f, s);
    print(l, ",peer=\"%s\"", key);
    if (f->scope == FIGURE_PEER_INFO)
        print(l, ",transport=\"%s\"", transport_kind_name(p->path));
    print(l, "}");
    print_value(l, f, figure_read(f, p));
}

/* The kinds one after another: what the tunnel sees, then what the handshaker does. */
enum { TROUBLE_KINDS = PEER_TROUBLE_COUNT + HANDSHAKE_TROUBLE_COUNT };

static const char *
trouble_name(size_t kind)
{
    return kind < PEER_TROUBLE_COUNT
               ? report_peer_trouble_name((enum peer_trouble)kind)
               : report_handshake_trouble_name((enum handshake_trouble)(kind - PEER_TROUBLE_COUNT));
}

/* Two begin anew with every handshake: they are gauges, in rows of their own. */
static bool
is_counter(size_t kind)
{
    return kind != PEER_TROUBLE_UNANSWERED && kind != PEER_TROUBLE_UNCONFIRMED;
}

static void
print_trouble(struct line *l, const struct figure *f, const struct snapshot *s, size_t i)
{
    const struct snapshot_peer *p = &s->peers[i / TROUBLE_KINDS];
    size_t kind = i % TROUBLE_KINDS;
    uint32_t n = kind < PEER_TROUBLE_COUNT ? p->trouble[kind].n
                                           : p->handshake_trouble[kind - PEER_TROUBLE_COUNT].n;
    char key[45];

    if (n == 0 || !is_counter(kind))
        return;
    config_key_format(key, p->public_key);
    print_interface(l, f, s);
    print(l, ",peer=\"%s\",kind=\"%s\"}", key, trouble_name(kind));
    print_value(l, f, n);
}

/* --- lines -------------------------------------------------------------------------------------
 */

static size_t
samples_of(const struct figure *f, const struct snapshot *s)
{
    switch (f->scope) {
    case FIGURE_BUILD:
    case FIGURE_INTERFACE:
    case FIGURE_INTERFACE_INFO:
        return 1;
    case FIGURE_DROPS_DATA:
    case FIGURE_DROPS_HANDSHAKE:
        return WGT_DROP_COUNT - 1; /* all but "not dropped" */
    case FIGURE_WORKER:
        return s->n_workers;
    case FIGURE_CRYPTO:
        return s->n_crypto;
    case FIGURE_PEER_TROUBLE:
        return s->n_peers * TROUBLE_KINDS;
    default:
        return s->n_peers;
    }
}

static void
print_sample(struct line *l, const struct figure *f, const struct snapshot *s, size_t i)
{
    switch (f->scope) {
    case FIGURE_BUILD:
    case FIGURE_INTERFACE:
    case FIGURE_INTERFACE_INFO:
        print_node(l, f, s);
        break;
    case FIGURE_DROPS_DATA:
    case FIGURE_DROPS_HANDSHAKE:
        print_drop(l, f, s, WGT_OK + 1 + i);
        break;
    case FIGURE_WORKER:
        print_worker(l, f, s, i);
        break;
    case FIGURE_CRYPTO:
        print_crypto(l, f, s, i);
        break;
    case FIGURE_PEER_TROUBLE:
        print_trouble(l, f, s, i);
        break;
    default:
        print_peer(l, f, s, &s->peers[i]);
    }
}

/* The line under the cursor: a family's heading and its samples, family after family; in
 * OpenMetrics a last one says that nothing is missing. */
static void
print_current(struct line *l, const struct metrics_cursor *c, const struct snapshot *s)
{
    l->len = 0;
    if (c->family == n_figures)
        print(l, "%s", c->format == METRICS_OPENMETRICS ? "# EOF\n" : "");
    else if (c->sample == 0)
        print_heading(l, &figures[c->family], c->format);
    else
        print_sample(l, &figures[c->family], s, c->sample - 1);
}

static void
advance(struct metrics_cursor *c, const struct snapshot *s)
{
    if (c->family < n_figures && c->sample < samples_of(&figures[c->family], s)) {
        c->sample++;
        return;
    }
    c->family++;
    c->sample = 0;
}

void
metrics_begin(struct metrics_cursor *c, enum metrics_format format)
{
    *c = (struct metrics_cursor){.format = format};
}

size_t
metrics_next(struct metrics_cursor *c, const struct snapshot *s, char *buf, size_t size)
{
    size_t len = 0;
    struct line l;

    while (c->family <= n_figures) {
        print_current(&l, c, s);
        if (l.len > size - len)
            break;
        memcpy(buf + len, l.text, l.len);
        len += l.len;
        advance(c, s);
    }
    return len;
}

const char *
metrics_content_type(enum metrics_format format)
{
    return format == METRICS_OPENMETRICS
               ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
               : "text/plain; version=0.0.4; charset=utf-8";
}
