/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Why a packet, segment, frame or message was dropped.
 *
 * One list gives the enumerator, the counter and the text that the user reads. Parsers and engines
 * return one of these; WGT_OK (0) means: not dropped.
 */
#ifndef WGTCPD_BASE_DROP_H
#define WGTCPD_BASE_DROP_H

#include <stdint.h>

/* clang-format off */
#define WGT_DROP_LIST(X)                                                                           \
    X(OK, "not dropped")                                                                           \
    /* link and network layer */                                                                   \
    X(ETH_SHORT, "Ethernet frame shorter than its header")                                         \
    X(ETH_NOT_FOR_US, "Ethernet destination is not this port")                                     \
    X(ETH_TYPE, "EtherType not handled")                                                           \
    X(ETH_VLAN, "VLAN tag of another network, or none where the port has one")                     \
    X(ETH_TOO_BIG, "Ethernet frame larger than a packet buffer")                                   \
    X(ETH_OFFLOAD, "frame of the kernel whose offloads make no sense")                             \
    X(ARP_MALFORMED, "malformed ARP packet")                                                       \
    X(ARP_NOT_FOR_US, "ARP packet for another address")                                            \
    X(ND_MALFORMED, "malformed neighbour discovery message")                                       \
    X(ND_NOT_FOR_US, "neighbour discovery for another address")                                    \
    X(IP_SHORT, "IP packet shorter than its header")                                               \
    X(IP_VERSION, "IP version is neither 4 nor 6")                                                 \
    X(IP_HEADER_LENGTH, "IPv4 header length field out of range")                                   \
    X(IP_TOTAL_LENGTH, "IP length field does not fit the packet")                                  \
    X(IP_CHECKSUM, "wrong IPv4 header checksum")                                                   \
    X(IP_FRAGMENT, "IP fragment that is not taken")                                                \
    X(IP_REASSEMBLY, "IP fragment whose datagram could not be put together")                       \
    X(IP_EXTENSION, "IPv6 extension header not handled")                                           \
    X(IP_SOURCE, "IP source address no host may use")                                              \
    X(IP_SCOPE, "IP address that no router forwards")                                              \
    X(IP_TTL, "TTL or hop limit used up on the way")                                               \
    X(IP_NOT_FOR_US, "IP destination is not this node")                                            \
    X(IP_PROTOCOL, "IP protocol not handled")                                                      \
    X(ICMP_MALFORMED, "malformed ICMP message")                                                    \
    X(ICMP_CHECKSUM, "wrong ICMP checksum")                                                        \
    X(ICMP_TYPE, "ICMP type not handled")                                                          \
    X(ICMP_QUOTE, "ICMP error that quotes no segment or datagram of ours")                         \
    X(ICMP_SEQUENCE, "ICMP error about a segment that is not in flight")                           \
    X(ICMP_MTU, "ICMP packet-too-big that proves nothing")                                         \
    X(ICMP_RATE, "ICMP errors about datagrams too fast")                                           \
    X(UDP_LENGTH, "UDP length field does not fit the packet")                                      \
    X(UDP_CHECKSUM, "wrong UDP checksum")                                                          \
    X(UDP_PORT, "UDP port not listened on")                                                        \
    X(NO_ROUTE, "no route to the outer destination")                                               \
    X(NEIGHBOUR_UNRESOLVED, "next hop did not answer ARP or ND")                                   \
    X(NEIGHBOUR_QUEUE, "too many packets wait for the next hop's address")                         \
    /* TCP */                                                                                      \
    X(TCP_SHORT, "TCP segment shorter than its header")                                            \
    X(TCP_DATA_OFFSET, "TCP data offset out of range")                                             \
    X(TCP_CHECKSUM, "wrong TCP checksum")                                                          \
    X(TCP_PORT, "TCP port not listened on, or port 0")                                             \
    X(TCP_NO_CONNECTION, "TCP segment for no connection")                                          \
    X(TCP_FLAGS, "TCP flags that make no sense together")                                          \
    X(TCP_BACKLOG, "too many TCP connections without an authenticated message")                    \
    X(TCP_SOURCE, "too many TCP connections of one source without an authenticated message")       \
    X(TCP_COOKIE, "TCP ACK whose SYN cookie is not ours or has expired")                           \
    X(TCP_KNOCK, "TCP SYN without a valid knock")                                                  \
    X(TCP_KNOCK_REPLAY, "TCP SYN whose knock was seen on another connection")                      \
    X(TCP_SILENCED, "TCP data of a stranger that sent nonsense before")                            \
    X(TCP_TABLE_FULL, "TCP connection table full")                                                 \
    X(TCP_SEQUENCE, "TCP sequence number outside the window")                                      \
    X(TCP_PAWS, "TCP timestamp older than the last one (PAWS)")                                    \
    X(TCP_ACK, "TCP acknowledgment number not acceptable")                                         \
    X(TCP_NO_ACK, "TCP segment without ACK on a connection")                                       \
    X(TCP_SYN_IN_WINDOW, "TCP SYN on a synchronised connection")                                   \
    X(TCP_RST_CHALLENGED, "TCP RST in window but not exact")                                       \
    X(TCP_RST_IGNORED, "TCP RST outside the window")                                               \
    X(TCP_DUPLICATE, "TCP data received before")                                                   \
    X(TCP_REASSEMBLY_FULL, "TCP out-of-order queue full")                                          \
    X(TCP_AFTER_CLOSE, "TCP data after close")                                                     \
    /* frames */                                                                                   \
    X(FRAME_EMPTY, "frame of length zero")                                                         \
    X(FRAME_LENGTH, "frame length that no WireGuard message has")                                  \
    /* WireGuard messages */                                                                       \
    X(MESSAGE_SHORT, "message too short for its type")                                             \
    X(MESSAGE_LENGTH, "message length wrong for its type")                                         \
    X(MESSAGE_TYPE, "unknown message type")                                                        \
    X(MAC1, "mac1 wrong")                                                                          \
    X(MAC2_UNDER_LOAD, "under load and mac2 missing or wrong")                                     \
    X(RATE_LIMIT, "handshake rate limit of the source")                                            \
    X(HANDSHAKE_QUEUE, "handshake queue full")                                                     \
    X(NO_IDENTITY, "interface has no private key")                                                 \
    X(HANDSHAKE_DH, "low-order public key")                                                        \
    X(HANDSHAKE_STATIC, "static key of the initiation did not decrypt")                            \
    X(HANDSHAKE_UNKNOWN_PEER, "initiation of an unknown peer")                                     \
    X(HANDSHAKE_TIMESTAMP, "timestamp of the initiation did not decrypt")                          \
    X(HANDSHAKE_REPLAY, "initiation replayed")                                                     \
    X(HANDSHAKE_FLOOD, "initiations too fast")                                                     \
    X(HANDSHAKE_INDEX, "handshake message for no handshake of ours")                               \
    X(HANDSHAKE_STATE, "handshake message out of turn")                                            \
    X(HANDSHAKE_TAG, "response did not decrypt (wrong key or preshared key)")                      \
    X(COOKIE_UNEXPECTED, "cookie reply that nobody asked for")                                     \
    X(COOKIE_TAG, "cookie reply did not decrypt")                                                  \
    X(DATA_INDEX, "data message for no session of ours")                                           \
    X(DATA_EXPIRED, "data message under an expired key")                                           \
    X(DATA_TAG, "data message did not authenticate")                                               \
    X(EARLY_TAG, "bytes beyond a hole that looked like a data message did not authenticate")       \
    X(DATA_REPLAY, "data message replayed or too old")                                             \
    /* inner packets */                                                                            \
    X(INNER_VERSION, "inner packet is neither IPv4 nor IPv6")                                      \
    X(INNER_LENGTH, "inner packet's length field does not fit")                                    \
    X(INNER_SOURCE, "inner source address not allowed for the peer")                               \
    X(INNER_OFFLOAD, "packet of the kernel whose offloads make no sense")                             \
    X(INNER_TOO_BIG, "inner packet larger than the tunnel takes")                                  \
    X(INNER_CE, "congestion mark on a packet whose sender would not understand it")                \
    X(INNER_LOOP, "packet of the tunnel itself, routed into the tunnel")                           \
    X(NO_PEER, "no peer has the inner destination in its allowed IPs")                             \
    X(INNER_NO_ROUTE, "no route to the inner destination")                                         \
    X(NO_ENDPOINT, "peer has no endpoint")                                                         \
    X(STAGED_FULL, "too many packets wait for a session or for room")                              \
    X(QUEUE_CODEL, "packet's flow has stood in the queue for too long (CoDel)")                    \
    X(QUEUE_STALE, "packet waited too long for its connection")                                    \
    X(QUEUE_FULL, "peer's queue full: dropped from its longest flow")                              \
    X(STAGED_GAVE_UP, "handshake did not complete in time; waiting packets dropped")               \
    X(PEER_REMOVED, "peer removed while packets waited")                                           \
    X(PEER_MOVING, "packet for a peer that was moving to another worker")                          \
    X(CONNECTION_LOST, "connection went away with bytes unsent")                                   \
    X(LINK_DOWN, "interface is down")                                                              \
    /* resources */                                                                                \
    X(NO_BUFFER, "no packet buffer free")                                                          \
    X(INNER_TX, "inner port did not take the packet")                                              \
    X(OUTER_TX, "outer port did not take the packet")                                              \
    X(WORKER_RING, "ring between two workers full")                                                \
    X(RING_FULL, "ring between worker and control thread full")
/* clang-format on */

enum wgt_drop {
#define WGT_DROP_ENUM(name, text) WGT_DROP_##name,
    WGT_DROP_LIST(WGT_DROP_ENUM)
#undef WGT_DROP_ENUM
        WGT_DROP_COUNT,
    WGT_OK = WGT_DROP_OK,
};

/* One counter per reason; the owner is the only writer. */
struct wgt_drop_counters {
    uint64_t n[WGT_DROP_COUNT];
};

/* The reason's short name, lower case ("tcp_paws"), as counters are exported. Static storage. */
const char *wgt_drop_name(enum wgt_drop reason);

/* The reason in words. Static storage. */
const char *wgt_drop_text(enum wgt_drop reason);

static inline void
wgt_drop_count(struct wgt_drop_counters *counters, enum wgt_drop reason)
{
    counters->n[reason]++;
}

#endif
