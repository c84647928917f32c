/* SPDX-License-Identifier: BSD-3-Clause */
/* From received bytes to whole messages. */
#include "flow.h"

/* A message in a packet of its own: the one it lies in when nothing follows it there, else a copy.
 */
static struct rte_mbuf *
message_packet(struct tcp_transport *t, const struct span *message, struct rte_mbuf **carrier,
               bool last)
{
    struct rte_mbuf *m;

    if (last) {
        m = *carrier;
        *carrier = NULL;
        packet_set(m, message->data, message->len);
        return m;
    }
    m = rte_pktmbuf_alloc(t->outer->pool);
    if (m == NULL) {
        wgt_drop_count(t->outer->drops, WGT_DROP_NO_BUFFER);
        return NULL;
    }
    memcpy(rte_pktmbuf_append(m, (uint16_t)message->len), message->data, message->len);
    return m;
}

static bool
lend_buffer(struct tcp_transport *t, struct tcp_flow *f)
{
    f->assembly = rte_pktmbuf_alloc(t->outer->pool);
    if (f->assembly == NULL) {
        wgt_drop_count(t->outer->drops, WGT_DROP_NO_BUFFER);
        return false;
    }
    frame_decoder_lend(&f->decoder, rte_pktmbuf_mtod(f->assembly, uint8_t *));
    return true;
}

static void
deliver(struct tcp_transport *t, wgt_time now, struct tcp_flow *f, const struct span *message,
        struct rte_mbuf **carrier, bool last)
{
    struct rte_mbuf *m;

    if (f->assembly != NULL) {
        m = f->assembly;
        f->assembly = NULL;
        packet_set(m, message->data, message->len);
    } else {
        m = message_packet(t, message, carrier, last);
        if (m == NULL)
            return;
    }
    t->events.message(t->events.ctx, now, &f->path, m);
}

/* Feeds one received chunk to the decoder. false: the stream is beyond use. */
static bool
decode_chunk(struct tcp_transport *t, wgt_time now, struct tcp_flow *f, struct tcp_chunk *c)
{
    struct rte_mbuf *carrier = packet_of_chunk(c);
    struct span in = {c->data, c->len}, message;
    bool good = true;

    for (enum frame_event e; (e = frame_decode(&f->decoder, &in, &message)) != FRAME_NEED_MORE;) {
        if (e == FRAME_MESSAGE) {
            deliver(t, now, f, &message, &carrier, in.len == 0);
        } else if (e == FRAME_EMPTY) {
            wgt_drop_count(t->outer->drops, WGT_DROP_FRAME_EMPTY);
        } else if (e == FRAME_NEED_BUFFER) {
            good = lend_buffer(t, f);
        } else {
            wgt_drop_count(t->outer->drops, WGT_DROP_FRAME_LENGTH);
            good = false;
        }
        /* The message may have been the carrier itself: then the input is used up. */
        if (!good || in.len == 0)
            break;
    }
    rte_pktmbuf_free(carrier);
    return good;
}

void
flow_read(struct tcp_transport *t, wgt_time now, struct tcp_flow *f)
{
    struct tcp_chunk *c;

    while ((c = tcp_recv(&f->conn)) != NULL) {
        if (!decode_chunk(t, now, f, c)) {
            /* The same end whatever was wrong: RST. */
            f->closing = true;
            tcp_abort(&f->conn, now);
            break;
        }
    }
}
