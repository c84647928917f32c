/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/control/status.h>

#include <inttypes.h>
#include <stdio.h>

#include <wgtcpd/control/log.h>

static void
log_connection(const struct tunnel_peer *p)
{
    const struct tcp_flow *f = tcp_flow_of(&p->path.path);
    struct tcp_info info;

    if (f == NULL)
        return;
    tcp_info(&f->conn, &info);
    log_info("  connection: %s, %s, rtt %.1f ms, rto %.0f ms, cwnd %" PRIu32 ", mss %" PRIu32
             ", in flight %" PRIu32 ", unsent %" PRIu32 ", retransmitted %" PRIu64
             ", timeouts %" PRIu64,
             tcp_state_name(info.state), f->dialer != NULL ? "dialled" : "accepted",
             (double)info.srtt / 1e6, (double)info.rto / 1e6, info.cwnd, info.mss, info.flight,
             info.unsent, info.segments_retransmitted, info.timeouts);
}

static void
log_peer(const struct tunnel_peer *p, wgt_time now)
{
    char key[45], endpoint[IP_TEXT_MAX] = "(none)", handshake[48] = "never";

    config_key_format(key, p->public_key);
    if (p->path.path.kind != TRANSPORT_NONE)
        ip_endpoint_format(endpoint, &p->path.path.remote);
    else if (p->has_endpoint)
        ip_endpoint_format(endpoint, &p->configured);
    if (p->stats.handshakes > 0)
        snprintf(handshake, sizeof(handshake), "%" PRIu64 " s ago",
                 (now - p->stats.last_handshake) / WGT_SEC);
    log_info("peer %s: transport %s, endpoint %s, latest handshake %s, handshakes %" PRIu64
             ", rx %" PRIu64 " B / %" PRIu64 " packets, tx %" PRIu64 " B / %" PRIu64 " packets"
             ", waiting %" PRIu32 ", dials %" PRIu64 " (%" PRIu64 " failed)"
             ", path mtu lowered %" PRIu64,
             key, transport_kind_name(p->path.path.kind), endpoint, handshake, p->stats.handshakes,
             p->stats.rx_bytes, p->stats.rx_packets, p->stats.tx_bytes, p->stats.tx_packets,
             p->staged.count, p->stats.dials, p->stats.dial_failures, p->stats.path_mtu_lowered);
    log_connection(p);
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
log_listener(const struct tcp_transport *t)
{
    log_info("tcp listener: half open %" PRIu32 ", strangers %" PRIu32 " silent %" PRIu32
             " heard, time-wait %" PRIu32 ", evicted %" PRIu64 ", of crowded sources %" PRIu64
             ", unused evicted %" PRIu64 ", cookies sent %" PRIu64 " accepted %" PRIu64
             " rejected %" PRIu64 ", knocks refused %" PRIu64,
             t->listener.n[TCP_STUB_HALF_OPEN], t->listener.n[TCP_STUB_STRANGER],
             t->n_unauthenticated, t->listener.n[TCP_STUB_TIME_WAIT], t->stats.strangers_evicted,
             t->stats.source_refused, t->stats.unused_evicted, t->stats.cookies_sent,
             t->stats.cookies_accepted, t->stats.cookies_rejected, t->stats.knocks_refused);
}

void
status_log(const struct node *n, wgt_time now)
{
    const struct worker_stats *w = &n->worker.stats;
    const struct tcp_transport_stats *t = &n->worker.tunnel.tcp.stats;
    const struct handshaker *h = &n->handshaker;
    const struct device_peer *p;
    char key[45];

    config_key_format(key, h->local.public_key);
    log_info("status of %s: public key %s, listening port %u, mtu %" PRIu32 ", aead %s",
             n->config->ifname, key, n->device.listen_port, n->mtu, noise_aead_name());
    log_info("packets: outer rx %" PRIu64 " tx %" PRIu64 ", inner rx %" PRIu64 " tx %" PRIu64
             ", turns %" PRIu64 ", sleeps %" PRIu64,
             w->outer_rx, w->outer_tx, w->inner_rx, w->inner_tx, w->turns, w->sleeps);
    log_info("handshakes: initiations sent %" PRIu64 " received %" PRIu64
             ", responses sent %" PRIu64 " received %" PRIu64 ", cookies sent %" PRIu64
             " received %" PRIu64,
             h->initiations_sent, h->initiations_received, h->responses_sent, h->responses_received,
             h->cookies_sent, h->cookies_received);
    log_info("tcp: connections %" PRIu32 ", dialled %" PRIu64 ", accepted %" PRIu64
             ", established %" PRIu64 ", refused %" PRIu64 ", reset %" PRIu64 ", timed out %" PRIu64
             ", segments in %" PRIu64 " out %" PRIu64 ", retransmitted %" PRIu64
             ", sent twice %" PRIu64 ", copied %" PRIu64 ", short of packets %" PRIu64,
             n->worker.tunnel.tcp.n_flows, t->dialled, t->accepted, t->established, t->refused,
             t->reset, t->timed_out, t->segments_in, t->segments_out, t->retransmissions,
             t->sent_twice, t->copies, t->packet_limited);
    log_listener(&n->worker.tunnel.tcp);
    TAILQ_FOREACH(p, &n->device.peers, link)
    log_peer(p->tunnel, now);
    log_drops("data", &n->worker.tunnel.drops);
    log_drops("handshake", &h->drops);
    log_info("end of status");
}
