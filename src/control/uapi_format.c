/* SPDX-License-Identifier: BSD-3-Clause */
/* Replies: a snapshot as text. What is not WireGuard's stands behind a peer's other lines, under
 * keys that `wg` does not know and passes over. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <wgtcpd/control/snapshot.h>
#include <wgtcpd/control/uapi.h>
#include <wgtcpd/vault/vault.h>

enum { FIRST_ROOM = 4096, KEY_TEXT_SIZE = 2 * CONFIG_KEY_LEN + 1 };

/* --- text --- */

void
uapi_text_clear(struct uapi_text *t)
{
    vault_free(t->data, t->room);
    *t = (struct uapi_text){0};
}

void
uapi_text_rewind(struct uapi_text *t)
{
    if (t->data != NULL)
        explicit_bzero(t->data, t->len);
    t->len = 0;
}

/* Room for n more bytes. Not by realloc, which would leave keys behind. */
static bool
reserve(struct uapi_text *t, size_t n)
{
    size_t room = t->room != 0 ? t->room : FIRST_ROOM;
    char *data;

    while (room - t->len < n)
        room *= 2;
    if (room == t->room || t->failed)
        return !t->failed;
    data = vault_alloc(room);
    if (data == NULL) {
        t->failed = true;
        return false;
    }
    if (t->data != NULL) {
        memcpy(data, t->data, t->len);
        vault_free(t->data, t->room);
    }
    t->data = data;
    t->room = room;
    return true;
}

static void __attribute__((format(printf, 2, 3))) add(struct uapi_text *t, const char *format, ...)
{
    va_list args;
    int n;

    for (int attempt = 0; attempt < 2; attempt++) {
        va_start(args, format);
        n = vsnprintf(t->data != NULL ? t->data + t->len : NULL, t->room - t->len, format, args);
        va_end(args);
        if (n < 0 || t->failed || (size_t)n < t->room - t->len)
            break;
        if (!reserve(t, (size_t)n + 1))
            return;
    }
    if (n > 0 && !t->failed)
        t->len += (size_t)n;
}

/* Straight into the text: no copy of a key is left on the stack. */
static void
add_key(struct uapi_text *t, const char *name, const uint8_t key[CONFIG_KEY_LEN])
{
    add(t, "%s=", name);
    if (!reserve(t, KEY_TEXT_SIZE))
        return;
    config_key_format_hex(t->data + t->len, key);
    t->data[t->len + KEY_TEXT_SIZE - 1] = '\n';
    t->len += KEY_TEXT_SIZE;
}

static void
add_number(struct uapi_text *t, const char *name, uint64_t v)
{
    add(t, "%s=%" PRIu64 "\n", name, v);
}

static void
add_bool(struct uapi_text *t, const char *name, bool v)
{
    add(t, "%s=%s\n", name, v ? "true" : "false");
}

static void
add_usec(struct uapi_text *t, const char *name, wgt_time v)
{
    add_number(t, name, v / WGT_USEC);
}

static void
add_endpoint(struct uapi_text *t, const char *name, const struct ip_endpoint *e)
{
    char text[IP_TEXT_MAX];

    if (e->addr.family != IP_NONE)
        add(t, "%s=%s\n", name, ip_endpoint_format(text, e));
}

/* --- a peer --- */

static bool
add_allowed_ip(void *ctx, const struct ip_prefix *p, void *value)
{
    struct uapi_text *t = ctx;
    char text[IP_TEXT_MAX];

    (void)value;
    add(t, "allowed_ip=%s\n", ip_prefix_format(text, p));
    return !t->failed;
}

static void
add_connection(struct uapi_text *t, const struct snapshot_connection *c)
{
    const struct tcp_info *i = &c->info;

    add(t, "tcp_state=%s\n", tcp_state_name(i->state));
    add_bool(t, "tcp_dialled", c->dialled);
    add_endpoint(t, "tcp_local", &c->local);
    add(t, "tcp_congestion_control=%s\n", i->cc);
    add_usec(t, "tcp_rtt_usec", i->srtt);
    add_usec(t, "tcp_rttvar_usec", i->rttvar);
    if (i->min_rtt != WGT_NEVER)
        add_usec(t, "tcp_min_rtt_usec", i->min_rtt);
    add_usec(t, "tcp_rto_usec", i->rto);
    add_number(t, "tcp_cwnd_bytes", i->cwnd);
    add_number(t, "tcp_mss", i->mss);
    add_number(t, "tcp_in_flight_bytes", i->flight);
    add_number(t, "tcp_unsent_bytes", i->unsent);
    add_number(t, "tcp_delivery_rate", i->delivery_rate);
    add_number(t, "tcp_retransmitted", i->segments_retransmitted);
    add_number(t, "tcp_timeouts", i->timeouts);
    add_number(t, "tcp_delivered_early", c->early_delivered);
}

static void
add_ours(struct uapi_text *t, const struct snapshot_peer *p)
{
    static const char *const congestion[] = {
        [CONFIG_BBR] = "bbr", [CONFIG_CUBIC] = "cubic", [CONFIG_NONE] = "none"};

    add(t, "transport=%s\n", p->device->transport == CONFIG_TCP ? "tcp" : "udp");
    add(t, "congestion_control=%s\n", congestion[p->device->congestion]);
    add_bool(t, "tcp_knock", p->device->knock);
    if (p->path != TRANSPORT_NONE)
        add(t, "path=%s\n", transport_kind_name(p->path));
    add_number(t, "waiting_packets", p->waiting);
    add_number(t, "waiting_bytes", p->waiting_bytes);
    add_usec(t, "queue_delay_usec", p->queue_delay);
    add_number(t, "dials", p->dials);
    add_number(t, "dial_failures", p->dial_failures);
    if (p->connected)
        add_connection(t, &p->connection);
}

static void
add_peer(struct uapi_text *t, const struct snapshot_peer *p, const struct allowedips *allowed_ips)
{
    add_key(t, "public_key", p->public_key);
    add_key(t, "preshared_key", device_psk(p->device));
    add(t, "protocol_version=1\n");
    add_endpoint(t, "endpoint", &p->endpoint);
    add_number(t, "last_handshake_time_sec", p->handshaken ? p->handshake_seconds : 0);
    add_number(t, "last_handshake_time_nsec", p->handshaken ? p->handshake_nanoseconds : 0);
    add_number(t, "tx_bytes", p->stats.tx_bytes);
    add_number(t, "rx_bytes", p->stats.rx_bytes);
    add_number(t, "persistent_keepalive_interval", p->device->keepalive);
    allowedips_walk_value(allowed_ips, p->device->tunnel, add_allowed_ip, t);
    add_ours(t, p);
}

/* --- replies --- */

void
uapi_format_device(struct uapi_text *t, const struct snapshot *s, const uint8_t *private_key)
{
    if (private_key != NULL)
        add_key(t, "private_key", private_key);
    if (s->listen_port != 0)
        add_number(t, "listen_port", s->listen_port);
    if (s->fwmark != 0)
        add_number(t, "fwmark", s->fwmark);
}

void
uapi_format_peers(struct uapi_text *t, const struct snapshot *s,
                  const struct allowedips *allowed_ips)
{
    for (size_t i = 0; i < s->n_peers; i++)
        add_peer(t, &s->peers[i], allowed_ips);
}

void
uapi_format_end(struct uapi_text *t, enum uapi_parsed operation, int error)
{
    /* `wg` takes the number of a set operation's errno negative only, a get operation's only as
     * digits. */
    add(t, "errno=%d\n\n", operation == UAPI_GET ? abs(error) : error);
}
