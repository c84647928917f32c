/* SPDX-License-Identifier: BSD-3-Clause */
/* What `ip link set wg0 down` and `up` mean: as with the kernel's WireGuard, an interface that is
 * down has no sessions and answers nobody. */
#include <errno.h>

#include <event2/event.h>

#include <wgtcpd/control/log.h>

#include "internal.h"

static void
on_link(evutil_socket_t fd, short what, void *ctx)
{
    struct node *n = ctx;
    int up = netlink_link_state(&n->netlink);

    (void)fd;
    (void)what;
    if (up < 0 || n->link_down == !up)
        return;
    n->link_down = !up;
    log_info("%s: interface is %s", n->config->ifname,
             up ? "up" : "down: sessions end, nothing is sent or answered");
    device_set_link(&n->device, up);
    worker_wake(n->workers);
    if (up)
        interface_came_up(n);
}

int
link_watch(struct node *n)
{
    int fd;

    if (n->netlink.socket == NULL) /* the inner side is no interface of the kernel's */
        return 0;
    fd = netlink_watch(&n->netlink);
    if (fd < 0)
        return complain("cannot watch the interface", fd);
    n->on_link = event_new(n->base, fd, EV_READ | EV_PERSIST, on_link, n);
    if (n->on_link == NULL || event_add(n->on_link, NULL) != 0)
        return complain("event loop", ENOMEM);
    return 0;
}

void
link_unwatch(struct node *n)
{
    if (n->on_link != NULL)
        event_free(n->on_link);
    n->on_link = NULL;
}
