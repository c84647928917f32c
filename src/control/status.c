/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/control/status.h>

#include <inttypes.h>
#include <stdio.h>

#include <wgtcpd/control/log.h>
#include <wgtcpd/control/snapshot.h>

static void
log_connection(const struct snapshot_connection *c)
{
    const struct tcp_info *i = &c->info;

    log_info("  connection: %s, %s, rtt %.1f ms, rto %.0f ms, cwnd %" PRIu32 ", mss %" PRIu32
             ", in flight %" PRIu32 ", unsent %" PRIu32 ", retransmitted %" PRIu64
             ", timeouts %" PRIu64,
             tcp_state_name(i->state), c->dialled ? "dialled" : "accepted", (double)i->srtt / 1e6,
             (double)i->rto / 1e6, i->cwnd, i->mss, i->flight, i->unsent, i->segments_retransmitted,
             i->timeouts);
}

static void
log_peer(const struct snapshot_peer *p)
{
    char key[45], endpoint[IP_TEXT_MAX] = "(none)", handshake[48] = "never";

    config_key_format(key, p->public_key);
    if (p->endpoint.addr.family != IP_NONE)
        ip_endpoint_format(endpoint, &p->endpoint);
    if (p->handshaken)
        snprintf(handshake, sizeof(handshake), "%" PRIu64 " s ago", p->handshake_age / WGT_SEC);
    log_info("peer %s: transport %s, endpoint %s, latest handshake %s, handshakes %" PRIu64
             ", rx %" PRIu64 " B / %" PRIu64 " packets, tx %" PRIu64 " B / %" PRIu64 " packets"
             ", waiting %" PRIu32 ", dials %" PRIu64 " (%" PRIu64 " failed)"
             ", path mtu lowered %" PRIu64,
             key, transport_kind_name(p->path), endpoint, handshake, p->stats.handshakes,
             p->stats.rx_bytes, p->stats.rx_packets, p->stats.tx_bytes, p->stats.tx_packets,
             p->waiting, p->dials, p->dial_failures, p->stats.path_mtu_lowered);
    if (p->connected)
        log_connection(&p->connection);
}

static void
log_drops(const char *where, const struct wgt_drop_counters *drops)
{
    for (unsigned i = WGT_OK + 1; i < WGT_DROP_COUNT; i++)
        if (drops->n[i] != 0)
            log_info("dropped (%s) %s: %" PRIu64 " (%s)", where, wgt_drop_name(i), drops->n[i],
                     wgt_drop_text(i));
}

static void
log_listener(const struct snapshot *s)
{
    const struct tcp_transport_stats *t = &s->tcp;

    log_info("tcp listener: half open %" PRIu32 ", strangers %" PRIu32 " silent %" PRIu32
             " heard, time-wait %" PRIu32 ", evicted %" PRIu64 ", of crowded sources %" PRIu64
             ", unused evicted %" PRIu64 ", cookies sent %" PRIu64 " accepted %" PRIu64
             " rejected %" PRIu64 ", knocks refused %" PRIu64,
             s->half_open, s->strangers, s->strangers_heard, s->time_wait, t->strangers_evicted,
             t->source_refused, t->unused_evicted, t->cookies_sent, t->cookies_accepted,
             t->cookies_rejected, t->knocks_refused);
}

static void
log_crypto(const struct snapshot *s)
{
    const struct tunnel_crypto_stats *c = &s->worker.crypto;
    uint64_t messages = 0;

    for (unsigned i = 0; i < s->n_crypto; i++)
        messages += s->crypto[i].messages;
    log_info("crypto workers: %u, batches for them %" PRIu64 " of %" PRIu64
             " messages, messages done by them %" PRIu64 ", batches done by workers %" PRIu64
             ", messages done at once %" PRIu64 ", waits %" PRIu64,
             s->n_crypto, c->batches, c->messages, messages, c->own, c->at_once, c->waits);
}

static void
log_traffic(const struct snapshot *s)
{
    const struct worker_stats *w = &s->worker;
    const struct tcp_transport_stats *t = &s->tcp;

    log_info("packets: outer rx %" PRIu64 " tx %" PRIu64 ", inner rx %" PRIu64 " tx %" PRIu64
             ", turns %" PRIu64 ", sleeps %" PRIu64,
             w->outer_rx, w->outer_tx, w->inner_rx, w->inner_tx, w->turns, w->sleeps);
    log_info("workers: %u, peers moved %" PRIu64 ", packets handed over %" PRIu64, s->n_workers,
             s->moves, w->handed);
    if (s->n_crypto > 0)
        log_crypto(s);
    log_info("super-packets: received %" PRIu64 " cut into %" PRIu64 ", sent %" PRIu64
             " joined from %" PRIu64 "; outer received %" PRIu64 " cut into %" PRIu64
             ", sent %" PRIu64 " joined from %" PRIu64,
             w->supers_rx, w->supers_cut, w->supers_tx, w->supers_joined, w->outer_supers_rx,
             w->outer_supers_cut, w->outer_supers_tx, w->outer_supers_joined);
    log_info("fragments: put together %" PRIu64 ", cut %" PRIu64, w->reassembled, w->cut);
    log_info("handshakes: initiations sent %" PRIu64 " received %" PRIu64
             ", responses sent %" PRIu64 " received %" PRIu64 ", cookies sent %" PRIu64
             " received %" PRIu64,
             s->initiations_sent, s->initiations_received, s->responses_sent, s->responses_received,
             s->cookies_sent, s->cookies_received);
    log_info("tcp: connections %" PRIu32 ", dialled %" PRIu64 ", accepted %" PRIu64
             ", established %" PRIu64 ", refused %" PRIu64 ", reset %" PRIu64 ", timed out %" PRIu64
             ", segments in %" PRIu64 " out %" PRIu64 ", retransmitted %" PRIu64
             ", sent twice %" PRIu64 ", copied %" PRIu64 ", short of packets %" PRIu64,
             s->connections, t->dialled, t->accepted, t->established, t->refused, t->reset,
             t->timed_out, t->segments_in, t->segments_out, t->retransmissions, t->sent_twice,
             t->copies, t->packet_limited);
    log_listener(s);
}

void
status_log(struct node *n)
{
    struct snapshot *s = snapshot_take_all(n);
    char key[45];

    if (s == NULL) {
        log_error("no status: the worker does not answer, or there is no memory");
        return;
    }
    config_key_format(key, s->public_key);
    log_info("status of %s: public key %s, listening port %u, mtu %" PRIu32 ", aead %s", s->ifname,
             key, s->listen_port, s->mtu, s->aead);
    log_traffic(s);
    for (size_t i = 0; i < s->n_peers; i++)
        log_peer(&s->peers[i]);
    log_drops("data", &s->data_drops);
    log_drops("handshake", &s->handshake_drops);
    log_info("end of status");
    snapshot_free(s);
}
