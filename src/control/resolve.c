/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Endpoints that are names. At the start they are looked up at once; afterwards by evdns, beside
 * everything else, when a peer has had no address so far, leaves our initiations unanswered or
 * cannot be dialled. Each look-up reads resolv.conf and hosts anew: DNS may have been set up by us
 * since, and names are looked up seldom.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>

#include <event2/dns.h>
#include <event2/event.h>

#include <wgtcpd/control/log.h>
#include <wgtcpd/control/snapshot.h>

#include "internal.h"

enum {
    TURN_S = 1,
    UNANSWERED = 2, /* initiations in a row, 5 s apart */
    FRESH_S = 10,   /* the last of them */
    /* As `wg` waits for a name to resolve (WG_ENDPOINT_RESOLUTION_RETRIES). */
    UNKNOWN_FIRST_S = 1,
    UNKNOWN_MOST_S = 20,
    /* Between look-ups of a name whose address does not work. */
    KNOWN_FIRST_S = 5,
    KNOWN_MOST_S = 120,
};

/* A look-up under way. The peer may be gone when the answer comes. */
struct question {
    LIST_ENTRY(question) link;
    struct node *node;
    struct evdns_base *dns;
    struct evdns_getaddrinfo_request *request;
    uint8_t public_key[CONFIG_KEY_LEN];
    char *host;
    bool answered;
};

/* --- addresses --- */

static bool
have_family(const struct config *c, int family)
{
    for (const struct config_port *port = c->ports; port != NULL; port = port->next)
        for (size_t i = 0; i < port->n_addresses; i++)
            if (port->addresses[i].addr.family == family)
                return true;
    return false;
}

/* The address, if it is of a family that an outer port has. */
static bool
take(const struct config *c, const struct addrinfo *a, struct ip_addr *out)
{
    const void *sa = a->ai_addr;

    if (a->ai_family == AF_INET && have_family(c, IP_V4))
        *out = ip_addr_v4((const uint8_t *)&((const struct sockaddr_in *)sa)->sin_addr);
    else if (a->ai_family == AF_INET6 && have_family(c, IP_V6))
        *out = ip_addr_v6((const uint8_t *)&((const struct sockaddr_in6 *)sa)->sin6_addr);
    else
        return false;
    return true;
}

/* Of several addresses the one after `tried`, the first after the last; false: there is none. */
static bool
choose(const struct config *c, const struct addrinfo *list, const struct ip_addr *tried,
       struct ip_addr *out)
{
    bool found = false, next = false;
    struct ip_addr a;

    for (; list != NULL; list = list->ai_next) {
        if (!take(c, list, &a))
            continue;
        if (!found || next)
            *out = a;
        if (next)
            return true;
        found = true;
        next = ip_addr_equal(&a, tried);
    }
    return found;
}

bool
endpoint_resolve(struct node *n, const struct config_endpoint *e, struct ip_endpoint *out)
{
    static const struct ip_addr none = {.family = IP_NONE};
    struct addrinfo hints = {.ai_socktype = SOCK_DGRAM}, *list = NULL;
    bool found;
    int rc;

    if (ip_addr_parse(&out->addr, e->host)) {
        out->port = e->port;
        return true;
    }
    if (n->no_name_server) /* once is long enough: the loop looks on */
        return false;
    rc = getaddrinfo(e->host, NULL, &hints, &list);
    if (rc != 0) {
        log_warning("cannot resolve endpoint %s: %s; trying on", e->host, gai_strerror(rc));
        n->no_name_server = rc == EAI_AGAIN;
        return false;
    }
    out->port = e->port;
    found = choose(n->config, list, &none, &out->addr);
    freeaddrinfo(list);
    if (!found)
        log_warning("endpoint %s has no address of a family that a port has", e->host);
    return found;
}

/* --- answers --- */

static void
free_question(struct question *q)
{
    LIST_REMOVE(q, link);
    if (q->dns != NULL)
        evdns_base_free(q->dns, 0);
    free(q->host);
    free(q);
}

/* evdns is done with its callback. */
static void
on_done(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    free_question(ctx);
}

static void
no_address(struct device_peer *p, const char *why)
{
    struct device_name *name = p->name;

    if (!name->told)
        log_warning("cannot resolve endpoint %s: %s; trying on", name->host, why);
    name->told = true;
    if (p->endpoint.addr.family == IP_NONE) /* 1 s, and a fifth more each time */
        name->wait_s = name->wait_s * 6 / 5 + 1;
    if (name->wait_s > UNKNOWN_MOST_S)
        name->wait_s = UNKNOWN_MOST_S;
}

static void
new_address(struct node *n, struct device_peer *p, const struct ip_addr *a)
{
    struct ip_endpoint e = {*a, p->endpoint.port};
    struct device_name *name = p->name;
    char text[IP_TEXT_MAX];

    name->told = false;
    if (ip_addr_equal(a, &p->endpoint.addr)) {
        name->wait_s = name->wait_s < KNOWN_MOST_S / 2 ? 2 * name->wait_s : KNOWN_MOST_S;
        return;
    }
    name->wait_s = KNOWN_FIRST_S;
    log_info("endpoint %s is at %s now", name->host, ip_endpoint_format(text, &e));
    device_set_endpoint(&n->device, p, &e);
    worker_wake(n->workers);
}

static void
on_answer(int rc, struct evutil_addrinfo *list, void *ctx)
{
    struct question *q = ctx;
    struct node *n = q->node;
    struct device_peer *p = device_find(&n->device, q->public_key);
    struct ip_addr a;

    q->answered = true;
    if (p != NULL && p->name != NULL && strcmp(p->name->host, q->host) == 0) {
        p->name->asking = false;
        if (rc != 0)
            no_address(p, evutil_gai_strerror(rc));
        else if (!choose(n->config, list, &p->endpoint.addr, &a))
            no_address(p, "it has no address of a family that a port has");
        else
            new_address(n, p, &a);
        p->name->ask_at = worker_clock() + (wgt_time)p->name->wait_s * WGT_SEC;
    }
    if (list != NULL)
        evutil_freeaddrinfo(list);
    event_base_once(n->base, -1, EV_TIMEOUT, on_done, q, NULL);
}

/* --- questions --- */

static struct question *
new_question(struct node *n, const struct device_peer *p)
{
    struct question *q = calloc(1, sizeof(*q));

    if (q == NULL)
        return NULL;
    q->node = n;
    memcpy(q->public_key, p->tunnel->public_key, sizeof(q->public_key));
    LIST_INSERT_HEAD(&n->questions, q, link);
    q->host = strdup(p->name->host);
    q->dns = evdns_base_new(n->base, 0);
    if (q->host != NULL && q->dns != NULL)
        return q;
    free_question(q);
    return NULL;
}

static void
ask(struct node *n, struct device_peer *p)
{
    struct evutil_addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM};
    struct question *q = new_question(n, p);
    struct evdns_getaddrinfo_request *request;

    if (q == NULL) {
        log_warning("cannot resolve endpoint %s: %s", p->name->host, strerror(ENOMEM));
        return;
    }
    p->name->asking = true;
    /* Without name servers hosts still counts; then there is no more to be had. */
    (void)evdns_base_resolv_conf_parse(q->dns, DNS_OPTIONS_ALL, "/etc/resolv.conf");
    evdns_base_set_option(q->dns, "randomize-case:", "0"); /* some servers answer in lower case */
    evdns_base_set_option(q->dns, "timeout:", "3");
    evdns_base_set_option(q->dns, "attempts:", "2");
    request = evdns_getaddrinfo(q->dns, p->name->host, NULL, &hints, on_answer, q);
    if (!q->answered)
        q->request = request;
}

/* Whether its address is worth asking for. */
static bool
in_trouble(struct device_peer *p, const struct snapshot_peer *seen, wgt_time now)
{
    const struct trouble *unanswered = &seen->trouble[PEER_TROUBLE_UNANSWERED];
    bool failed = seen->dial_failures != p->name->dial_failures;

    p->name->dial_failures = seen->dial_failures;
    if (unanswered->n >= UNANSWERED && now < unanswered->last + FRESH_S * WGT_SEC)
        failed = true;
    return failed || p->endpoint.addr.family == IP_NONE;
}

static void
look_after(struct node *n, struct device_peer *p, const struct snapshot_peer *seen, wgt_time now)
{
    struct device_name *name = p->name;

    if (in_trouble(p, seen, now))
        name->troubled = true;
    else if (now > name->ask_at + KNOWN_MOST_S * WGT_SEC)
        name->wait_s = 0; /* all is well, and has been for a while */
    if (!name->troubled || name->asking || now < name->ask_at)
        return;
    name->troubled = false;
    if (name->wait_s == 0)
        name->wait_s = p->endpoint.addr.family == IP_NONE ? UNKNOWN_FIRST_S : KNOWN_FIRST_S;
    ask(n, p);
}

/* Those from *name on, as many as a snapshot is taken of at a time; *name moves on. */
static size_t
some_named(const struct device_name **name, struct device_peer **of)
{
    size_t n = 0;

    for (; *name != NULL && n < SNAPSHOT_PIECE; *name = LIST_NEXT(*name, link))
        of[n++] = (*name)->peer;
    return n;
}

static bool
look_after_some(struct node *n, struct device_peer *const *of, size_t n_of)
{
    struct snapshot *s = snapshot_take(n, of, n_of);

    if (s == NULL)
        return false;
    for (size_t i = 0; i < n_of; i++)
        look_after(n, of[i], &s->peers[i], s->now);
    snapshot_free(s);
    return true;
}

static void
on_turn(evutil_socket_t fd, short what, void *ctx)
{
    struct device_peer *of[SNAPSHOT_PIECE];
    struct node *n = ctx;
    const struct device_name *name = LIST_FIRST(&n->device.names);
    size_t n_of;

    (void)fd;
    (void)what;
    while ((n_of = some_named(&name, of)) > 0 && look_after_some(n, of, n_of))
        ;
}

int
resolve_start(struct node *n)
{
    struct timeval turn = {.tv_sec = TURN_S};

    n->on_resolve = event_new(n->base, -1, EV_PERSIST, on_turn, n);
    if (n->on_resolve == NULL || event_add(n->on_resolve, &turn) != 0)
        return complain("event loop", ENOMEM);
    return 0;
}

void
resolve_stop(struct node *n)
{
    struct question *q;

    if (n->on_resolve != NULL)
        event_free(n->on_resolve);
    n->on_resolve = NULL;
    LIST_FOREACH(q, &n->questions, link)
    if (!q->answered && q->request != NULL)
        evdns_getaddrinfo_cancel(q->request);
    for (int turns = 0; turns < 3 && !LIST_EMPTY(&n->questions); turns++)
        event_base_loop(n->base, EVLOOP_NONBLOCK); /* they are answered, then freed */
}
