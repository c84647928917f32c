/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/control/netlink.h>

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <libmnl/libmnl.h>

/* Our requests and the kernel's acknowledgments are far smaller; its dumps come in such pieces. */
enum { MESSAGE_MAX = 32768, REQUEST_MAX = 512 };

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
    if (mnl_socket_bind(n->socket, 0, MNL_SOCKET_AUTOPID) == 0) {
        /* The kernel picks what a dump asks for; we look again, should it be too old for that. */
        (void)mnl_socket_setsockopt(n->socket, NETLINK_GET_STRICT_CHK, &(int){1}, sizeof(int));
        return 0;
    }
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
    if (n->watch != NULL)
        mnl_socket_close(n->watch);
    n->watch = NULL;
}

/* Sends the request and takes all of the kernel's answer: yes or no, or what it lists. */
static int
transact_with(struct netlink *n, struct nlmsghdr *nlh, mnl_cb_t each, void *ctx)
{
    char answer[MESSAGE_MAX];
    ssize_t len;
    int rc;

    nlh->nlmsg_seq = n->sequence++;
    if (mnl_socket_sendto(n->socket, nlh, nlh->nlmsg_len) < 0)
        return -errno;
    do {
        len = mnl_socket_recvfrom(n->socket, answer, sizeof(answer));
        if (len < 0)
            return -errno;
        rc = mnl_cb_run(answer, (size_t)len, nlh->nlmsg_seq, mnl_socket_get_portid(n->socket), each,
                        ctx);
        if (rc < 0)
            return -errno;
    } while (rc == MNL_CB_OK);
    return 0;
}

static int
transact(struct netlink *n, struct nlmsghdr *nlh)
{
    return transact_with(n, nlh, NULL, NULL);
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
    char buffer[REQUEST_MAX];
    struct nlmsghdr *nlh = request(buffer, RTM_NEWLINK, 0);

    link_request(n, nlh);
    mnl_attr_put_u32(nlh, IFLA_MTU, mtu);
    return transact(n, nlh);
}

int
netlink_set_up(struct netlink *n)
{
    char buffer[REQUEST_MAX];
    struct nlmsghdr *nlh = request(buffer, RTM_NEWLINK, 0);
    struct ifinfomsg *info = link_request(n, nlh);

    info->ifi_change = IFF_UP;
    info->ifi_flags = IFF_UP;
    return transact(n, nlh);
}

/* --- the link's state --- */

int
netlink_watch(struct netlink *n)
{
    int rc;

    n->watch = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (n->watch == NULL)
        return -errno;
    if (mnl_socket_bind(n->watch, RTMGRP_LINK, MNL_SOCKET_AUTOPID) == 0)
        return mnl_socket_get_fd(n->watch);
    rc = -errno;
    mnl_socket_close(n->watch);
    n->watch = NULL;
    return rc;
}

struct link_news {
    unsigned ifindex;
    int up; /* -EAGAIN: none */
};

static int
take_link_news(const struct nlmsghdr *nlh, void *ctx)
{
    const struct ifinfomsg *info = mnl_nlmsg_get_payload(nlh);
    struct link_news *news = ctx;

    if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*info) || info->ifi_family != AF_UNSPEC ||
        info->ifi_index != (int)news->ifindex)
        return MNL_CB_OK;
    if (nlh->nlmsg_type == RTM_NEWLINK)
        news->up = (info->ifi_flags & IFF_UP) != 0;
    else if (nlh->nlmsg_type == RTM_DELLINK)
        news->up = 1;
    return MNL_CB_OK;
}

/* Some news were lost: so it is asked for. */
static void
ask_for_link(struct netlink *n, struct link_news *news)
{
    char buffer[REQUEST_MAX];
    struct nlmsghdr *nlh = request(buffer, RTM_GETLINK, 0);

    link_request(n, nlh);
    if (transact_with(n, nlh, take_link_news, news) == -ENODEV)
        news->up = 1;
}

int
netlink_link_state(struct netlink *n)
{
    struct link_news news = {.ifindex = n->ifindex, .up = -EAGAIN};
    char buffer[MESSAGE_MAX];
    bool lost = false;
    ssize_t len;

    while ((len = mnl_socket_recvfrom(n->watch, buffer, sizeof(buffer))) > 0 || errno == ENOBUFS) {
        lost = lost || len < 0;
        if (len > 0)
            (void)mnl_cb_run(buffer, (size_t)len, 0, 0, take_link_news, &news);
    }
    if (lost)
        ask_for_link(n, &news);
    return news.up;
}

/* --- addresses --- */

static uint8_t
family_number(enum ip_family family)
{
    return family == IP_V4 ? AF_INET : AF_INET6;
}

static int
change_address(struct netlink *n, const struct ip_prefix *address, uint16_t type, uint16_t flags)
{
    char buffer[REQUEST_MAX];
    struct nlmsghdr *nlh = request(buffer, type, flags);
    struct ifaddrmsg *a = mnl_nlmsg_put_extra_header(nlh, sizeof(*a));

    a->ifa_family = family_number(address->addr.family);
    a->ifa_prefixlen = address->len;
    a->ifa_flags = address->addr.family == IP_V4 ? 0 : IFA_F_NODAD;
    a->ifa_scope = RT_SCOPE_UNIVERSE;
    a->ifa_index = n->ifindex;
    mnl_attr_put(nlh, IFA_LOCAL, ip_addr_len(&address->addr), address->addr.bytes);
    mnl_attr_put(nlh, IFA_ADDRESS, ip_addr_len(&address->addr), address->addr.bytes);
    return transact(n, nlh);
}

int
netlink_add_address(struct netlink *n, const struct ip_prefix *address)
{
    return change_address(n, address, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
}

int
netlink_del_address(struct netlink *n, const struct ip_prefix *address)
{
    return change_address(n, address, RTM_DELADDR, 0);
}

/* --- routes --- */

static int
change_route(struct netlink *n, const struct ip_prefix *prefix, uint32_t table, uint16_t type,
             uint16_t flags)
{
    char buffer[REQUEST_MAX];
    struct nlmsghdr *nlh = request(buffer, type, flags);
    struct rtmsg *r = mnl_nlmsg_put_extra_header(nlh, sizeof(*r));
    bool v4 = prefix->addr.family == IP_V4;

    r->rtm_family = family_number(prefix->addr.family);
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

int
netlink_add_route(struct netlink *n, const struct ip_prefix *prefix, uint32_t table)
{
    return change_route(n, prefix, table, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL);
}

int
netlink_del_route(struct netlink *n, const struct ip_prefix *prefix, uint32_t table)
{
    return change_route(n, prefix, table, RTM_DELROUTE, 0);
}

/* An attribute of 32 bits, or otherwise if the message has none such. */
static uint32_t
u32_attr(const struct nlmsghdr *nlh, unsigned header, uint16_t type, uint32_t otherwise)
{
    const struct nlattr *attr;

    mnl_attr_for_each (attr, nlh, header)
        if (mnl_attr_get_type(attr) == type && mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
            return mnl_attr_get_u32(attr);
    return otherwise;
}

struct table_search {
    uint32_t table;
    bool found;
};

static int
look_for_table(const struct nlmsghdr *nlh, void *ctx)
{
    const struct rtmsg *r = mnl_nlmsg_get_payload(nlh);
    struct table_search *s = ctx;

    if (nlh->nlmsg_type == RTM_NEWROUTE &&
        u32_attr(nlh, sizeof(*r), RTA_TABLE, r->rtm_table) == s->table)
        s->found = true;
    return MNL_CB_OK;
}

int
netlink_table_used(struct netlink *n, enum ip_family family, uint32_t table)
{
    char buffer[REQUEST_MAX];
    struct nlmsghdr *nlh = request(buffer, RTM_GETROUTE, NLM_F_DUMP);
    struct rtmsg *r = mnl_nlmsg_put_extra_header(nlh, sizeof(*r));
    struct table_search search = {.table = table};
    int rc;

    r->rtm_family = family_number(family);
    mnl_attr_put_u32(nlh, RTA_TABLE, table);
    rc = transact_with(n, nlh, look_for_table, &search);
    if (rc == -ENOENT) /* there never was such a table */
        return 0;
    return rc != 0 ? rc : search.found;
}

/* --- rules --- */

static int
change_rule(struct netlink *n, const struct netlink_rule *rule, uint16_t type, uint16_t flags)
{
    char buffer[REQUEST_MAX];
    struct nlmsghdr *nlh = request(buffer, type, flags);
    struct fib_rule_hdr *h = mnl_nlmsg_put_extra_header(nlh, sizeof(*h));

    h->family = family_number(rule->family);
    h->action = FR_ACT_TO_TBL;
    if (rule->not_mark != 0) {
        h->flags = FIB_RULE_INVERT;
        mnl_attr_put_u32(nlh, FRA_FWMARK, rule->not_mark);
    }
    if (rule->from.family != IP_NONE) {
        h->src_len = (uint8_t)(ip_addr_len(&rule->from) * 8);
        mnl_attr_put(nlh, FRA_SRC, ip_addr_len(&rule->from), rule->from.bytes);
    }
    if (rule->no_default)
        mnl_attr_put_u32(nlh, FRA_SUPPRESS_PREFIXLEN, 0);
    mnl_attr_put_u32(nlh, FRA_PRIORITY, rule->priority);
    mnl_attr_put_u32(nlh, FRA_TABLE, rule->table != 0 ? rule->table : RT_TABLE_MAIN);
    mnl_attr_put_u8(nlh, FRA_PROTOCOL, NETLINK_RULE_PROTOCOL);
    return transact(n, nlh);
}

int
netlink_add_rule(struct netlink *n, const struct netlink_rule *rule)
{
    return change_rule(n, rule, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL);
}

int
netlink_del_rule(struct netlink *n, const struct netlink_rule *rule)
{
    return change_rule(n, rule, RTM_DELRULE, 0);
}

struct rule_search {
    uint32_t from, to;
    uint32_t found; /* priority of one; 0: none */
};

static int
look_for_rule(const struct nlmsghdr *nlh, void *ctx)
{
    uint32_t priority = u32_attr(nlh, sizeof(struct fib_rule_hdr), FRA_PRIORITY, 0);
    struct rule_search *s = ctx;
    const struct nlattr *attr;

    if (nlh->nlmsg_type != RTM_NEWRULE || priority < s->from || priority > s->to)
        return MNL_CB_OK;
    mnl_attr_for_each (attr, nlh, sizeof(struct fib_rule_hdr))
        if (mnl_attr_get_type(attr) == FRA_PROTOCOL && mnl_attr_get_payload_len(attr) == 1 &&
            mnl_attr_get_u8(attr) == NETLINK_RULE_PROTOCOL)
            s->found = priority;
    return MNL_CB_OK;
}

/* One of them. 0, -ENOENT when there is none, or another -errno. */
static int
clear_rule(struct netlink *n, enum ip_family family, uint32_t from, uint32_t to)
{
    char buffer[REQUEST_MAX];
    struct nlmsghdr *nlh = request(buffer, RTM_GETRULE, NLM_F_DUMP);
    struct fib_rule_hdr *h = mnl_nlmsg_put_extra_header(nlh, sizeof(*h));
    struct rule_search search = {.from = from, .to = to};
    int rc;

    h->family = family_number(family);
    rc = transact_with(n, nlh, look_for_rule, &search);
    if (rc != 0)
        return rc;
    if (search.found == 0)
        return -ENOENT;
    nlh = request(buffer, RTM_DELRULE, 0);
    h = mnl_nlmsg_put_extra_header(nlh, sizeof(*h));
    h->family = family_number(family);
    mnl_attr_put_u32(nlh, FRA_PRIORITY, search.found);
    mnl_attr_put_u8(nlh, FRA_PROTOCOL, NETLINK_RULE_PROTOCOL);
    return transact(n, nlh);
}

int
netlink_clear_rules(struct netlink *n, enum ip_family family, uint32_t from, uint32_t to)
{
    int rc;

    do
        rc = clear_rule(n, family, from, to);
    while (rc == 0);
    return rc == -ENOENT ? 0 : rc;
}
