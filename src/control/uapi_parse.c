/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests: lines into a change. Which errors there are, and when, is as in wireguard-go. */
#include <errno.h>
#include <stdlib.h>

#include <wgtcpd/control/uapi.h>

enum {
    LINE_TOO_LONG = UAPI_LINE_MAX + 1, /* then, too, so many bytes of it may be in the buffer */
    SCOPE_MAX = 32,
};

/* --- values --- */

static int
parse_key(uint8_t key[CONFIG_KEY_LEN], const char *text)
{
    return config_key_parse_hex(key, text) ? 0 : -EINVAL;
}

static int
parse_number(uint32_t *v, const char *text, uint32_t max)
{
    uint64_t sum = 0;

    if (*text == '\0')
        return -EINVAL;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return -EINVAL;
        sum = sum * 10 + (uint64_t)(*text - '0');
        if (sum > max)
            return -EINVAL;
    }
    *v = (uint32_t)sum;
    return 0;
}

static int
parse_port(uint16_t *port, const char *text)
{
    uint32_t v;

    if (parse_number(&v, text, UINT16_MAX) != 0)
        return -EINVAL;
    *port = (uint16_t)v;
    return 0;
}

/* Flags can only be set. */
static int
parse_true(bool *flag, const char *text)
{
    if (strcmp(text, "true") != 0)
        return -EINVAL;
    *flag = true;
    return 0;
}

static int
parse_bool(bool *flag, const char *text)
{
    *flag = strcmp(text, "true") == 0;
    return *flag || strcmp(text, "false") == 0 ? 0 : -EINVAL;
}

/* One of n names: its number, or -EINVAL. */
static int
parse_name(const char *text, const char *const *names, int n)
{
    for (int i = 0; i < n; i++)
        if (strcmp(text, names[i]) == 0)
            return i;
    return -EINVAL;
}

/* "192.0.2.1", or "[2001:db8::1]" with or without a scope: which says nothing to us, whose ports
 * are not the kernel's interfaces. Cuts the text up. */
static int
parse_host(struct ip_addr *a, char *text)
{
    size_t len = strlen(text);
    bool v6 = text[0] == '[';
    char *scope;

    if (v6) {
        if (text[len - 1] != ']')
            return -EINVAL;
        text[len - 1] = '\0';
        text++;
        scope = strchr(text, '%');
        if (scope != NULL && (scope[1] == '\0' || strlen(scope) > SCOPE_MAX))
            return -EINVAL;
        if (scope != NULL)
            *scope = '\0';
    }
    return ip_addr_parse(a, text) && a->family == (v6 ? IP_V6 : IP_V4) ? 0 : -EINVAL;
}

static int
parse_endpoint(struct ip_endpoint *e, const char *text)
{
    char host[IP_TEXT_MAX + SCOPE_MAX];
    const char *colon = strrchr(text, ':');
    struct ip_endpoint parsed;
    size_t len;

    if (colon == NULL || colon == text || (size_t)(colon - text) >= sizeof(host))
        return -EINVAL;
    len = (size_t)(colon - text);
    memcpy(host, text, len);
    host[len] = '\0';
    if (parse_port(&parsed.port, colon + 1) != 0 || parsed.port == 0 ||
        parse_host(&parsed.addr, host) != 0)
        return -EINVAL;
    *e = parsed;
    return 0;
}

/* --- keys of the device --- */

static int
take_private_key(struct uapi_parser *p, const char *value)
{
    p->change.has_private_key = true;
    return parse_key(p->change.private_key, value);
}

static int
take_listen_port(struct uapi_parser *p, const char *value)
{
    p->change.has_listen_port = true;
    return parse_port(&p->change.listen_port, value);
}

static int
take_fwmark(struct uapi_parser *p, const char *value)
{
    p->change.has_fwmark = true;
    return parse_number(&p->change.fwmark, value, UINT32_MAX);
}

static int
take_replace_peers(struct uapi_parser *p, const char *value)
{
    return parse_true(&p->change.replace_peers, value);
}

static int
begin_peer(struct uapi_parser *p, const uint8_t key[CONFIG_KEY_LEN])
{
    p->peer = change_add_peer(&p->change, key);
    p->stage = UAPI_IN_PEER;
    return p->peer != NULL ? 0 : -ENOMEM;
}

static int
take_public_key(struct uapi_parser *p, const char *value)
{
    uint8_t key[CONFIG_KEY_LEN];
    int rc = parse_key(key, value);

    return rc == 0 ? begin_peer(p, key) : rc;
}

/* --- keys of a peer --- */

static int
take_remove(struct uapi_parser *p, const char *value)
{
    return parse_true(&p->peer->remove, value);
}

static int
take_update_only(struct uapi_parser *p, const char *value)
{
    return parse_true(&p->peer->update_only, value);
}

static int
take_preshared_key(struct uapi_parser *p, const char *value)
{
    p->peer->has_psk = true;
    return parse_key(p->peer->psk, value);
}

static int
take_endpoint(struct uapi_parser *p, const char *value)
{
    p->peer->has_endpoint = true;
    return parse_endpoint(&p->peer->endpoint, value);
}

static int
take_keepalive(struct uapi_parser *p, const char *value)
{
    p->peer->has_keepalive = true;
    return parse_port(&p->peer->keepalive, value); /* the same range */
}

/* It comes first in a change of a peer; when it comes late, it begins a second change of the same.
 */
static int
take_replace_allowed_ips(struct uapi_parser *p, const char *value)
{
    const struct change_peer *before = p->peer;
    bool yes;
    int rc = parse_true(&yes, value);

    if (rc == 0 && before->n_allowed_ips > 0) {
        rc = begin_peer(p, before->public_key);
        if (rc == 0) {
            p->peer->remove = before->remove;
            p->peer->update_only = before->update_only;
        }
    }
    if (rc == 0)
        p->peer->replace_allowed_ips = true;
    return rc;
}

static int
take_allowed_ip(struct uapi_parser *p, const char *value)
{
    bool remove = value[0] == '-';
    struct ip_prefix prefix;

    if (remove)
        value++;
    if (strchr(value, '/') == NULL || !ip_prefix_parse(&prefix, value))
        return -EINVAL;
    ip_prefix_mask(&prefix);
    return change_add_prefix(p->peer, &prefix, remove) ? 0 : -ENOMEM;
}

static int
take_protocol_version(struct uapi_parser *p, const char *value)
{
    (void)p;
    return strcmp(value, "1") == 0 ? 0 : -EINVAL;
}

static int
take_transport(struct uapi_parser *p, const char *value)
{
    static const char *const names[] = {[CONFIG_UDP] = "udp", [CONFIG_TCP] = "tcp"};
    int i = parse_name(value, names, 2);

    if (i < 0)
        return i;
    p->peer->has_transport = true;
    p->peer->transport = (enum config_transport)i;
    return 0;
}

static int
take_congestion_control(struct uapi_parser *p, const char *value)
{
    static const char *const names[] = {
        [CONFIG_BBR] = "bbr", [CONFIG_CUBIC] = "cubic", [CONFIG_NONE] = "none"};
    int i = parse_name(value, names, 3);

    if (i < 0)
        return i;
    p->peer->has_congestion = true;
    p->peer->congestion = (enum config_congestion)i;
    return 0;
}

static int
take_tcp_knock(struct uapi_parser *p, const char *value)
{
    p->peer->has_knock = true;
    return parse_bool(&p->peer->knock, value);
}

/* --- lines --- */

struct uapi_key {
    const char *name;
    int (*take)(struct uapi_parser *p, const char *value); /* 0 or -errno */
};

static const struct uapi_key device_keys[] = {
    {"private_key", take_private_key}, {"listen_port", take_listen_port},
    {"fwmark", take_fwmark},           {"replace_peers", take_replace_peers},
    {"public_key", take_public_key},   {NULL, NULL},
};

static const struct uapi_key peer_keys[] = {
    {"allowed_ip", take_allowed_ip}, /* the most frequent one */
    {"public_key", take_public_key},
    {"remove", take_remove},
    {"update_only", take_update_only},
    {"preshared_key", take_preshared_key},
    {"endpoint", take_endpoint},
    {"persistent_keepalive_interval", take_keepalive},
    {"replace_allowed_ips", take_replace_allowed_ips},
    {"protocol_version", take_protocol_version},
    {"transport", take_transport},
    {"congestion_control", take_congestion_control},
    {"tcp_knock", take_tcp_knock},
    {NULL, NULL},
};

static int
take_key(struct uapi_parser *p)
{
    const struct uapi_key *key = p->stage == UAPI_IN_PEER ? peer_keys : device_keys;
    char *equals = strchr(p->line, '=');

    if (strlen(p->line) != p->line_len)
        return -EINVAL;
    if (equals == NULL)
        return -EPROTO;
    *equals = '\0';
    while (key->name != NULL && strcmp(key->name, p->line) != 0)
        key++;
    return key->name != NULL ? key->take(p, equals + 1) : -EINVAL;
}

static void
start_over(struct uapi_parser *p)
{
    change_free(&p->change);
    change_init(&p->change);
    p->peer = NULL;
}

static enum uapi_parsed
take_first_line(struct uapi_parser *p)
{
    bool known = p->line_len == strlen("get=1");

    if (known && memcmp(p->line, "get=1", p->line_len) == 0)
        p->operation = UAPI_GET;
    else if (known && memcmp(p->line, "set=1", p->line_len) == 0)
        p->operation = UAPI_SET;
    else
        return UAPI_BROKEN;
    p->stage = p->operation == UAPI_GET ? UAPI_IN_GET : UAPI_IN_DEVICE;
    return UAPI_MORE;
}

static int
line_error(struct uapi_parser *p)
{
    if (p->line_len == LINE_TOO_LONG || p->stage == UAPI_IN_GET)
        return -EINVAL;
    return take_key(p);
}

static enum uapi_parsed
take_line(struct uapi_parser *p)
{
    if (p->line_len <= UAPI_LINE_MAX)
        p->line[p->line_len] = '\0';
    if (p->stage == UAPI_FIRST_LINE)
        return take_first_line(p);
    if (p->line_len == 0) {
        p->stage = UAPI_ENDED;
        return p->operation;
    }
    if (p->error == 0) {
        p->error = line_error(p);
        if (p->error != 0)
            start_over(p); /* secrets of an operation that will not be are wiped at once */
    }
    return UAPI_MORE;
}

/* Takes bytes into the line; what is too much for one is not kept. */
static void
append(struct uapi_parser *p, const char *data, size_t len)
{
    if (p->line_len == LINE_TOO_LONG || len > UAPI_LINE_MAX - p->line_len) {
        p->line_len = LINE_TOO_LONG;
        return;
    }
    memcpy(p->line + p->line_len, data, len);
    p->line_len += len;
}

void
uapi_parser_init(struct uapi_parser *p)
{
    memset(p, 0, sizeof(*p));
    change_init(&p->change);
}

void
uapi_parser_fini(struct uapi_parser *p)
{
    change_free(&p->change);
    explicit_bzero(p, sizeof(*p));
}

enum uapi_parsed
uapi_parse(struct uapi_parser *p, const char *data, size_t len, size_t *used)
{
    enum uapi_parsed parsed = UAPI_MORE;
    size_t at = 0;

    if (p->stage == UAPI_ENDED) {
        start_over(p);
        p->stage = UAPI_FIRST_LINE;
        p->error = 0;
    }
    while (at < len && parsed == UAPI_MORE) {
        const char *newline = memchr(data + at, '\n', len - at);
        size_t n = newline != NULL ? (size_t)(newline - data) - at : len - at;

        append(p, data + at, n);
        at += n;
        if (newline == NULL)
            break;
        at++;
        parsed = take_line(p);
        explicit_bzero(p->line, p->line_len);
        p->line_len = 0;
    }
    *used = at;
    return parsed;
}

bool
uapi_parser_midway(const struct uapi_parser *p)
{
    return p->stage != UAPI_ENDED && (p->stage != UAPI_FIRST_LINE || p->line_len > 0);
}
