/* SPDX-License-Identifier: BSD-3-Clause */
#include "figures.h"

#define FIELD(of, field) offsetof(struct of, field), sizeof(((struct of *)0)->field)
#define NODE(name, type, field, help)                                                              \
    {                                                                                              \
        name, help, FIGURE_INTERFACE, FIGURE_##type, FIGURE_AS_IS, FIELD(snapshot, field)          \
    }
#define WORKER(name, field, help)                                                                  \
    {                                                                                              \
        "worker_" name, help, FIGURE_WORKER, FIGURE_COUNTER, FIGURE_AS_IS,                         \
            FIELD(worker_stats, field)                                                             \
    }
#define CRYPTO(name, field, help)                                                                  \
    {                                                                                              \
        "crypto_worker_" name, help, FIGURE_CRYPTO, FIGURE_COUNTER, FIGURE_AS_IS,                  \
            FIELD(crypto_worker_stats, field)                                                      \
    }
#define PEER(name, type, field, help)                                                              \
    {                                                                                              \
        "peer_" name, help, FIGURE_PEER, FIGURE_##type, FIGURE_AS_IS, FIELD(snapshot_peer, field)  \
    }
#define CONNECTION(name, type, field, help)                                                        \
    {                                                                                              \
        "connection_" name, help, FIGURE_CONNECTION, FIGURE_##type, FIGURE_AS_IS,                  \
            FIELD(snapshot_peer, connection.field)                                                 \
    }
#define CONNECTION_TIME(name, field, help)                                                         \
    {                                                                                              \
        "connection_" name "_seconds", help, FIGURE_CONNECTION, FIGURE_GAUGE, FIGURE_NANOSECONDS,  \
            FIELD(snapshot_peer, connection.field)                                                 \
    }

/* clang-format off */
const struct figure figures[] = {
    {"build_info", "Version and AEAD of the running daemon; always 1",
     FIGURE_BUILD, FIGURE_GAUGE, FIGURE_AS_IS, 0, 0},
    {"interface_info", "Public key of the interface; always 1",
     FIGURE_INTERFACE_INFO, FIGURE_GAUGE, FIGURE_AS_IS, 0, 0},
    NODE("uptime_seconds", GAUGE, uptime_s, "Time since the start"),
    NODE("listen_port", GAUGE, listen_port, "Port of the listeners"),
    NODE("mtu_bytes", GAUGE, mtu, "MTU of the interface"),
    NODE("peers", GAUGE, n_peers, "Peers that are configured"),

    NODE("outer_receive_packets", COUNTER, worker.outer_rx, "Frames received on the outer port"),
    NODE("outer_transmit_packets", COUNTER, worker.outer_tx, "Frames sent on the outer port"),
    NODE("outer_reassembled_packets", COUNTER, worker.reassembled, "Datagrams put together from fragments"),
    NODE("outer_fragmented_packets", COUNTER, worker.cut, "Datagrams that left in fragments"),
    NODE("inner_receive_packets", COUNTER, worker.inner_rx, "Packets from this host or its network into the tunnel"),
    NODE("inner_transmit_packets", COUNTER, worker.inner_tx, "Packets out of the tunnel to this host or its network"),
    NODE("inner_receive_super_packets", COUNTER, worker.supers_rx, "Super-packets of this host, cut before they went into the tunnel"),
    NODE("inner_transmit_super_packets", COUNTER, worker.supers_tx, "Super-packets to this host, joined from what came out of the tunnel"),
    NODE("inner_cut_packets", COUNTER, worker.supers_cut, "Packets that were cut from super-packets of this host"),
    NODE("inner_joined_packets", COUNTER, worker.supers_joined, "Packets that went to this host in super-packets"),
    NODE("outer_receive_super_packets", COUNTER, worker.outer_supers_rx, "Super-packets of taps, cut into frames"),
    NODE("outer_transmit_super_packets", COUNTER, worker.outer_supers_tx, "Super-packets to taps, joined from frames"),
    NODE("outer_cut_packets", COUNTER, worker.outer_supers_cut, "Frames that were cut from super-packets of taps"),
    NODE("outer_joined_packets", COUNTER, worker.outer_supers_joined, "Frames that went to taps in super-packets"),
    NODE("marked_packets", COUNTER, marked, "Inner packets that were marked with congestion experienced"),
    NODE("workers", GAUGE, n_workers, "Workers"),
    NODE("moved_peers", COUNTER, moves, "Moves of peers to the worker that has their connection"),
    WORKER("turns", turns, "Turns of the worker's loop"),
    WORKER("sleeps", sleeps, "Turns after which the worker slept"),
    WORKER("outer_receive_packets", outer_rx, "Frames that the worker received on outer ports"),
    WORKER("outer_transmit_packets", outer_tx, "Frames that the worker sent on outer ports"),
    WORKER("inner_receive_packets", inner_rx, "Packets that the worker took into the tunnel"),
    WORKER("inner_transmit_packets", inner_tx, "Packets out of the tunnel that the worker handed on"),
    WORKER("crypto_batches", crypto.batches, "Batches of messages that crypto workers could take from the worker"),
    WORKER("crypto_messages", crypto.messages, "Messages in batches that crypto workers could take from the worker"),
    WORKER("crypto_own_batches", crypto.own, "Batches for crypto workers that the worker did itself"),
    WORKER("crypto_at_once_messages", crypto.at_once, "Messages that were too few to be worth a crypto worker"),
    WORKER("crypto_waits", crypto.waits, "Times that the worker could not go on before a crypto worker was done"),
    NODE("crypto_workers", GAUGE, n_crypto, "Crypto workers"),
    CRYPTO("batches", batches, "Batches of messages that the crypto worker sealed or opened"),
    CRYPTO("messages", messages, "Messages that the crypto worker sealed or opened"),
    CRYPTO("sleeps", sleeps, "Times that the crypto worker slept"),

    NODE("handshake_initiations_sent", COUNTER, initiations_sent, "Handshake initiations sent"),
    NODE("handshake_initiations_received", COUNTER, initiations_received, "Handshake initiations accepted"),
    NODE("handshake_responses_sent", COUNTER, responses_sent, "Handshake responses sent"),
    NODE("handshake_responses_received", COUNTER, responses_received, "Handshake responses accepted"),
    NODE("handshake_cookies_sent", COUNTER, cookies_sent, "Cookie replies sent under load"),
    NODE("handshake_cookies_received", COUNTER, cookies_received, "Cookie replies accepted"),

    {"dropped_packets", "Packets, segments and messages dropped on the data path",
     FIGURE_DROPS_DATA, FIGURE_COUNTER, FIGURE_AS_IS, FIELD(snapshot, data_drops.n[0])},
    {"dropped_handshakes", "Handshake messages dropped",
     FIGURE_DROPS_HANDSHAKE, FIGURE_COUNTER, FIGURE_AS_IS, FIELD(snapshot, handshake_drops.n[0])},

    NODE("tcp_connections", GAUGE, connections, "TCP connections"),
    NODE("tcp_half_open_connections", GAUGE, half_open, "TCP connections whose SYN was answered"),
    NODE("tcp_stranger_connections", GAUGE, strangers, "TCP connections without an authenticated message"),
    NODE("tcp_time_wait_connections", GAUGE, time_wait, "TCP connections in TIME-WAIT"),
    NODE("tcp_dialled_connections", COUNTER, tcp.dialled, "TCP connections dialled"),
    NODE("tcp_accepted_connections", COUNTER, tcp.accepted, "TCP SYNs and SYN cookies accepted"),
    NODE("tcp_established_connections", COUNTER, tcp.established, "TCP connections established"),
    NODE("tcp_refused_connections", COUNTER, tcp.refused, "TCP connections refused by the peer"),
    NODE("tcp_reset_connections", COUNTER, tcp.reset, "TCP connections reset by the peer"),
    NODE("tcp_timed_out_connections", COUNTER, tcp.timed_out, "TCP connections given up without an answer"),
    NODE("tcp_evicted_connections", COUNTER, tcp.unused_evicted, "Unused TCP connections reset to make room"),
    NODE("tcp_evicted_strangers", COUNTER, tcp.strangers_evicted, "Strangers' TCP connections dropped to make room"),
    NODE("tcp_refused_sources", COUNTER, tcp.source_refused, "TCP SYNs of sources with too many connections"),
    NODE("tcp_refused_knocks", COUNTER, tcp.knocks_refused, "TCP SYNs without a valid knock"),
    NODE("tcp_syn_cookies_sent", COUNTER, tcp.cookies_sent, "SYN cookies sent"),
    NODE("tcp_syn_cookies_accepted", COUNTER, tcp.cookies_accepted, "SYN cookies that came back"),
    NODE("tcp_syn_cookies_rejected", COUNTER, tcp.cookies_rejected, "SYN cookies that were not ours or too old"),
    NODE("tcp_receive_segments", COUNTER, tcp.segments_in, "TCP segments received"),
    NODE("tcp_transmit_segments", COUNTER, tcp.segments_out, "TCP segments sent"),
    NODE("tcp_retransmitted_segments", COUNTER, tcp.retransmissions, "TCP segments sent again"),
    NODE("tcp_duplicated_segments", COUNTER, tcp.sent_twice, "Short TCP segments sent twice in advance of loss"),
    NODE("tcp_early_messages", COUNTER, tcp.early_delivered, "Messages delivered past a lost segment"),
    NODE("tcp_early_failures", COUNTER, tcp.early_failed, "Bytes past a lost segment that did not authenticate"),
    NODE("tcp_held_packets", COUNTER, tcp.held, "Packets that waited for the order of their flow"),
    NODE("tcp_held_expired_packets", COUNTER, tcp.held_expired, "Packets whose wait for order ended without it"),
    NODE("tcp_recut_connections", COUNTER, tcp.recut_flows, "TCP connections cut anew by a middlebox"),
    NODE("tcp_stream_resyncs", COUNTER, tcp.resyncs, "Damaged TCP streams in which a frame was found again"),
    NODE("tcp_packet_limited_turns", COUNTER, tcp.packet_limited, "Turns in which a TCP connection held its share of packets"),

    {"peer_info", "Transport of the peer at present; always 1",
     FIGURE_PEER_INFO, FIGURE_GAUGE, FIGURE_AS_IS, 0, 0},
    PEER("receive_bytes", COUNTER, stats.rx_bytes, "Bytes of WireGuard messages received, as wg counts them"),
    PEER("transmit_bytes", COUNTER, stats.tx_bytes, "Bytes of WireGuard messages sent, as wg counts them"),
    PEER("receive_packets", COUNTER, stats.rx_packets, "Inner packets received"),
    PEER("transmit_packets", COUNTER, stats.tx_packets, "Inner packets sent"),
    PEER("handshakes", COUNTER, stats.handshakes, "Handshakes completed"),
    {"peer_last_handshake_timestamp_seconds", "Unix time of the last completed handshake",
     FIGURE_PEER_HANDSHAKEN, FIGURE_GAUGE, FIGURE_AS_IS, FIELD(snapshot_peer, handshake_seconds)},
    PEER("session", GAUGE, session, "Whether there are keys to send with"),
    PEER("connected", GAUGE, connected, "Whether there is a TCP connection"),
    PEER("waiting_packets", GAUGE, waiting, "Inner packets that wait to be sent"),
    PEER("waiting_bytes", GAUGE, waiting_bytes, "Bytes of inner packets that wait to be sent"),
    {"peer_queue_delay_seconds", "Age of the inner packet that has waited longest",
     FIGURE_PEER, FIGURE_GAUGE, FIGURE_NANOSECONDS, FIELD(snapshot_peer, queue_delay)},
    PEER("dials", COUNTER, dials, "TCP connections dialled"),
    PEER("dial_failures", COUNTER, dial_failures, "TCP connections dialled that failed"),
    PEER("path_mtu_lowered", COUNTER, stats.path_mtu_lowered, "Times a router asked for smaller datagrams"),
    PEER("initiations_sent", COUNTER, initiations_sent, "Handshake initiations sent"),
    PEER("initiations_received", COUNTER, initiations_received, "Handshake initiations accepted"),
    PEER("responses_received", COUNTER, responses_received, "Handshake responses accepted"),
    PEER("responses_bad", COUNTER, responses_bad, "Handshake responses that did not decrypt"),
    PEER("unanswered_initiations", GAUGE, trouble[PEER_TROUBLE_UNANSWERED].n, "Initiations that left since the last handshake completed"),
    PEER("unconfirmed_responses", GAUGE, trouble[PEER_TROUBLE_UNCONFIRMED].n, "Responses that left since then; the peer has used none"),
    {"peer_troubles", "What went wrong with the peer, by kind; one that never did has no sample",
     FIGURE_PEER_TROUBLE, FIGURE_COUNTER, FIGURE_AS_IS, 0, 0},

    CONNECTION_TIME("rtt", info.srtt, "Smoothed round-trip time"),
    CONNECTION_TIME("rtt_variation", info.rttvar, "Variation of the round-trip time"),
    CONNECTION_TIME("min_rtt", info.min_rtt, "Least round-trip time of the last minutes"),
    CONNECTION_TIME("rto", info.rto, "Retransmission timeout"),
    CONNECTION("congestion_window_bytes", GAUGE, info.cwnd, "Congestion window"),
    CONNECTION("segment_size_bytes", GAUGE, info.mss, "Maximum segment size"),
    CONNECTION("in_flight_bytes", GAUGE, info.flight, "Bytes sent and not acknowledged"),
    CONNECTION("unsent_bytes", GAUGE, info.unsent, "Bytes queued and not sent"),
    CONNECTION("delivery_rate_bytes_per_second", GAUGE, info.delivery_rate, "Rate at which bytes arrived lately"),
    CONNECTION("pacing_rate_bytes_per_second", GAUGE, info.pacing_rate, "Rate at which bytes may leave; 0: not paced"),
    CONNECTION("acknowledged_bytes", COUNTER, info.bytes_acked, "Bytes acknowledged by the peer"),
    CONNECTION("receive_bytes", COUNTER, info.bytes_received, "Bytes received"),
    CONNECTION("lost_bytes", COUNTER, info.bytes_lost, "Bytes marked lost"),
    CONNECTION("retransmitted_segments", COUNTER, info.segments_retransmitted, "Segments sent again"),
    CONNECTION("timeouts", COUNTER, info.timeouts, "Retransmission timeouts"),
    CONNECTION("spurious_retransmits", COUNTER, info.spurious, "Timeouts and fast retransmits that were for nothing"),
    CONNECTION("early_messages", COUNTER, early_delivered, "Messages delivered past a lost segment"),
};
/* clang-format on */

const unsigned n_figures = sizeof(figures) / sizeof(figures[0]);

uint64_t
figure_read(const struct figure *f, const void *of)
{
    const char *p = (const char *)of + f->offset;
    uint64_t v64;
    uint32_t v32;
    uint16_t v16;
    uint8_t v8;

    switch (f->width) {
    case sizeof(v64):
        memcpy(&v64, p, sizeof(v64));
        return v64;
    case sizeof(v32):
        memcpy(&v32, p, sizeof(v32));
        return v32;
    case sizeof(v16):
        memcpy(&v16, p, sizeof(v16));
        return v16;
    case sizeof(v8):
        memcpy(&v8, p, sizeof(v8));
        return v8;
    default:
        return 1; /* an info has no field */
    }
}

bool
figure_of_peer(const struct figure *f, const struct snapshot_peer *p)
{
    if (f->scope == FIGURE_PEER_HANDSHAKEN)
        return p->handshaken;
    if (f->scope == FIGURE_CONNECTION && !p->connected)
        return false;
    return f->scale != FIGURE_NANOSECONDS || figure_read(f, p) != WGT_NEVER;
}
