/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/control/netlink.h>

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <libmnl/libmnl.h>

/* Our requests and the kernel's acknowledgments are far smaller. */
enum { MESSAGE_MAX = 8192 };

int
netlink_open(struct netlink *n, const char *ifname)
{
    int rc;

    n->sequence = 1;
    n->ifindex = if_nametoindex(ifname);
    if (n->ifindex == 0)
        return -errno;
    n->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
    if (n->socket == NULL)
        return -errno;
    if (mnl_socket_bind(n->socket, 0, MNL_SOCKET_AUTOPID) == 0)
        return 0;
    rc = -errno;
    netlink_close(n);
    return rc;
}

void
netlink_close(struct netlink *n)
{
    if (n->socket != NULL)
        mnl_socket_close(n->socket);
    n->socket = NULL;
}

/* Sends the request and waits for the kernel's yes or no. */
static int
transact(struct netlink *n, struct nlmsghdr *nlh)
{
    char answer[MESSAGE_MAX];
    ssize_t len;

    nlh->nlmsg_seq = n->sequence++;
    if (mnl_socket_sendto(n->socket, nlh, nlh->nlmsg_len) < 0)
        return -errno;
    len = mnl_socket_recvfrom(n->socket, answer, sizeof(answer));
    if (len < 0)
        return -errno;
    if (mnl_cb_run(answer, (size_t)len, nlh->nlmsg_seq, mnl_socket_get_portid(n->socket), NULL,
                   NULL) < 0)
        return -errno;
    return 0;
}

static struct nlmsghdr *
request(char *buffer, uint16_t type, uint16_t flags)
{
    struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);

    nlh->nlmsg_type = type;
    nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
    return nlh;
}

static struct ifinfomsg *
link_request(struct netlink *n, struct nlmsghdr *nlh)
{
    struct ifinfomsg *info = mnl_nlmsg_put_extra_header(nlh, sizeof(*info));

    info->ifi_family = AF_UNSPEC;
    info->ifi_index = (int)n->ifindex;
    return info;
}

int
netlink_set_mtu(struct netlink *n, uint32_t mtu)
{
    char buffer[MESSAGE_MAX];
    struct nlmsghdr *nlh = request(buffer, RTM_NEWLINK, 0);

    link_request(n, nlh);
    mnl_attr_put_u32(nlh, IFLA_MTU, mtu);
    return transact(n, nlh);
}

int
netlink_set_up(struct netlink *n)
{
    char buffer[MESSAGE_MAX];
    struct nlmsghdr *nlh = request(buffer, RTM_NEWLINK, 0);
    struct ifinfomsg *info = link_request(n, nlh);

    info->ifi_change = IFF_UP;
    info->ifi_flags = IFF_UP;
    return transact(n, nlh);
}

int
netlink_add_address(struct netlink *n, const struct ip_prefix *address)
{
    char buffer[MESSAGE_MAX];
    struct nlmsghdr *nlh = request(buffer, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
    struct ifaddrmsg *a = mnl_nlmsg_put_extra_header(nlh, sizeof(*a));
    bool v4 = address->addr.family == IP_V4;

    a->ifa_family = v4 ? AF_INET : AF_INET6;
    a->ifa_prefixlen = address->len;
    a->ifa_flags = v4 ? 0 : IFA_F_NODAD;
    a->ifa_scope = RT_SCOPE_UNIVERSE;
    a->ifa_index = n->ifindex;
    mnl_attr_put(nlh, IFA_LOCAL, ip_addr_len(&address->addr), address->addr.bytes);
    mnl_attr_put(nlh, IFA_ADDRESS, ip_addr_len(&address->addr), address->addr.bytes);
    return transact(n, nlh);
}

int
netlink_add_route(struct netlink *n, const struct ip_prefix *prefix, uint32_t table)
{
    char buffer[MESSAGE_MAX];
    struct nlmsghdr *nlh = request(buffer, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL);
    struct rtmsg *r = mnl_nlmsg_put_extra_header(nlh, sizeof(*r));
    bool v4 = prefix->addr.family == IP_V4;

    r->rtm_family = v4 ? AF_INET : AF_INET6;
    r->rtm_dst_len = prefix->len;
    r->rtm_table = RT_TABLE_UNSPEC;
    r->rtm_protocol = RTPROT_BOOT;
    r->rtm_scope = v4 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
    r->rtm_type = RTN_UNICAST;
    mnl_attr_put_u32(nlh, RTA_TABLE, table != 0 ? table : RT_TABLE_MAIN);
    mnl_attr_put(nlh, RTA_DST, ip_addr_len(&prefix->addr), prefix->addr.bytes);
    mnl_attr_put_u32(nlh, RTA_OIF, n->ifindex);
    return transact(n, nlh);
}
