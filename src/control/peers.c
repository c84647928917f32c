/* SPDX-License-Identifier: BSD-3-Clause */
/* The peers of the configuration, at the start. */
#include <errno.h>
#include <malloc.h>
#include <unistd.h>

#include <wgtcpd/control/log.h>

#include "internal.h"

enum {
    WAIT_US = 100,
    PEERS_AT_A_TIME = 4096, /* what a change takes beside them is taken only for so many */
    CHANGES_A_TRIM = 16,
};

/* Whoever waits for room in the ring must not leave the other one full: but its events make
 * commands themselves. */
void
peers_wait(void *ctx)
{
    struct node *n = ctx;

    worker_wake(n->workers);
    usleep(WAIT_US);
    if (handshaker_has_much_room(&n->handshaker))
        loop_take_events(n);
}

static int
check_own_key(const struct node *n, const struct config_peer *p)
{
    if (memcmp(p->public_key, n->handshaker.local.public_key, NOISE_KEY_LEN) != 0)
        return 0;
    log_error("the [Peer] in line %u has this interface's own public key: give the other side's",
              p->line);
    return -EINVAL;
}

/* A host that is a name may have another address later. */
static int
keep_name(struct change_peer *p, const char *host)
{
    struct ip_addr a;

    if (ip_addr_parse(&a, host))
        return 0;
    p->host = strdup(host);
    return p->host != NULL ? 0 : -ENOMEM;
}

static int
add_to_change(struct node *n, struct change *c, const struct config_peer *from)
{
    struct change_peer *p = change_add_config_peer(c, from);

    if (p == NULL)
        return -ENOMEM;
    if (from->endpoint.host == NULL)
        return 0;
    p->has_endpoint = true;
    if (!endpoint_resolve(n, &from->endpoint, &p->endpoint))
        p->endpoint = (struct ip_endpoint){.port = from->endpoint.port};
    return keep_name(p, from->endpoint.host);
}

/* *from moves on to the first that is left for the next change. */
static int
make_change(struct node *n, struct change *c, const struct config_peer **from)
{
    const struct config_peer *p = *from;
    int rc;

    for (unsigned i = 0; p != NULL && i < PEERS_AT_A_TIME; i++, p = p->next) {
        if (check_own_key(n, p) != 0)
            return -1;
        rc = add_to_change(n, c, p);
        if (rc != 0)
            return complain("peers", rc);
    }
    *from = p;
    return 0;
}

static int
add_some(struct node *n, const struct config_peer **from)
{
    struct change c;
    int rc;

    change_init(&c);
    rc = make_change(n, &c, from);
    if (rc == 0 && (rc = device_apply(&n->device, &c, NULL)) != 0)
        complain("cannot add the peers", rc);
    change_free(&c);
    return rc;
}

/* Not as one change: if one fails there is no start. What the device has, the configuration need
 * not keep. */
int
peers_add(struct node *n)
{
    const struct config_peer *from = n->config->peers;
    int rc = 0;

    for (unsigned changes = 1; rc == 0 && from != NULL; changes++) {
        rc = add_some(n, &from);
        config_drop_peers(n->config, from);
        if (from == NULL || changes % CHANGES_A_TRIM == 0)
            malloc_trim(0); /* that memory the device does not use again */
    }
    worker_wake(n->workers);
    return rc == 0 ? 0 : -1;
}
