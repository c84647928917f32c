/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the kernel left undone in a packet that it hands out: super-packets (TSO, USO) are cut into
 * packets of the wire, partial checksums are completed. Every packet that is cut off is one that
 * the kernel itself would have sent: sequence numbers and IPv4 IDs go on, CWR is on the first only,
 * FIN and PSH on the last only, everything else of the headers is copied, IP options and extension
 * headers included. The same for Ethernet frames, where a checksum that the kernel never wrote, or
 * has verified, may remain unwritten: nobody needs to look at it.
 *
 * Sans-I/O. The super-packet stays the caller's and must stay as it is until it is cut up.
 */
#ifndef WGTCPD_OFFLOAD_SEGMENT_H
#define WGTCPD_OFFLOAD_SEGMENT_H

#include <wgtcpd/base/drop.h>
#include <wgtcpd/offload/vnet.h>

struct segmenter {
    const uint8_t *packet; /* with its Ethernet header, if it has one */
    size_t at, end;        /* payload that is left */
    size_t link_len;       /* of the Ethernet header */
    size_t upper;          /* offset of the TCP or UDP header */
    size_t header_len;     /* of all headers */
    uint64_t pseudo;       /* sum of the pseudo header without the length */
    uint32_t seq;          /* of the next segment */
    uint16_t id;           /* of the next packet */
    uint16_t size;         /* payload of every packet but the last */
    bool v4, tcp;
    bool partial; /* checksums remain the pseudo header's sum */
};

/* Checks all that segment_next relies on. packet: len bytes. INNER_OFFLOAD: not a super-packet that
 * we can cut. */
enum wgt_drop segment_begin(struct segmenter *s, const struct vnet_header *h, const uint8_t *packet,
                            size_t len);
/* The same for an Ethernet frame. partial: the frames' TCP or UDP checksums are not to be computed,
 * their fields hold the pseudo header's sum. */
enum wgt_drop segment_begin_frame(struct segmenter *s, const struct vnet_header *h,
                                  const uint8_t *frame, size_t len, bool partial);

/* Length of the largest packet that will be cut off. */
static inline size_t
segment_max(const struct segmenter *s)
{
    return s->header_len + s->size;
}

static inline bool
segment_is_left(const struct segmenter *s)
{
    return s->at < s->end;
}

/* Writes the next packet, at most segment_max bytes; its length. Only while one is left. */
size_t segment_next(struct segmenter *s, uint8_t *out);

/* A packet that is none to be cut: completes its checksum, if that is wanted. INNER_OFFLOAD: the
 * header speaks of bytes beyond the packet. */
enum wgt_drop segment_complete(const struct vnet_header *h, uint8_t *packet, size_t len);

/* Whether the kernel vouches for the TCP or UDP checksum of an Ethernet frame that is none to be
 * cut: it has verified it, or nobody has computed it yet. */
bool segment_is_vouched_for(const struct vnet_header *h, const uint8_t *frame, size_t len);

#endif
