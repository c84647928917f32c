/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <strings.h>

#include <wgtcpd/vault/vault.h>

#include "config_parser.h"

enum {
    KEY_TEXT_LEN = 44,
    ITEM_MAX = 63, /* an address, a prefix */
    MTU_MIN = 576,
    MTU_MAX = 16000,
    WORKERS_MAX = 16,
    CORE_MAX = 1023,
    VLAN_MIN = 1,
    VLAN_MAX = 4094, /* IEEE 802.1Q: 0 and 4095 name no VLAN */
    HOST_NAME_MAX_LEN = 253,
    LABEL_MAX_LEN = 63,
    USER_NAME_MAX_LEN = 32,
    SHOWN_PLAIN = 12, /* so many base64 digits in a row may still be shown */
};

/* --- showing --- */

static bool
is_base64_digit(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/' || c == '=';
}

const char *
config_show(char buf[SHOWN_MAX], struct slice value)
{
    size_t run = 0;
    bool fits = value.len <= SHOWN_MAX - 3;

    for (size_t i = 0; i < value.len && fits; i++) {
        run = is_base64_digit(value.p[i]) ? run + 1 : 0;
        fits = run <= SHOWN_PLAIN && value.p[i] >= ' ' && value.p[i] <= '~';
    }
    if (fits)
        snprintf(buf, SHOWN_MAX, "'%.*s'", (int)value.len, value.p);
    else
        snprintf(buf, SHOWN_MAX, "the value");
    return buf;
}

/* Error: "KEY: 'value' is no WHAT; WANTED". */
static void
wrong(struct parser *ps, enum config_key key, struct slice value, const char *what,
      const char *wanted)
{
    char shown[SHOWN_MAX];

    config_error(ps, "%s: %s is no %s; %s", config_key_name(key), config_show(shown, value), what,
                 wanted);
}

static void
complain(struct parser *ps, enum config_key key, struct slice value, const char *complaint)
{
    char shown[SHOWN_MAX];

    config_error(ps, "%s: %s %s", config_key_name(key), config_show(shown, value), complaint);
}

/* --- pieces --- */

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool
parse_decimal(struct slice s, uint64_t max, uint64_t *v)
{
    *v = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (!is_digit(s.p[i]))
            return false;
        *v = *v * 10 + (uint64_t)(s.p[i] - '0');
        if (*v > max)
            return false;
    }
    return s.len > 0;
}

static bool
parse_hex(struct slice s, uint64_t max, uint64_t *v)
{
    *v = 0;
    if (s.len < 3 || s.p[0] != '0' || (s.p[1] | 0x20) != 'x')
        return false;
    for (size_t i = 2; i < s.len; i++) {
        char c = (char)(s.p[i] | 0x20);

        if (!is_digit(s.p[i]) && (c < 'a' || c > 'f'))
            return false;
        *v = *v << 4 | (uint64_t)(is_digit(s.p[i]) ? s.p[i] - '0' : c - 'a' + 10);
        if (*v > max)
            return false;
    }
    return true;
}

/* Copy to a string; false if it does not fit. */
static bool
slice_string(char *buf, size_t size, struct slice s)
{
    if (s.len >= size)
        return false;
    memcpy(buf, s.p, s.len);
    buf[s.len] = '\0';
    return true;
}

static bool
parse_addr(struct slice s, struct ip_addr *a)
{
    char text[ITEM_MAX + 1];

    return slice_string(text, sizeof(text), s) && ip_addr_parse(a, text);
}

static bool
parse_prefix(struct slice s, struct ip_prefix *p)
{
    char text[ITEM_MAX + 1];

    return slice_string(text, sizeof(text), s) && ip_prefix_parse(p, text);
}

static char *
copy(struct parser *ps, struct slice s)
{
    char *string = strndup(s.p, s.len);

    if (string == NULL)
        config_error(ps, "out of memory");
    return string;
}

/* Room for one more item of a list of n: lists double when n is a power of two. */
static bool
grow(struct parser *ps, void **items, size_t n, size_t size)
{
    void *more;

    if ((n & (n - 1)) != 0)
        return true;
    more = reallocarray(*items, n != 0 ? 2 * n : 1, size);
    if (more == NULL) {
        config_error(ps, "out of memory");
        return false;
    }
    *items = more;
    return true;
}

/* Take the next item of a comma list off; false at its end. An empty item is an error, and the end
 * too. */
static bool
next_item(struct parser *ps, enum config_key key, struct slice *list, struct slice *item)
{
    const char *comma;

    if (list->p == NULL)
        return false;
    comma = memchr(list->p, ',', list->len);
    *item = *list;
    if (comma != NULL) {
        item->len = (size_t)(comma - list->p);
        *list = (struct slice){comma + 1, list->len - item->len - 1};
    } else {
        *list = (struct slice){NULL, 0};
    }
    *item = config_trim(*item);
    if (item->len == 0)
        config_error(ps, "%s: empty item in the list; remove the extra comma",
                     config_key_name(key));
    return item->len > 0;
}

/* Letters, digits, '-' and '_' in labels of up to 63, with dots between. */
static bool
is_host_name(struct slice s)
{
    size_t label = 0;

    if (s.len > 1 && s.p[s.len - 1] == '.')
        s.len--;
    if (s.len == 0 || s.len > HOST_NAME_MAX_LEN)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.p[i];

        if (c == '.' && label == 0)
            return false;
        if (c != '.' && c != '-' && c != '_' && (!is_base64_digit(c) || strchr("+/=", c) != NULL))
            return false;
        label = c == '.' ? 0 : label + 1;
        if (label > LABEL_MAX_LEN)
            return false;
    }
    return label > 0;
}

static bool
is_numeric_host(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!is_digit(s.p[i]) && s.p[i] != '.')
            return false;
    return true;
}

/* --- values that several keys have --- */

static bool
set_number(struct parser *ps, enum config_key key, struct slice value, uint64_t min, uint64_t max,
           uint64_t *v)
{
    char shown[SHOWN_MAX];

    if (parse_decimal(value, max, v) && *v >= min)
        return true;
    config_error(ps, "%s: %s is no number from %llu to %llu; give one in digits",
                 config_key_name(key), config_show(shown, value), (unsigned long long)min,
                 (unsigned long long)max);
    return false;
}

static bool
set_key(struct parser *ps, enum config_key key, struct slice value, uint8_t out[CONFIG_KEY_LEN])
{
    char text[KEY_TEXT_LEN + 1];
    bool valid = slice_string(text, sizeof(text), value) && config_key_parse(out, text);

    explicit_bzero(text, sizeof(text));
    if (!valid)
        config_error(ps,
                     "%s is no key (not shown); it must be 44 characters of base64, as 'wg %s' "
                     "prints it",
                     config_key_name(key),
                     key == KEY_INTERFACE_PrivateKey ? "genkey"
                     : key == KEY_PEER_PublicKey     ? "pubkey"
                                                     : "genpsk");
    return valid;
}

static bool
set_nonzero_key(struct parser *ps, enum config_key key, struct slice value,
                uint8_t out[CONFIG_KEY_LEN])
{
    uint8_t bits = 0;

    if (!set_key(ps, key, value, out))
        return false;
    for (unsigned i = 0; i < CONFIG_KEY_LEN; i++)
        bits |= out[i];
    if (bits == 0)
        config_error(ps, "%s is all zero; give a real key", config_key_name(key));
    return bits != 0;
}

static void
add_address(struct parser *ps, enum config_key key, struct slice item, struct ip_prefix **list,
            size_t *n)
{
    struct ip_prefix p;

    if (!parse_prefix(item, &p)) {
        wrong(ps, key, item, "IP address", "write it like 192.0.2.2/24 or 2001:db8::2/64");
        return;
    }
    if (!config_is_host(&p.addr)) {
        wrong(ps, key, item, "address of a host", "give a unicast address");
        return;
    }
    for (size_t i = 0; i < *n; i++)
        if (ip_addr_equal(&(*list)[i].addr, &p.addr)) {
            complain(ps, key, item, "was given before; remove one");
            return;
        }
    if (grow(ps, (void **)list, *n, sizeof(p)))
        (*list)[(*n)++] = p;
}

static void
add_string(struct parser *ps, struct slice value, struct config_strings *list)
{
    char *string;

    if (!grow(ps, (void **)&list->items, list->n, sizeof(char *)))
        return;
    string = copy(ps, value);
    if (string != NULL)
        list->items[list->n++] = string;
}

static bool
set_mtu_value(struct parser *ps, enum config_key key, struct slice value, uint32_t *mtu)
{
    uint64_t v;

    if (!set_number(ps, key, value, MTU_MIN, MTU_MAX, &v))
        return false;
    *mtu = (uint32_t)v;
    return true;
}

static bool
set_transport_value(struct parser *ps, enum config_key key, struct slice value,
                    enum config_transport *transport)
{
    if (config_slice_is(value, "udp")) {
        *transport = CONFIG_UDP;
    } else if (config_slice_is(value, "tcp")) {
        *transport = CONFIG_TCP;
    } else {
        wrong(ps, key, value, "transport", "write udp or tcp");
        return false;
    }
    return true;
}

static bool
set_congestion_value(struct parser *ps, enum config_key key, struct slice value,
                     enum config_congestion *congestion)
{
    static const char *const names[] = {
        [CONFIG_BBR] = "bbr", [CONFIG_CUBIC] = "cubic", [CONFIG_NONE] = "none"};

    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (config_slice_is(value, names[i])) {
            *congestion = (enum config_congestion)i;
            return true;
        }
    }
    wrong(ps, key, value, "congestion control", "write bbr, cubic or none");
    return false;
}

static bool
set_switch(struct parser *ps, enum config_key key, struct slice value, bool *on)
{
    if (config_slice_is(value, "on")) {
        *on = true;
    } else if (config_slice_is(value, "off")) {
        *on = false;
    } else {
        wrong(ps, key, value, "switch", "write on or off");
        return false;
    }
    return true;
}

/* --- [Interface] --- */

static void
set_private_key(struct parser *ps, enum config_key key, struct slice value)
{
    ps->c->has_private_key = set_nonzero_key(ps, key, value, ps->c->private_key);
}

static void
set_listen_port(struct parser *ps, enum config_key key, struct slice value)
{
    uint64_t v;

    if (parse_decimal(value, UINT16_MAX, &v))
        ps->c->listen_port = (uint16_t)v;
    else
        wrong(ps, key, value, "port number",
              "give 0 (random) to 65535 in digits, service names are not looked up");
}

static void
set_fwmark(struct parser *ps, enum config_key key, struct slice value)
{
    uint64_t v = 0;

    if (config_slice_is(value, "off") || parse_decimal(value, UINT32_MAX, &v) ||
        parse_hex(value, UINT32_MAX, &v))
        ps->c->fwmark = (uint32_t)v;
    else
        wrong(ps, key, value, "mark", "write off, or 0 to 4294967295, or 0x0 to 0xffffffff");
}

static void
set_address(struct parser *ps, enum config_key key, struct slice value)
{
    struct slice item;

    while (next_item(ps, key, &value, &item))
        add_address(ps, key, item, &ps->c->addresses, &ps->c->n_addresses);
}

static void
set_mtu(struct parser *ps, enum config_key key, struct slice value)
{
    set_mtu_value(ps, key, value, &ps->c->mtu);
}

static void
set_dns(struct parser *ps, enum config_key key, struct slice value)
{
    struct slice item;
    struct ip_addr a;

    while (next_item(ps, key, &value, &item))
        if (parse_addr(item, &a) || (is_host_name(item) && !is_numeric_host(item)))
            add_string(ps, item, &ps->c->dns);
        else
            wrong(ps, key, item, "name server or search domain",
                  "give IP addresses or domain names");
}

static void
set_table(struct parser *ps, enum config_key key, struct slice value)
{
    static const struct {
        const char *name;
        enum config_table table;
        uint32_t number;
    } names[] = {
        {"auto", CONFIG_TABLE_AUTO, 0},      {"off", CONFIG_TABLE_OFF, 0},
        {"main", CONFIG_TABLE_NUMBER, 254},  {"default", CONFIG_TABLE_NUMBER, 253},
        {"local", CONFIG_TABLE_NUMBER, 255},
    };
    uint64_t v;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (config_slice_is(value, names[i].name)) {
            ps->c->table = names[i].table;
            ps->c->table_number = names[i].number;
            return;
        }
    if (!parse_decimal(value, UINT32_MAX, &v) || v == 0) {
        wrong(ps, key, value, "routing table", "write auto, off, main or 1 to 4294967295");
        return;
    }
    ps->c->table = CONFIG_TABLE_NUMBER;
    ps->c->table_number = (uint32_t)v;
}

static void
set_pre_up(struct parser *ps, enum config_key key, struct slice value)
{
    (void)key;
    add_string(ps, value, &ps->c->pre_up);
}

static void
set_post_up(struct parser *ps, enum config_key key, struct slice value)
{
    (void)key;
    add_string(ps, value, &ps->c->post_up);
}

static void
set_pre_down(struct parser *ps, enum config_key key, struct slice value)
{
    (void)key;
    add_string(ps, value, &ps->c->pre_down);
}

static void
set_post_down(struct parser *ps, enum config_key key, struct slice value)
{
    (void)key;
    add_string(ps, value, &ps->c->post_down);
}

static void
set_save_config(struct parser *ps, enum config_key key, struct slice value)
{
    if (value.len == 4 && memcmp(value.p, "true", 4) == 0)
        ps->c->save_config = true;
    else if (value.len != 5 || memcmp(value.p, "false", 5) != 0)
        wrong(ps, key, value, "truth value", "write true or false");
}

static void
set_transport(struct parser *ps, enum config_key key, struct slice value)
{
    set_transport_value(ps, key, value, &ps->c->transport);
}

static void
set_listen(struct parser *ps, enum config_key key, struct slice value)
{
    enum config_transport transport;
    struct slice item;

    ps->c->listen_udp = ps->c->listen_tcp = false;
    while (next_item(ps, key, &value, &item)) {
        if (!set_transport_value(ps, key, item, &transport))
            continue;
        if (transport == CONFIG_UDP)
            ps->c->listen_udp = true;
        else
            ps->c->listen_tcp = true;
    }
}

/* Of a device's: what stands before its arguments. */
static size_t
name_len(struct slice device)
{
    size_t n = 0;

    while (n < device.len && strchr(", \t", device.p[n]) == NULL)
        n++;
    return n;
}

/* Whether there is such a port is seen when the file has ended. */
static void
set_inner(struct parser *ps, enum config_key key, struct slice value)
{
    struct slice name = {value.p, name_len(value)};

    if (name.len == 0 || (name.len < value.len && value.p[name.len] != ',')) {
        wrong(ps, key, value, "inner side", "write tun, or the Device of a [Port], such as tap1");
        return;
    }
    free(ps->c->inner);
    ps->c->inner = copy(ps, config_slice_is(value, "tun") ? (struct slice){"tun", 3} : name);
}

static void
set_workers(struct parser *ps, enum config_key key, struct slice value)
{
    uint64_t v;

    if (set_number(ps, key, value, 1, WORKERS_MAX, &v))
        ps->c->workers = (unsigned)v;
}

static void
set_crypto_workers(struct parser *ps, enum config_key key, struct slice value)
{
    uint64_t v;

    if (set_number(ps, key, value, 0, WORKERS_MAX, &v))
        ps->c->crypto_workers = (unsigned)v;
}

/* One item of a core list: "2" or "2-5". */
static bool
is_core_range(struct slice s)
{
    const char *dash = memchr(s.p, '-', s.len);
    struct slice first = s, last;
    uint64_t low, high;

    if (dash == NULL)
        return parse_decimal(s, CORE_MAX, &low);
    first.len = (size_t)(dash - s.p);
    last = (struct slice){dash + 1, s.len - first.len - 1};
    return parse_decimal(first, CORE_MAX, &low) && parse_decimal(last, CORE_MAX, &high) &&
           low <= high;
}

static void
set_cores(struct parser *ps, enum config_key key, struct slice value)
{
    struct slice list = value, item;

    while (next_item(ps, key, &list, &item))
        if (!is_core_range(item)) {
            wrong(ps, key, item, "core or range of cores", "write cores like 2 or 2-5 or 2,4");
            return;
        }
    ps->c->cores = copy(ps, value);
}

static void
set_idle(struct parser *ps, enum config_key key, struct slice value)
{
    if (config_slice_is(value, "adaptive"))
        ps->c->idle = CONFIG_IDLE_ADAPTIVE;
    else if (config_slice_is(value, "poll"))
        ps->c->idle = CONFIG_IDLE_POLL;
    else
        wrong(ps, key, value, "way to idle", "write adaptive or poll");
}

static void
set_offload(struct parser *ps, enum config_key key, struct slice value)
{
    bool on;

    if (set_switch(ps, key, value, &on))
        ps->c->no_offload = !on;
}

static void
set_congestion(struct parser *ps, enum config_key key, struct slice value)
{
    set_congestion_value(ps, key, value, &ps->c->congestion);
}

static void
set_out_of_order(struct parser *ps, enum config_key key, struct slice value)
{
    bool on;

    if (set_switch(ps, key, value, &on))
        ps->c->in_order = !on;
}

static void
set_tcp_knock(struct parser *ps, enum config_key key, struct slice value)
{
    set_switch(ps, key, value, &ps->c->tcp_knock);
}

/* useradd's rule. */
static bool
is_user_name(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!(s.p[i] >= 'a' && s.p[i] <= 'z') && s.p[i] != '_' &&
            !(i > 0 && (is_digit(s.p[i]) || s.p[i] == '-')))
            return false;
    return s.len > 0 && s.len <= USER_NAME_MAX_LEN;
}

static void
set_user(struct parser *ps, enum config_key key, struct slice value)
{
    if (!is_user_name(value))
        wrong(ps, key, value, "name of a user", "give a name as in /etc/passwd, no number");
    else
        ps->c->user = copy(ps, value);
}

static void
set_seccomp(struct parser *ps, enum config_key key, struct slice value)
{
    if (config_slice_is(value, "on"))
        ps->c->seccomp = CONFIG_SECCOMP_ON;
    else if (config_slice_is(value, "log"))
        ps->c->seccomp = CONFIG_SECCOMP_LOG;
    else if (config_slice_is(value, "off"))
        ps->c->seccomp = CONFIG_SECCOMP_OFF;
    else
        wrong(ps, key, value, "way to filter system calls", "write on, log or off");
}

static void
set_eal_args(struct parser *ps, enum config_key key, struct slice value)
{
    (void)key;
    ps->c->eal_args = copy(ps, value);
}

static void
set_log_level(struct parser *ps, enum config_key key, struct slice value)
{
    static const char *const names[] = {[LOG_LEVEL_ERROR] = "error",
                                        [LOG_LEVEL_WARNING] = "warning",
                                        [LOG_LEVEL_INFO] = "info",
                                        [LOG_LEVEL_DEBUG] = "debug"};

    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (config_slice_is(value, names[i])) {
            ps->c->log_level = (enum log_level)i;
            return;
        }
    }
    wrong(ps, key, value, "level", "write error, warning, info or debug");
}

static void
set_key_log(struct parser *ps, enum config_key key, struct slice value)
{
    if (config_slice_is(value, "off"))
        return;
    if (value.p[0] != '/')
        wrong(ps, key, value, "absolute path", "write off, or a path that begins with /");
    else
        ps->c->key_log = copy(ps, value);
}

static void
set_telemetry(struct parser *ps, enum config_key key, struct slice value)
{
    set_switch(ps, key, value, &ps->c->telemetry);
}

/* --- [Port] --- */

/* tap, tap0, tap1, ... with what follows a comma: DPDK's names begin otherwise. */
static bool
is_tap(struct slice device)
{
    size_t n = name_len(device);

    if (n < 3 || memcmp(device.p, "tap", 3) != 0)
        return false;
    for (size_t i = 3; i < n; i++)
        if (device.p[i] < '0' || device.p[i] > '9')
            return false;
    return true;
}

/* The kernel's end has the device's name unless iface= gives it another. */
static bool
set_tap(struct parser *ps, enum config_key key, struct slice value)
{
    static const char option[] = ",iface=";
    struct slice name = {value.p, name_len(value)};
    size_t skip = name.len + sizeof(option) - 1;

    if (value.len > name.len) {
        if (value.len <= skip || memcmp(value.p + name.len, option, sizeof(option) - 1) != 0) {
            wrong(ps, key, value, "tap", "its one option is iface=NAME, as in tap0,iface=wgout0");
            return false;
        }
        name = (struct slice){value.p + skip, value.len - skip};
    }
    if (name.len > CONFIG_IFNAME_MAX || memchr(name.p, '/', name.len) != NULL ||
        memchr(name.p, ',', name.len) != NULL || memchr(name.p, '%', name.len) != NULL) {
        wrong(ps, key, name, "name for an interface", "give at most 15 characters, without / , %");
        return false;
    }
    ps->port->tap = copy(ps, name);
    return true;
}

static void
set_device(struct parser *ps, enum config_key key, struct slice value)
{
    if (memchr(value.p, ' ', value.len) != NULL || memchr(value.p, '\t', value.len) != NULL) {
        wrong(ps, key, value, "device",
              "give one word, such as tap0,iface=wgout0 or a PCI address like 0000:03:00.0");
        return;
    }
    if (is_tap(value) && !set_tap(ps, key, value))
        return;
    ps->port->device = copy(ps, value);
}

static void
set_port_address(struct parser *ps, enum config_key key, struct slice value)
{
    struct slice item;

    while (next_item(ps, key, &value, &item))
        add_address(ps, key, item, &ps->port->addresses, &ps->port->n_addresses);
}

static void
set_gateway(struct parser *ps, enum config_key key, struct slice value)
{
    struct ip_addr a, *gateway;
    struct slice item;

    while (next_item(ps, key, &value, &item)) {
        if (!parse_addr(item, &a) || !config_is_host(&a)) {
            wrong(ps, key, item, "address of a gateway",
                  "give a router's address without a prefix length");
            continue;
        }
        gateway = a.family == IP_V4 ? &ps->port->gateway_v4 : &ps->port->gateway_v6;
        if (gateway->family != IP_NONE)
            complain(ps, key, item, "is a second gateway of its family; keep one");
        else
            *gateway = a;
    }
}

static void
set_port_mtu(struct parser *ps, enum config_key key, struct slice value)
{
    uint32_t mtu;

    if (set_mtu_value(ps, key, value, &mtu))
        ps->port->mtu = (uint16_t)mtu;
}

static void
set_vlan(struct parser *ps, enum config_key key, struct slice value)
{
    uint64_t v;

    if (set_number(ps, key, value, VLAN_MIN, VLAN_MAX, &v))
        ps->port->vlan = (uint16_t)v;
}

static void
set_reassemble(struct parser *ps, enum config_key key, struct slice value)
{
    bool on;

    if (set_switch(ps, key, value, &on))
        ps->port->no_reassembly = !on;
}

/* "PREFIX via GATEWAY". */
static bool
parse_route(struct slice s, struct config_route *r)
{
    static const char via[] = " via ";
    const char *at = memmem(s.p, s.len, via, sizeof(via) - 1);
    struct slice to = s, gateway;

    if (at == NULL)
        return false;
    to.len = (size_t)(at - s.p);
    gateway.p = at + sizeof(via) - 1;
    gateway.len = s.len - to.len - (sizeof(via) - 1);
    return parse_prefix(config_trim(to), &r->to) && parse_addr(config_trim(gateway), &r->via) &&
           r->to.addr.family == r->via.family && config_is_host(&r->via);
}

static void
set_route(struct parser *ps, enum config_key key, struct slice value)
{
    struct config_port *port = ps->port;
    struct config_route r;
    struct slice item;

    while (next_item(ps, key, &value, &item)) {
        if (!parse_route(item, &r)) {
            wrong(ps, key, item, "route", "write it like 198.51.100.0/24 via 192.0.2.9");
            continue;
        }
        ip_prefix_mask(&r.to);
        if (grow(ps, (void **)&port->routes, port->n_routes, sizeof(r)))
            port->routes[port->n_routes++] = r;
    }
}

/* --- [Peer] --- */

static void
set_public_key(struct parser *ps, enum config_key key, struct slice value)
{
    ps->peer->has_public_key = set_nonzero_key(ps, key, value, ps->peer->public_key);
}

static void
set_preshared_key(struct parser *ps, enum config_key key, struct slice value)
{
    uint8_t *psk = vault_alloc(CONFIG_KEY_LEN);

    if (psk == NULL)
        config_error(ps, "out of memory");
    else
        set_key(ps, key, value, psk);
    ps->peer->preshared_key = psk;
}

static void
set_allowed_ips(struct parser *ps, enum config_key key, struct slice value)
{
    struct config_peer *peer = ps->peer;
    struct slice item;
    struct ip_prefix p;

    while (next_item(ps, key, &value, &item)) {
        if (!parse_prefix(item, &p)) {
            wrong(ps, key, item, "IP prefix", "write it like 192.0.2.0/24 or 2001:db8::/32");
            continue;
        }
        ip_prefix_mask(&p);
        if (grow(ps, (void **)&peer->allowed_ips, peer->n_allowed_ips, sizeof(p)))
            peer->allowed_ips[peer->n_allowed_ips++] = p;
    }
}

static const char endpoint_form[] = "write host:port, 192.0.2.1:51820 or [2001:db8::1]:51820";

/* Split at the port's colon. */
static bool
split_endpoint(struct slice value, struct slice *host, struct slice *port)
{
    const char *colon = memrchr(value.p, ':', value.len);

    if (colon == NULL || value.p[value.len - 1] == ']')
        return false;
    *host = (struct slice){value.p, (size_t)(colon - value.p)};
    *port = (struct slice){colon + 1, value.len - host->len - 1};
    return true;
}

/* What is wrong with the host, or NULL; takes brackets off. */
static const char *
check_host(struct slice *host)
{
    struct ip_addr a;

    if (host->len >= 2 && host->p[0] == '[' && host->p[host->len - 1] == ']') {
        *host = (struct slice){host->p + 1, host->len - 2};
        if (memchr(host->p, '%', host->len) != NULL)
            return "zones are not supported, give an address without %";
        if (!parse_addr(*host, &a) || a.family != IP_V6)
            return "what is in brackets must be an IPv6 address";
    } else if (memchr(host->p, ':', host->len) != NULL && memchr(host->p, '/', host->len) == NULL) {
        return "an IPv6 address needs brackets, [2001:db8::1]:51820";
    } else if (is_numeric_host(*host) ? !parse_addr(*host, &a) : !is_host_name(*host)) {
        return endpoint_form;
    }
    if (parse_addr(*host, &a) && !config_is_host(&a))
        return "give a unicast address";
    return NULL;
}

/* In [Interface], and written like an endpoint, but of an address: nothing is looked up. */
static void
set_metrics(struct parser *ps, enum config_key key, struct slice value)
{
    struct ip_endpoint *at = &ps->c->metrics;
    struct slice host, port;
    uint64_t number;

    if (config_slice_is(value, "off"))
        return;
    if (!split_endpoint(value, &host, &port) || !parse_decimal(port, UINT16_MAX, &number) ||
        number == 0)
        goto wrong;
    if (host.len >= 2 && host.p[0] == '[' && host.p[host.len - 1] == ']') {
        if (!parse_addr((struct slice){host.p + 1, host.len - 2}, &at->addr) ||
            at->addr.family != IP_V6)
            goto wrong;
    } else if (!parse_addr(host, &at->addr) || at->addr.family != IP_V4) {
        goto wrong;
    }
    at->port = (uint16_t)number;
    return;
wrong:
    at->addr.family = IP_NONE;
    wrong(ps, key, value, "address and port to serve metrics at",
          "write off, 127.0.0.1:9586 or [::1]:9586");
}

static void
set_endpoint(struct parser *ps, enum config_key key, struct slice value)
{
    struct slice host, port;
    const char *complaint;
    uint64_t number;

    if (!split_endpoint(value, &host, &port)) {
        wrong(ps, key, value, "endpoint", endpoint_form);
        return;
    }
    complaint = check_host(&host);
    if (complaint == NULL && (!parse_decimal(port, UINT16_MAX, &number) || number == 0))
        complaint = "the port must be 1 to 65535 in digits";
    if (complaint != NULL) {
        wrong(ps, key, value, "endpoint", complaint);
        return;
    }
    ps->peer->endpoint.host = copy(ps, host);
    ps->peer->endpoint.port = (uint16_t)number;
    ps->peer->endpoint.line = ps->line;
}

static void
set_persistent_keepalive(struct parser *ps, enum config_key key, struct slice value)
{
    uint64_t v = 0;

    if (config_slice_is(value, "off") || parse_decimal(value, UINT16_MAX, &v))
        ps->peer->persistent_keepalive = (uint16_t)v;
    else
        wrong(ps, key, value, "keepalive interval", "write off or 0 to 65535 seconds");
}

static void
set_peer_transport(struct parser *ps, enum config_key key, struct slice value)
{
    ps->peer->has_transport = set_transport_value(ps, key, value, &ps->peer->transport);
}

static void
set_peer_congestion(struct parser *ps, enum config_key key, struct slice value)
{
    ps->peer->has_congestion = set_congestion_value(ps, key, value, &ps->peer->congestion);
}

static void
set_peer_tcp_knock(struct parser *ps, enum config_key key, struct slice value)
{
    ps->peer->has_tcp_knock = set_switch(ps, key, value, &ps->peer->tcp_knock);
}

/* --- the table of keys --- */

static const struct {
    const char *name;
    enum config_section section;
    void (*set)(struct parser *ps, enum config_key key, struct slice value);
} keys[KEY_COUNT] = {
#define CONFIG_KEY_ROW(in, text, setter) {#text, SECTION_##in, set_##setter},
    CONFIG_KEY_LIST(CONFIG_KEY_ROW)
#undef CONFIG_KEY_ROW
};

void
config_set(struct parser *ps, enum config_key key, struct slice value)
{
    keys[key].set(ps, key, value);
}

/* What `wg` may set is the device's, and keys of peers are, too. */
static struct config_strings *
lines_for(struct parser *ps, enum config_key key)
{
    if (key == KEY_INTERFACE_PrivateKey || key == KEY_INTERFACE_ListenPort ||
        key == KEY_INTERFACE_FwMark)
        return NULL;
    if (keys[key].section == SECTION_INTERFACE)
        return &ps->c->lines;
    return keys[key].section == SECTION_PORT ? &ps->port->lines : NULL;
}

void
config_keep(struct parser *ps, enum config_key key, struct slice value)
{
    struct config_strings *lines = lines_for(ps, key);
    char *line;

    if (lines == NULL)
        return;
    if (asprintf(&line, "%s = %.*s", keys[key].name, (int)value.len, value.p) < 0)
        config_error(ps, "out of memory");
    else if (grow(ps, (void **)&lines->items, lines->n, sizeof(char *)))
        lines->items[lines->n++] = line;
    else
        free(line);
}

const char *
config_key_name(enum config_key key)
{
    return keys[key].name;
}

enum config_section
config_key_section(enum config_key key)
{
    return keys[key].section;
}

bool
config_key_is_hook(enum config_key key)
{
    return key >= KEY_INTERFACE_PreUp && key <= KEY_INTERFACE_PostDown;
}

bool
config_key_repeats(enum config_key key)
{
    return config_key_is_hook(key) || key == KEY_INTERFACE_Address || key == KEY_INTERFACE_DNS ||
           key == KEY_PORT_Address || key == KEY_PORT_Route || key == KEY_PEER_AllowedIPs;
}
