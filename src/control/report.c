/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/control/report.h>

static const char *const peer_trouble_names[PEER_TROUBLE_COUNT] = {
    [PEER_TROUBLE_UNANSWERED] = "initiations_unanswered",
    [PEER_TROUBLE_UNCONFIRMED] = "responses_unconfirmed",
    [PEER_TROUBLE_GAVE_UP] = "handshakes_given_up",
    [PEER_TROUBLE_NO_ENDPOINT] = "packets_without_endpoint",
    [PEER_TROUBLE_SOURCE_DENIED] = "packets_source_denied",
    [PEER_TROUBLE_TOO_BIG] = "packets_too_big",
    [PEER_TROUBLE_UDP_REFUSED] = "udp_refused",
    [PEER_TROUBLE_UDP_UNREACHABLE] = "udp_unreachable",
    [PEER_TROUBLE_ENDPOINT_FLAP] = "endpoint_flaps",
    [PEER_TROUBLE_DIAL_REFUSED] = "dials_refused",
    [PEER_TROUBLE_DIAL_UNREACHABLE] = "dials_unreachable",
    [PEER_TROUBLE_DIAL_UNANSWERED] = "dials_unanswered",
    [PEER_TROUBLE_DIAL_RESET] = "dials_reset",
    [PEER_TROUBLE_DIAL_UNSENT] = "dials_unsent",
};

static const char *const handshake_trouble_names[HANDSHAKE_TROUBLE_COUNT] = {
    [HANDSHAKE_TROUBLE_RESPONSE_TAG] = "responses_not_decrypted",
    [HANDSHAKE_TROUBLE_INITIATION_REPLAY] = "initiations_replayed",
    [HANDSHAKE_TROUBLE_CLOCK_BACK] = "initiations_with_clock_back",
};

const char *
report_peer_trouble_name(enum peer_trouble which)
{
    return peer_trouble_names[which];
}

const char *
report_handshake_trouble_name(enum handshake_trouble which)
{
    return handshake_trouble_names[which];
}

/* --- values --- */

static void
put_count(json_t *o, const char *name, uint64_t value)
{
    json_object_set_new(o, name, json_integer((json_int_t)value));
}

static void
put_flag(json_t *o, const char *name, bool value)
{
    json_object_set_new(o, name, json_boolean(value));
}

static void
put_text(json_t *o, const char *name, const char *value)
{
    json_object_set_new(o, name, json_string(value));
}

static void
put_ms(json_t *o, const char *name, wgt_time value)
{
    uint64_t us = value / WGT_USEC;

    json_object_set_new(o, name, json_real((double)us / 1e3));
}

static void
put_key(json_t *o, const char *name, const uint8_t key[CONFIG_KEY_LEN])
{
    char text[45];

    config_key_format(text, key);
    put_text(o, name, text);
}

/* Absent when there is none. */
static void
put_endpoint(json_t *o, const char *name, const struct ip_endpoint *e)
{
    char text[IP_TEXT_MAX];

    if (e->addr.family != IP_NONE)
        put_text(o, name, ip_endpoint_format(text, e));
}

static void
put_addr(json_t *o, const char *name, const struct ip_addr *a)
{
    char text[IP_TEXT_MAX];

    put_text(o, name, ip_addr_format(text, a));
}

/* What happened so and so often, and how long ago last; absent when it never did. */
static json_t *
put_trouble(json_t *o, const char *name, const struct trouble *t, wgt_time now)
{
    json_t *item;

    if (t->n == 0)
        return NULL;
    item = json_object();
    put_count(item, "count", t->n);
    put_ms(item, "age_ms", now - t->last);
    json_object_set_new(o, name, item);
    return item;
}

/* --- peers --- */

static bool
add_prefix(void *ctx, const struct ip_prefix *p, void *value)
{
    char text[IP_TEXT_MAX];

    (void)value;
    json_array_append_new(ctx, json_string(ip_prefix_format(text, p)));
    return true;
}

static json_t *
connection(const struct snapshot_connection *c)
{
    const struct tcp_info *i = &c->info;
    json_t *o = json_object();

    put_text(o, "state", tcp_state_name(i->state));
    put_flag(o, "dialled", c->dialled);
    put_endpoint(o, "local", &c->local);
    put_text(o, "congestion_control", i->cc);
    put_text(o, "recovery", i->recovery);
    put_ms(o, "rtt_ms", i->srtt);
    put_ms(o, "rtt_variance_ms", i->rttvar);
    if (i->min_rtt != WGT_NEVER)
        put_ms(o, "min_rtt_ms", i->min_rtt);
    put_ms(o, "rto_ms", i->rto);
    put_count(o, "cwnd_bytes", i->cwnd);
    put_count(o, "ssthresh_bytes", i->ssthresh);
    put_count(o, "mss_bytes", i->mss);
    put_count(o, "in_flight_bytes", i->flight);
    put_count(o, "unsent_bytes", i->unsent);
    put_count(o, "send_window_bytes", i->snd_wnd);
    put_count(o, "receive_window_bytes", i->rcv_wnd);
    put_count(o, "pacing_rate_bytes_per_s", i->pacing_rate);
    put_count(o, "delivery_rate_bytes_per_s", i->delivery_rate);
    put_flag(o, "application_limited", i->app_limited);
    put_flag(o, "reordering_seen", i->reordering_seen);
    put_flag(o, "ecn", i->ecn);
    put_count(o, "acked_bytes", i->bytes_acked);
    put_count(o, "received_bytes", i->bytes_received);
    put_count(o, "lost_bytes", i->bytes_lost);
    put_count(o, "segments_retransmitted", i->segments_retransmitted);
    put_count(o, "timeouts", i->timeouts);
    put_count(o, "fast_retransmits", i->fast_retransmits);
    put_count(o, "loss_probes", i->loss_probes);
    put_count(o, "segments_sent_twice", i->copies);
    put_count(o, "retransmissions_undone", i->spurious);
    put_count(o, "icmp_errors", i->soft_errors);
    put_count(o, "early_delivered", c->early_delivered);
    put_flag(o, "recut", c->recut != 0);
    return o;
}

static json_t *
troubles(const struct snapshot_peer *p, wgt_time now)
{
    json_t *o = json_object(), *item;

    for (unsigned i = 0; i < PEER_TROUBLE_COUNT; i++) {
        item = put_trouble(o, peer_trouble_names[i], &p->trouble[i], now);
        if (item != NULL && i == PEER_TROUBLE_SOURCE_DENIED)
            put_addr(item, "source", &p->denied_source);
    }
    for (unsigned i = 0; i < HANDSHAKE_TROUBLE_COUNT; i++)
        put_trouble(o, handshake_trouble_names[i], &p->handshake_trouble[i], now);
    return o;
}

static void
put_settings(json_t *o, const struct device_peer *d)
{
    put_text(o, "configured_transport", d->transport == CONFIG_TCP ? "tcp" : "udp");
    put_endpoint(o, "configured_endpoint", &d->endpoint);
    if (device_host(d) != NULL)
        put_text(o, "endpoint_host", device_host(d));
    put_flag(o, "has_preshared_key", !noise_is_zero(device_psk(d), CONFIG_KEY_LEN));
    put_count(o, "persistent_keepalive_s", d->keepalive);
    put_flag(o, "tcp_knock", d->knock);
}

static json_t *
queue(const struct snapshot_peer *p)
{
    json_t *o = json_object();

    put_count(o, "packets", p->waiting);
    put_count(o, "bytes", p->waiting_bytes);
    put_ms(o, "delay_ms", p->queue_delay);
    return o;
}

static json_t *
peer(const struct snapshot *s, const struct snapshot_peer *p, const struct allowedips *allowed_ips)
{
    json_t *o = json_object(), *prefixes = json_array();

    put_key(o, "public_key", p->public_key);
    put_settings(o, p->device);
    put_text(o, "transport", transport_kind_name(p->path));
    put_endpoint(o, "endpoint", &p->endpoint);
    allowedips_walk_value(allowed_ips, p->device->tunnel, add_prefix, prefixes);
    json_object_set_new(o, "allowed_ips", prefixes);
    if (p->handshaken) {
        put_count(o, "latest_handshake_s", p->handshake_seconds);
        put_ms(o, "handshake_age_ms", p->handshake_age);
    }
    put_count(o, "handshakes", p->stats.handshakes);
    put_flag(o, "session", p->session);
    put_count(o, "received_bytes", p->stats.rx_bytes);
    put_count(o, "sent_bytes", p->stats.tx_bytes);
    put_count(o, "received_packets", p->stats.rx_packets);
    put_count(o, "sent_packets", p->stats.tx_packets);
    put_count(o, "initiations_sent", p->initiations_sent);
    put_count(o, "initiations_received", p->initiations_received);
    put_count(o, "responses_received", p->responses_received);
    put_count(o, "dials", p->dials);
    put_count(o, "dial_failures", p->dial_failures);
    put_count(o, "inner_mtu_bytes", p->inner_mtu);
    json_object_set_new(o, "queue", queue(p));
    if (p->connected)
        json_object_set_new(o, "connection", connection(&p->connection));
    json_object_set_new(o, "trouble", troubles(p, s->now));
    return o;
}

/* --- the interface --- */

static void
put_passed(json_t *o, const struct worker_stats *w)
{
    put_count(o, "outer_received", w->outer_rx);
    put_count(o, "outer_sent", w->outer_tx);
    put_count(o, "inner_received", w->inner_rx);
    put_count(o, "inner_sent", w->inner_tx);
}

/* What the worker has left to crypto workers, and what not. */
static json_t *
for_crypto(const struct tunnel_crypto_stats *c)
{
    json_t *o = json_object();

    put_count(o, "batches", c->batches);
    put_count(o, "messages", c->messages);
    put_count(o, "own_batches", c->own);
    put_count(o, "at_once_messages", c->at_once);
    put_count(o, "waits", c->waits);
    return o;
}

/* Each worker's own. */
static json_t *
workers(const struct snapshot *s)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < s->n_workers; i++) {
        const struct worker_stats *w = &s->workers[i];
        json_t *o = json_object();

        put_passed(o, w);
        put_count(o, "turns", w->turns);
        put_count(o, "sleeps", w->sleeps);
        if (s->n_crypto > 0)
            json_object_set_new(o, "crypto", for_crypto(&w->crypto));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *
crypto_workers(const struct snapshot *s)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < s->n_crypto; i++) {
        json_t *o = json_object();

        put_count(o, "batches", s->crypto[i].batches);
        put_count(o, "messages", s->crypto[i].messages);
        put_count(o, "sleeps", s->crypto[i].sleeps);
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *
packets(const struct snapshot *s)
{
    const struct worker_stats *w = &s->worker;
    json_t *o = json_object();

    put_passed(o, w);
    put_count(o, "inner_super_received", w->supers_rx);
    put_count(o, "inner_super_sent", w->supers_tx);
    put_count(o, "inner_cut", w->supers_cut);
    put_count(o, "inner_joined", w->supers_joined);
    put_count(o, "outer_super_received", w->outer_supers_rx);
    put_count(o, "outer_super_sent", w->outer_supers_tx);
    put_count(o, "outer_cut", w->outer_supers_cut);
    put_count(o, "outer_joined", w->outer_supers_joined);
    put_count(o, "reassembled", w->reassembled);
    put_count(o, "fragmented", w->cut);
    put_count(o, "marked_ce", s->marked);
    put_count(o, "turns", w->turns);
    put_count(o, "sleeps", w->sleeps);
    return o;
}

static json_t *
handshakes(const struct snapshot *s)
{
    json_t *o = json_object();

    put_count(o, "initiations_sent", s->initiations_sent);
    put_count(o, "initiations_received", s->initiations_received);
    put_count(o, "responses_sent", s->responses_sent);
    put_count(o, "responses_received", s->responses_received);
    put_count(o, "cookies_sent", s->cookies_sent);
    put_count(o, "cookies_received", s->cookies_received);
    return o;
}

static json_t *
tcp(const struct snapshot *s)
{
    const struct tcp_transport_stats *t = &s->tcp;
    json_t *o = json_object();

    put_count(o, "connections", s->connections);
    put_count(o, "half_open", s->half_open);
    put_count(o, "strangers", s->strangers);
    put_count(o, "time_wait", s->time_wait);
    put_count(o, "dialled", t->dialled);
    put_count(o, "accepted", t->accepted);
    put_count(o, "established", t->established);
    put_count(o, "refused", t->refused);
    put_count(o, "reset", t->reset);
    put_count(o, "timed_out", t->timed_out);
    put_count(o, "segments_received", t->segments_in);
    put_count(o, "segments_sent", t->segments_out);
    put_count(o, "segments_retransmitted", t->retransmissions);
    put_count(o, "segments_sent_twice", t->sent_twice);
    put_count(o, "segments_copied", t->copies);
    put_count(o, "early_delivered", t->early_delivered);
    put_count(o, "early_failed", t->early_failed);
    put_count(o, "recut_connections", t->recut_flows);
    put_count(o, "resynchronised", t->resyncs);
    put_count(o, "cookies_sent", t->cookies_sent);
    put_count(o, "cookies_accepted", t->cookies_accepted);
    put_count(o, "cookies_rejected", t->cookies_rejected);
    put_count(o, "strangers_evicted", t->strangers_evicted);
    put_count(o, "source_refused", t->source_refused);
    put_count(o, "knocks_refused", t->knocks_refused);
    put_count(o, "unused_evicted", t->unused_evicted);
    put_count(o, "short_of_packets", t->packet_limited);
    return o;
}

static void
add_drops(json_t *list, const char *where, const struct wgt_drop_counters *drops)
{
    for (unsigned i = WGT_OK + 1; i < WGT_DROP_COUNT; i++) {
        json_t *o;

        if (drops->n[i] == 0)
            continue;
        o = json_object();
        put_text(o, "where", where);
        put_text(o, "reason", wgt_drop_name(i));
        put_count(o, "count", drops->n[i]);
        put_text(o, "text", wgt_drop_text(i));
        json_array_append_new(list, o);
    }
}

static json_t *
drops(const struct snapshot *s)
{
    json_t *list = json_array();

    add_drops(list, "data", &s->data_drops);
    add_drops(list, "handshake", &s->handshake_drops);
    return list;
}

static void
add_strangers(json_t *list, const struct strangers *from, wgt_time now)
{
    for (unsigned i = 0; i < STRANGERS_MAX; i++) {
        const struct stranger *s = &from->of[i];
        json_t *o;

        if (s->why == WGT_OK)
            continue;
        o = json_object();
        put_endpoint(o, "endpoint", &s->from);
        put_text(o, "reason", wgt_drop_name(s->why));
        if (s->why == WGT_DROP_HANDSHAKE_UNKNOWN_PEER)
            put_key(o, "public_key", s->key);
        put_count(o, "count", s->seen.n);
        put_ms(o, "age_ms", now - s->seen.last);
        json_array_append_new(list, o);
    }
}

static void
put_notices(json_t *o, const struct snapshot *s)
{
    json_t *strangers = json_array(), *unrouted;

    unrouted = put_trouble(o, "unrouted", &s->unrouted, s->now);
    if (unrouted != NULL)
        put_addr(unrouted, "destination", &s->unrouted_to);
    add_strangers(strangers, &s->data_strangers, s->now);
    add_strangers(strangers, &s->handshake_strangers, s->now);
    json_object_set_new(o, "strangers", strangers);
}

json_t *
report_peers(const struct snapshot *s, const struct allowedips *allowed_ips)
{
    json_t *peers = json_array();

    for (size_t i = 0; i < s->n_peers; i++)
        json_array_append_new(peers, peer(s, &s->peers[i], allowed_ips));
    return peers;
}

json_t *
report_show(const struct snapshot *s, const struct allowedips *allowed_ips)
{
    json_t *o = json_object();

    put_text(o, "interface", s->ifname);
    put_text(o, "version", WGTCPD_VERSION);
    if (s->has_private_key)
        put_key(o, "public_key", s->public_key);
    put_count(o, "listening_port", s->listen_port);
    put_count(o, "fwmark", s->fwmark);
    put_count(o, "mtu_bytes", s->mtu);
    put_text(o, "aead", s->aead);
    put_count(o, "uptime_s", s->uptime_s);
    json_object_set_new(o, "packets", packets(s));
    json_object_set_new(o, "workers", workers(s));
    json_object_set_new(o, "crypto_workers", crypto_workers(s));
    put_count(o, "peers_moved", s->moves);
    json_object_set_new(o, "handshakes", handshakes(s));
    json_object_set_new(o, "tcp", tcp(s));
    json_object_set_new(o, "drops", drops(s));
    put_notices(o, s);
    json_object_set_new(o, "peers", report_peers(s, allowed_ips));
    return o;
}
