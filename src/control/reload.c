/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/control/reload.h>

#include <errno.h>
#include <stdlib.h>
#include <strings.h>

/* --- allowed IPs as sets --- */

struct prefixes {
    struct ip_prefix *items;
    size_t n, room;
    bool failed; /* no memory */
};

static bool
collect(void *ctx, const struct ip_prefix *p, void *value)
{
    struct prefixes *list = ctx;

    (void)value;
    if (list->n == list->room) {
        size_t room = list->room != 0 ? 2 * list->room : 8;
        struct ip_prefix *more = reallocarray(list->items, room, sizeof(*more));

        if (more == NULL) {
            list->failed = true;
            return false;
        }
        list->items = more;
        list->room = room;
    }
    list->items[list->n++] = *p;
    return true;
}

static int
compare_prefixes(const void *left, const void *right)
{
    const struct ip_prefix *a = left, *b = right;
    int rc = (a->addr.family > b->addr.family) - (a->addr.family < b->addr.family);

    if (rc == 0)
        rc = memcmp(a->addr.bytes, b->addr.bytes, sizeof(a->addr.bytes));
    return rc != 0 ? rc : (a->len > b->len) - (a->len < b->len);
}

static void
sort_unique(struct prefixes *list)
{
    size_t kept = 0;

    if (list->n == 0)
        return;
    qsort(list->items, list->n, sizeof(*list->items), compare_prefixes);
    for (size_t i = 1; i < list->n; i++)
        if (compare_prefixes(&list->items[kept], &list->items[i]) != 0)
            list->items[++kept] = list->items[i];
    list->n = kept + 1;
}

/* Both in order: what is new is added, what is gone removed. */
static bool
add_difference(struct change_peer *out, const struct prefixes *now, const struct prefixes *wanted)
{
    size_t i = 0, j = 0;

    while (i < now->n || j < wanted->n) {
        int order = i == now->n      ? 1
                    : j == wanted->n ? -1
                                     : compare_prefixes(&now->items[i], &wanted->items[j]);

        if (order < 0 && !change_add_prefix(out, &now->items[i], true))
            return false;
        if (order > 0 && !change_add_prefix(out, &wanted->items[j], false))
            return false;
        i += order <= 0;
        j += order >= 0;
    }
    return true;
}

static bool
diff_allowed_ips(struct change_peer *out, const struct device *d, const struct device_peer *p,
                 const struct config_peer *new)
{
    struct prefixes now = {.n = 0}, wanted = {.n = 0};
    bool ok;

    if (p != NULL)
        allowedips_walk_value(d->allowed_ips, p->tunnel, collect, &now);
    for (size_t i = 0; i < new->n_allowed_ips; i++)
        collect(&wanted, &new->allowed_ips[i], NULL);
    sort_unique(&now);
    sort_unique(&wanted);
    ok = !now.failed && !wanted.failed && add_difference(out, &now, &wanted);
    free(now.items);
    free(wanted.items);
    return ok;
}

/* --- one peer --- */

static void
diff_settings(struct change_peer *out, const struct device_peer *p, const struct config_peer *new)
{
    if (new->preshared_key != NULL)
        memcpy(out->psk, new->preshared_key, CONFIG_KEY_LEN);
    out->has_psk = p == NULL || memcmp(device_psk(p), out->psk, CONFIG_KEY_LEN) != 0;
    out->has_keepalive = p == NULL || p->keepalive != new->persistent_keepalive;
    out->keepalive = new->persistent_keepalive;
    out->has_transport = p == NULL || p->transport != new->transport;
    out->transport = new->transport;
    out->has_congestion = p == NULL || p->congestion != new->congestion;
    out->congestion = new->congestion;
    out->has_knock = p == NULL || p->knock != new->tcp_knock;
    out->knock = new->tcp_knock;
}

static bool
same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcasecmp(a, b) == 0;
}

static bool
diff_endpoint(struct change_peer *out, const struct device_peer *p,
              const struct config_endpoint *new)
{
    struct ip_endpoint e = {.port = new->port};
    bool literal, same_host;

    if (new->host == NULL)
        return true;
    literal = ip_addr_parse(&e.addr, new->host);
    same_host = p != NULL && same_text(device_host(p), literal ? NULL : new->host);
    if (same_host && p->endpoint.port == e.port &&
        (!literal || ip_addr_equal(&p->endpoint.addr, &e.addr)))
        return true;
    out->has_endpoint = true;
    if (!literal && same_host)
        e.addr = p->endpoint.addr; /* another port */
    out->endpoint = e;
    if (literal)
        return true;
    out->host = strdup(new->host);
    return out->host != NULL;
}

static bool
asks_nothing(const struct change_peer *p)
{
    return !p->has_psk && !p->has_endpoint && !p->has_keepalive && !p->has_transport &&
           !p->has_congestion && !p->has_knock && p->n_allowed_ips == 0;
}

/* A peer of the new file. p: as it is now, or NULL. One that stays as it is asks for nothing. */
static bool
diff_peer(struct change *out, const struct device *d, const struct device_peer *p,
          const struct config_peer *new, struct reload_counts *counts)
{
    struct change_peer **at = out->tail, *c = change_add_peer(out, new->public_key);

    if (c == NULL)
        return false;
    diff_settings(c, p, new);
    if (!diff_endpoint(c, p, &new->endpoint) || !diff_allowed_ips(c, d, p, new))
        return false;
    if (p == NULL) {
        counts->added++;
    } else if (asks_nothing(c)) {
        counts->untouched++;
        change_cut(out, at);
    } else {
        counts->changed++;
    }
    return true;
}

/* --- peers that are not in the new file --- */

static int
compare_keys(const void *left, const void *right)
{
    return memcmp(*(const uint8_t *const *)left, *(const uint8_t *const *)right, CONFIG_KEY_LEN);
}

/* The new file's public keys, in order. */
static const uint8_t **
keys_of(const struct config *new)
{
    const uint8_t **keys = calloc(new->n_peers + 1, sizeof(*keys));
    size_t n = 0;

    if (keys == NULL)
        return NULL;
    for (const struct config_peer *p = new->peers; p != NULL; p = p->next)
        keys[n++] = p->public_key;
    qsort(keys, n, sizeof(*keys), compare_keys);
    return keys;
}

static bool
remove_others(struct change *out, const struct device *d, const struct config *new,
              struct reload_counts *counts)
{
    const uint8_t **keys = keys_of(new);
    const struct device_peer *p;
    bool ok = keys != NULL;

    TAILQ_FOREACH(p, &d->peers, link)
    {
        const uint8_t *key = p->tunnel->public_key;
        struct change_peer *c;

        if (!ok || bsearch(&key, keys, new->n_peers, sizeof(*keys), compare_keys) != NULL)
            continue;
        c = change_add_peer(out, key);
        ok = c != NULL;
        if (ok)
            c->remove = true;
        counts->removed++;
    }
    free(keys);
    return ok;
}

/* --- the whole --- */

static void
diff_interface(struct change *out, const struct config *old, const struct config *new,
               const struct device *d)
{
    const struct noise_local *local = &d->handshaker->local;
    struct noise_local wanted; /* keys are clamped in it */

    noise_local_init(&wanted, new->private_key);
    out->has_private_key =
        !local->has_identity || !noise_equal(local->public_key, wanted.public_key, NOISE_KEY_LEN);
    noise_local_wipe(&wanted);
    memcpy(out->private_key, new->private_key, CONFIG_KEY_LEN);
    out->has_listen_port =
        new->listen_port != d->listen_port && (new->listen_port != 0 || old->listen_port != 0);
    out->listen_port = new->listen_port;
    out->has_fwmark = new->fwmark != d->fwmark;
    out->fwmark = new->fwmark;
}

int
reload_diff(const struct config *old, const struct config *new, const struct device *d,
            struct change *out, struct reload_counts *counts)
{
    *counts = (struct reload_counts){.added = 0};
    diff_interface(out, old, new, d);
    if (!remove_others(out, d, new, counts))
        return -ENOMEM;
    for (const struct config_peer *p = new->peers; p != NULL; p = p->next)
        if (!diff_peer(out, d, device_find(d, p->public_key), p, counts))
            return -ENOMEM;
    return 0;
}

/* --- keys that count at the start --- */

/* Keys of [Interface] that follow at once; of addresses and MTU an inner port of our own cannot. */
static const char *const live[] = {"Address",
                                   "MTU",
                                   "DNS",
                                   "Table",
                                   "PreUp",
                                   "PostUp",
                                   "PreDown",
                                   "PostDown",
                                   "SaveConfig",
                                   "Transport",
                                   "CongestionControl",
                                   NULL};
static const char *const *const live_with_port = &live[2];
static const char *const *const live_in_port = &live[sizeof(live) / sizeof(live[0]) - 1];

static bool
is_live(const char *line, const char *const *names)
{
    size_t len = strcspn(line, " ");

    for (; *names != NULL; names++)
        if (strlen(*names) == len && strncmp(line, *names, len) == 0)
            return true;
    return false;
}

static bool
same_key(const char *a, const char *b)
{
    size_t len = strcspn(a, " ");

    return len == strcspn(b, " ") && strncmp(a, b, len) == 0;
}

/* Whether the key of line i was met before i among lines that other does not have. */
static bool
was_named(const struct config_strings *lines, size_t i, const struct config_strings *other,
          const char *line)
{
    for (size_t j = 0; j < i; j++)
        if (same_key(lines->items[j], line) && !config_strings_have(other, lines->items[j]))
            return true;
    return false;
}

static void
name_key(const char *line, const char *section, FILE *errors)
{
    fprintf(errors, "%.*s of [%s] was changed: that counts from the next start on\n",
            (int)strcspn(line, " "), line, section);
}

/* Names each key once, but for those of `but`. */
static bool
name_differences(const struct config_strings *old, const struct config_strings *new,
                 const char *const *but, const char *section, FILE *errors)
{
    bool found = false;

    for (size_t i = 0; i < new->n; i++) {
        const char *line = new->items[i];

        if (!is_live(line, but) && !config_strings_have(old, line) &&
            !was_named(new, i, old, line)) {
            name_key(line, section, errors);
            found = true;
        }
    }
    for (size_t i = 0; i < old->n; i++) {
        const char *line = old->items[i];

        if (!is_live(line, but) && !config_strings_have(new, line) &&
            !was_named(old, i, new, line) && !was_named(new, new->n, old, line)) {
            name_key(line, section, errors);
            found = true;
        }
    }
    return found;
}

static bool
ports_differ(const struct config_port *old, const struct config_port *new, FILE *errors)
{
    bool differ = false;

    for (; old != NULL && new != NULL; old = old->next, new = new->next)
        if (name_differences(&old->lines, &new->lines, live_in_port, "Port", errors))
            differ = true;
    if (old == new)
        return differ;
    fputs("the number of [Port] sections was changed: that counts from the next start on\n",
          errors);
    return true;
}

bool
reload_needs_start(const struct config *old, const struct config *new, FILE *errors)
{
    bool interface =
        name_differences(&old->lines, &new->lines, old->inner_port != NULL ? live_with_port : live,
                         "Interface", errors);
    bool outer = ports_differ(old->ports, new->ports, errors);

    return ports_differ(old->inner_port, new->inner_port, errors) || outer || interface;
}

#define EXCHANGE(a, b)                                                                             \
    do {                                                                                           \
        __typeof__(a) exchanged = (a);                                                             \
        (a) = (b);                                                                                 \
        (b) = exchanged;                                                                           \
    } while (0)

static void
take_lines(struct config_port *p, struct config_port *q)
{
    for (; p != NULL && q != NULL; p = p->next, q = q->next)
        EXCHANGE(p->lines, q->lines);
}

void
reload_take(struct config *running, struct config *new)
{
    memcpy(running->private_key, new->private_key, CONFIG_KEY_LEN);
    running->listen_port = new->listen_port;
    running->fwmark = new->fwmark;
    EXCHANGE(running->addresses, new->addresses);
    EXCHANGE(running->n_addresses, new->n_addresses);
    running->mtu = new->mtu;
    EXCHANGE(running->dns, new->dns);
    EXCHANGE(running->pre_up, new->pre_up);
    EXCHANGE(running->post_up, new->post_up);
    EXCHANGE(running->pre_down, new->pre_down);
    EXCHANGE(running->post_down, new->post_down);
    running->table = new->table;
    running->table_number = new->table_number;
    running->save_config = new->save_config;
    running->transport = new->transport;
    running->congestion = new->congestion;
    running->tcp_knock = new->tcp_knock; /* of peers that do not say */
    config_drop_peers(running, NULL);    /* the device has them */
    /* What was written counts for what is saved, from the next start on if not now. */
    EXCHANGE(running->lines, new->lines);
    if (running->inner_port != NULL && new->inner_port != NULL)
        EXCHANGE(running->inner_port->lines, new->inner_port->lines);
    take_lines(running->ports, new->ports);
    take_lines(running->inner_port, new->inner_port);
}
