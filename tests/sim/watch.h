/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reads every packet that a node sends, TCP streams too, and knows what may never be seen on a
 * wire: a counter used twice under a key, a retransmission that differs, a stream that is not made
 * of WireGuard messages.
 */
#ifndef SIM_WATCH_H
#define SIM_WATCH_H

#include <wgtcpd/base/addr.h>
#include <wgtcpd/transport/path.h>
#include <wgtcpd/wire/ip.h>
#include <wgtcpd/wire/message.h>
#include <wgtcpd/wire/tcp.h>

/* A WireGuard message that left a node (in TCP: its last byte, for the first time). */
struct watch_message {
    wgt_time time;
    uint8_t node;
    enum transport_kind kind;
    enum message_type type;
    uint32_t len;
    uint32_t receiver; /* not of initiations */
    uint64_t counter;  /* of data */
};

/* A TCP segment with SYN, FIN or RST that left a node. */
struct watch_flag {
    wgt_time time;
    uint8_t node, flags;
    struct ip_endpoint local, remote;
};

struct watch_key;
struct watch_stream;

struct watch {
    struct watch_message *messages;
    size_t n_messages, messages_room;
    struct watch_flag *flags;
    size_t n_flags, flags_room;
    struct watch_key *keys;
    size_t n_keys, keys_room;
    struct watch_stream *streams;
    size_t n_streams, streams_room;
    uint64_t packets[2], bytes[2], retransmitted[2];
};

void watch_fini(struct watch *w);
/* NULL, or what is wrong. */
const char *watch_packet(struct watch *w, wgt_time now, unsigned node, const uint8_t *packet,
                         size_t len);

/* How many messages of a type (and, if not 0, of a length) the node sent within from..until. */
size_t watch_count(const struct watch *w, unsigned node, enum message_type type, uint32_t len,
                   wgt_time from, wgt_time until);
/* How many segments with all these flags the node sent within from..until. */
size_t watch_count_flags(const struct watch *w, unsigned node, uint8_t flags, wgt_time from,
                         wgt_time until);

#endif
