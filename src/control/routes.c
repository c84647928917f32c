/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Routes follow allowed IPs by difference: what stays is not touched.
 *
 * A default route through the tunnel (Table = auto) must not catch the tunnel's own packets, where
 * the kernel forwards what comes out of the outer port (a tap). As wg-quick does, it goes into a
 * table of its own, and rules send there what the main table has no route for but a default one:
 *
 *   P      from OUTER ADDRESS lookup main                    the tunnel's own packets
 *   P+1    lookup main suppress_prefixlength 0               what is more special than a default
 *   P+2    [not fwmark FWMARK] lookup TABLE                  all else
 *
 * Nobody but the tunnel has the outer addresses, so the first rule needs no mark, and the kernel's
 * reverse path filter finds its way for answers by it, too. P follows from TABLE: so the rules of
 * a daemon that was killed are known by a table that is empty.
 */
#include <wgtcpd/control/routes.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <wgtcpd/control/log.h>

#include "internal.h"

enum {
    FIRST_TABLE = 51820, /* wg-quick's, too */
    TABLES = 64,
    FIRST_PRIORITY = 32000,
    PRIORITIES_PER_TABLE = 3,
    CHANGES_PER_TURN = 256, /* some milliseconds; then it is the worker's events' turn */
};

static uint32_t
priority_of(uint32_t table)
{
    return FIRST_PRIORITY + (table - FIRST_TABLE) * PRIORITIES_PER_TABLE;
}

/* --- a table for default routes --- */

/* 1: some family has a route in it; 0: none has; or -errno. */
static int
table_used(struct node *n, uint32_t table)
{
    int rc = netlink_table_used(&n->netlink, IP_V4, table);

    return rc != 0 ? rc : netlink_table_used(&n->netlink, IP_V6, table);
}

static void
clear_rules(struct node *n, enum ip_family family, uint32_t table)
{
    uint32_t first = priority_of(table);
    int rc = netlink_clear_rules(&n->netlink, family, first, first + PRIORITIES_PER_TABLE - 1);

    if (rc != 0)
        log_warning("cannot remove rules of table %u: %s", table, strerror(-rc));
}

/* The first that is empty; what rules still lead into empty ones are of daemons that died. */
static int
choose_table(struct node *n)
{
    uint32_t chosen = 0;

    for (uint32_t table = FIRST_TABLE; table < FIRST_TABLE + TABLES; table++) {
        int used = table_used(n, table);

        if (used < 0)
            return complain("cannot read the routing table", used);
        if (used)
            continue;
        clear_rules(n, IP_V4, table);
        clear_rules(n, IP_V6, table);
        if (chosen == 0)
            chosen = table;
    }
    if (chosen == 0) {
        log_error("no routing table from %d to %d is empty", FIRST_TABLE, FIRST_TABLE + TABLES - 1);
        return -1;
    }
    n->routes.default_table = chosen;
    return 0;
}

/* --- rules --- */

/* The marks that nft restores for answers count in the reverse path filter. */
static void
count_marks_of_sources(void)
{
    static const char path[] = "/proc/sys/net/ipv4/conf/all/src_valid_mark";
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    if (fd < 0 || write(fd, "1", 1) != 1)
        log_warning("cannot set %s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
}

static int
add_rule(struct node *n, const struct netlink_rule *rule)
{
    int rc = netlink_add_rule(&n->netlink, rule);

    return rc == 0 || rc == -EEXIST ? 0 : complain("cannot add a routing rule", rc);
}

static int
add_rules(struct node *n, enum ip_family family)
{
    const struct config_port *port = n->config->ports;
    struct netlink_rule rule = {.family = family};
    uint32_t priority = priority_of(n->routes.default_table);

    rule.priority = priority;
    for (; port != NULL; port = port->next)
        for (size_t i = 0; i < port->n_addresses; i++) {
            rule.from = port->addresses[i].addr;
            if (rule.from.family == family && add_rule(n, &rule) != 0)
                return -1;
        }
    rule = (struct netlink_rule){.family = family, .priority = priority + 1, .no_default = true};
    if (add_rule(n, &rule) != 0)
        return -1;
    rule = (struct netlink_rule){.family = family,
                                 .priority = priority + 2,
                                 .not_mark = n->routes.rules_mark,
                                 .table = n->routes.default_table};
    return add_rule(n, &rule);
}

static bool
has_default(const struct routes *r, enum ip_family family)
{
    for (size_t i = 0; i < r->n; i++)
        if (r->items[i].prefix.len == 0 && r->items[i].prefix.addr.family == family)
            return r->items[i].ours;
    return false;
}

static int
sync_rules(struct node *n, enum ip_family family, bool *there, bool mark_changed)
{
    struct routes *r = &n->routes;
    bool wanted = r->table == CONFIG_TABLE_AUTO && has_default(r, family);

    if (*there && (!wanted || mark_changed)) {
        clear_rules(n, family, r->default_table);
        *there = false;
    }
    if (!wanted || *there)
        return 0;
    *there = true;
    return add_rules(n, family);
}

static int
sync_all_rules(struct node *n)
{
    struct routes *r = &n->routes;
    uint32_t mark = n->device.fwmark;
    bool changed = r->rules_mark != mark;
    int rc;

    r->rules_mark = mark;
    rc = sync_rules(n, IP_V4, &r->rules_v4, changed);
    if (sync_rules(n, IP_V6, &r->rules_v6, changed) != 0)
        rc = -1;
    if (mark != 0 && r->rules_v4 && changed)
        count_marks_of_sources();
    return rc;
}

static void
drop_rules(struct node *n)
{
    struct routes *r = &n->routes;

    if (r->rules_v4)
        clear_rules(n, IP_V4, r->default_table);
    if (r->rules_v6)
        clear_rules(n, IP_V6, r->default_table);
    r->rules_v4 = r->rules_v6 = false;
}

/* --- routes --- */

static uint32_t
table_for(const struct routes *r, const struct ip_prefix *p)
{
    if (r->table == CONFIG_TABLE_NUMBER)
        return r->table_number;
    return p->len == 0 ? r->default_table : 0;
}

static bool
same_prefix(const struct ip_prefix *a, const struct ip_prefix *b)
{
    return a->len == b->len && ip_prefix_contains(a, &b->addr);
}

/* Whether the kernel made the route with an address of ours. Any other would carry the peer's
 * packets past the tunnel. */
static bool
leads_here_already(const struct config *c, const struct ip_prefix *p)
{
    for (size_t i = 0; i < c->n_addresses; i++)
        if (same_prefix(&c->addresses[i], p))
            return true;
    return false;
}

static int
add_route(struct node *n, struct route *route)
{
    struct routes *r = &n->routes;
    char text[IP_TEXT_MAX];
    int rc;

    route->ours = false;
    if (route->prefix.len == 0 && r->table == CONFIG_TABLE_AUTO && r->default_table == 0 &&
        choose_table(n) != 0)
        return -1;
    rc = netlink_add_route(&n->netlink, &route->prefix, table_for(r, &route->prefix));
    route->ours = rc == 0 || rc == -ENETDOWN; /* or comes when the link is up */
    if (route->ours || (rc == -EEXIST && leads_here_already(n->config, &route->prefix)))
        return 0;
    log_error("cannot add route %s: %s", ip_prefix_format(text, &route->prefix),
              rc == -EEXIST
                  ? "there is one that leads elsewhere; remove it, or set Table = off and "
                    "route in PostUp"
                  : strerror(-rc));
    return -1;
}

/* It may be gone already, with an address or by somebody else's hand. */
static void
remove_route(struct node *n, const struct route *route)
{
    char text[IP_TEXT_MAX];
    int rc;

    if (!route->ours)
        return;
    rc = netlink_del_route(&n->netlink, &route->prefix, table_for(&n->routes, &route->prefix));
    if (rc != 0 && rc != -ESRCH)
        log_warning("cannot remove route %s: %s", ip_prefix_format(text, &route->prefix),
                    strerror(-rc));
}

static void
remove_all(struct node *n)
{
    struct routes *r = &n->routes;

    drop_rules(n);
    for (size_t i = 0; i < r->n; i++)
        remove_route(n, &r->items[i]);
    r->n = 0;
}

/* Order of allowedips_walk. */
static int
compare(const struct ip_prefix *a, const struct ip_prefix *b)
{
    int rc = (a->addr.family > b->addr.family) - (a->addr.family < b->addr.family);

    if (rc == 0)
        rc = memcmp(a->addr.bytes, b->addr.bytes, sizeof(a->addr.bytes));
    return rc != 0 ? rc : (a->len > b->len) - (a->len < b->len);
}

struct wanted {
    struct route *items;
    size_t n;
};

static bool
want(void *ctx, const struct ip_prefix *p, void *value)
{
    struct wanted *w = ctx;

    (void)value;
    w->items[w->n++].prefix = *p;
    return true;
}

/* 65,000 changes take a second or more, and handshakes do not wait so long. */
static void
let_others(struct node *n, size_t changes)
{
    if (changes % CHANGES_PER_TURN == 0)
        loop_take_events(n);
}

/* Both lists are in order: one pass tells what goes, what stays and what comes. */
static int
replace(struct node *n, struct wanted *w)
{
    struct routes *r = &n->routes;
    size_t old = 0, changes = 0;
    int rc = 0;

    for (size_t i = 0; i <= w->n; i++) {
        while (old < r->n &&
               (i == w->n || compare(&r->items[old].prefix, &w->items[i].prefix) < 0)) {
            remove_route(n, &r->items[old++]);
            let_others(n, ++changes);
        }
        if (i == w->n)
            break;
        if (old < r->n && compare(&r->items[old].prefix, &w->items[i].prefix) == 0) {
            w->items[i].ours = r->items[old++].ours;
            continue;
        }
        if (add_route(n, &w->items[i]) != 0)
            rc = -1;
        let_others(n, ++changes);
    }
    return rc;
}

int
routes_sync(struct node *n)
{
    struct routes *r = &n->routes;
    const struct config *c = n->config;
    struct wanted w = {.n = 0};
    int rc;

    if (n->netlink.socket == NULL) /* the inner side is no interface of the kernel's */
        return 0;
    w.items = calloc(n->allowed_ips.count + 1, sizeof(*w.items));
    if (w.items == NULL)
        return complain("routes", ENOMEM);
    if (r->table != c->table || r->table_number != c->table_number)
        remove_all(n);
    r->table = c->table;
    r->table_number = c->table_number;
    if (c->table != CONFIG_TABLE_OFF)
        allowedips_walk(&n->allowed_ips, want, &w);
    rc = replace(n, &w);
    free(r->items);
    r->items = w.items;
    r->n = w.n;
    return sync_all_rules(n) == 0 ? rc : -1;
}

void
routes_renew(struct node *n)
{
    struct routes *r = &n->routes;

    for (size_t i = 0; i < r->n; i++)
        if (r->items[i].ours)
            (void)netlink_add_route(&n->netlink, &r->items[i].prefix,
                                    table_for(r, &r->items[i].prefix));
}

void
routes_down(struct node *n)
{
    drop_rules(n);
    free(n->routes.items);
    n->routes.items = NULL;
    n->routes.n = 0;
}
