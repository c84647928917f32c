/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/control/save.h>

#include <inttypes.h>
#include <stdio.h>

enum { PREFIXES_PER_LINE = 32 }; /* the parser takes lines of 4096 bytes */

static void
put_key(FILE *to, const char *name, const uint8_t key[CONFIG_KEY_LEN])
{
    char text[45];

    config_key_format(text, key);
    fprintf(to, "%s = %s\n", name, text);
    explicit_bzero(text, sizeof(text));
}

static void
put_lines(FILE *to, const struct config_strings *lines)
{
    for (size_t i = 0; i < lines->n; i++)
        fprintf(to, "%s\n", lines->items[i]);
}

static void
put_interface(FILE *to, const struct config *c, const struct device *d)
{
    fputs("[Interface]\n", to);
    put_key(to, "PrivateKey", d->handshaker->local.private_key);
    if (d->listen_port != 0)
        fprintf(to, "ListenPort = %u\n", d->listen_port);
    if (d->fwmark != 0)
        fprintf(to, "FwMark = 0x%" PRIx32 "\n", d->fwmark);
    put_lines(to, &c->lines);
}

struct prefix_line {
    FILE *to;
    unsigned n;
};

static bool
put_prefix(void *ctx, const struct ip_prefix *p, void *value)
{
    struct prefix_line *line = ctx;
    char text[IP_TEXT_MAX];

    (void)value;
    if (line->n % PREFIXES_PER_LINE == 0)
        fputs(line->n == 0 ? "AllowedIPs = " : "\nAllowedIPs = ", line->to);
    else
        fputs(", ", line->to);
    fputs(ip_prefix_format(text, p), line->to);
    line->n++;
    return true;
}

static void
put_allowed_ips(FILE *to, const struct device *d, const struct device_peer *p)
{
    struct prefix_line line = {.to = to};

    allowedips_walk_value(d->allowed_ips, p->tunnel, put_prefix, &line);
    if (line.n > 0)
        fputc('\n', to);
}

static void
put_endpoint(FILE *to, const struct device_peer *p)
{
    char text[IP_TEXT_MAX];

    if (device_host(p) != NULL)
        fprintf(to, "Endpoint = %s:%u\n", device_host(p), p->endpoint.port);
    else if (p->endpoint.addr.family != IP_NONE)
        fprintf(to, "Endpoint = %s\n", ip_endpoint_format(text, &p->endpoint));
}

static bool
is_zero(const uint8_t key[CONFIG_KEY_LEN])
{
    uint8_t bits = 0;

    for (unsigned i = 0; i < CONFIG_KEY_LEN; i++)
        bits |= key[i];
    return bits == 0;
}

/* Keys that say what the interface says are left out. */
static void
put_own_keys(FILE *to, const struct config *c, const struct device_peer *p)
{
    static const char *const transports[] = {[CONFIG_UDP] = "udp", [CONFIG_TCP] = "tcp"};
    static const char *const congestions[] = {
        [CONFIG_BBR] = "bbr", [CONFIG_CUBIC] = "cubic", [CONFIG_NONE] = "none"};

    if (p->transport != c->transport)
        fprintf(to, "Transport = %s\n", transports[p->transport]);
    if (p->congestion != c->congestion)
        fprintf(to, "CongestionControl = %s\n", congestions[p->congestion]);
    if (p->knock != c->tcp_knock)
        fprintf(to, "TcpKnock = %s\n", p->knock ? "on" : "off");
}

static void
put_peer(FILE *to, const struct config *c, const struct device *d, const struct device_peer *p)
{
    fputs("\n[Peer]\n", to);
    put_key(to, "PublicKey", p->tunnel->public_key);
    if (!is_zero(device_psk(p)))
        put_key(to, "PresharedKey", device_psk(p));
    put_allowed_ips(to, d, p);
    put_endpoint(to, p);
    if (p->keepalive != 0)
        fprintf(to, "PersistentKeepalive = %u\n", p->keepalive);
    put_own_keys(to, c, p);
}

static void
put_port(FILE *to, const struct config_port *port)
{
    fputs("\n[Port]\n", to);
    put_lines(to, &port->lines);
}

void
save_format(const struct config *c, const struct device *d, FILE *to)
{
    const struct device_peer *p;

    put_interface(to, c, d);
    if (c->inner_port != NULL)
        put_port(to, c->inner_port);
    for (const struct config_port *port = c->ports; port != NULL; port = port->next)
        put_port(to, port);
    TAILQ_FOREACH(p, &d->peers, link)
    put_peer(to, c, d, p);
}
