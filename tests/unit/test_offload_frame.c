/* SPDX-License-Identifier: BSD-3-Clause */
/* Super-packets of Ethernet frames: runs of a flow's frames are joined as IP packets are, with
 * checksums that nobody has computed; what is cut comes with its own Ethernet header; the kernel's
 * word on a checksum counts only for TCP and UDP. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <wgtcpd/offload/coalesce.h>
#include <wgtcpd/offload/segment.h>
#include <wgtcpd/wire/eth.h>

#include "offload_rig.h"

enum { SIZE = 1400, ROOM = 1600, TAGGED = ETH_HEADER_LEN + ETH_VLAN_TAG_LEN };
enum { WHOLE = TAGGED + VNET_PACKET_MAX + 1 };

static struct coalescer c;
static uint8_t frames[COALESCE_BATCH][ROOM], originals[COALESCE_BATCH][ROOM];
static size_t lens[COALESCE_BATCH];

static int
set_up(void **state)
{
    (void)state;
    coalesce_init(&c, true, true);
    return 0;
}

/* What is left out of a frame: its tag, its checksum. */
struct form {
    bool tagged, partial;
};

static size_t
write_link(uint8_t *frame, struct form f, bool v6)
{
    struct eth_header eth = {
        .dst = {{2, 0, 0, 0, 0, 1}}, .src = {{2, 0, 0, 0, 0, 2}}, .type = v6 ? ETH_IPV6 : ETH_IPV4};

    if (!f.tagged) {
        eth_write(frame, &eth);
        return ETH_HEADER_LEN;
    }
    put_be16(frame + ETH_HEADER_LEN + 2, eth.type);
    eth.type = ETH_VLAN;
    eth_write(frame, &eth);
    put_be16(frame + ETH_HEADER_LEN, 7);
    return TAGGED;
}

static uint8_t *
add(const struct rig_packet *p, struct form f)
{
    unsigned i = c.n_packets;
    size_t link_len = write_link(frames[i], f, p->v6);
    size_t len = rig_write(frames[i] + link_len, p);

    if (f.partial)
        rig_make_partial(frames[i] + link_len, len);
    lens[i] = link_len + len;
    memcpy(originals[i], frames[i], lens[i]);
    coalesce_add_frame(&c, frames[i], lens[i], f.partial);
    return frames[i];
}

static void
add_run(struct rig_packet p, unsigned n, struct form f)
{
    for (unsigned i = 0; i < n; i++, p.seq += (uint32_t)p.payload, p.id++)
        add(&p, f);
}

/* Chain i as the kernel would read it; its length. */
static size_t
gather(unsigned i, struct vnet_header *h, uint8_t *out)
{
    const struct coalesce_chain *chain = &c.chains[i];
    uint8_t vnet[VNET_HEADER_LEN];
    uint16_t at = chain->first;
    size_t len = c.packets[at].link_len;

    coalesce_finish(&c, i, vnet);
    vnet_read(h, vnet);
    memcpy(out, c.packets[at].data - len, len);
    for (unsigned n = 0; n < chain->n; n++) {
        const struct coalesce_packet *p = &c.packets[at];
        size_t skip = n == 0 ? 0 : p->header_len;

        memcpy(out + len, p->data + skip, p->len - skip);
        len += p->len - skip;
        at = p->next;
    }
    assert_int_equal(len, chain->len + c.packets[chain->first].link_len);
    return len;
}

/* RFC 6864 4.1: of a packet with DF nobody may look at the ID. */
static void
blank_atomic_id(uint8_t *frame, size_t len)
{
    uint8_t *packet = frame + eth_ip_offset(frame, len);

    if (!ip_is_v4(packet) || (packet[6] & 0x40) == 0)
        return;
    put_be16(packet + 4, 0);
    put_be16(packet + 10, 0);
}

/* The one chain that there is comes apart into the frames that went in. */
static void
expect_one_chain(unsigned n, bool partial)
{
    static uint8_t whole[WHOLE], part[ROOM];
    struct vnet_header h;
    struct segmenter s;
    size_t len;

    assert_int_equal(c.n_chains, 1);
    len = gather(0, &h, whole);
    assert_int_equal(segment_begin_frame(&s, &h, whole, len, partial), WGT_OK);
    for (unsigned i = 0; i < n; i++) {
        assert_true(segment_is_left(&s));
        assert_int_equal(segment_next(&s, part), lens[i]);
        blank_atomic_id(part, lens[i]);
        blank_atomic_id(originals[i], lens[i]);
        assert_memory_equal(part, originals[i], lens[i]);
    }
    assert_false(segment_is_left(&s));
    coalesce_clear(&c);
}

static void
frames_that_follow_each_other_become_one(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < 16; kind++) {
        struct form f = {.tagged = kind & 1, .partial = kind & 2};
        struct rig_packet p = kind & 4 ? rig_udp(9, SIZE) : rig_tcp(UINT32_MAX - 3000, SIZE);

        p.v6 = kind & 8;
        add_run(p, 40, f);
        expect_one_chain(40, f.partial);
    }
}

static void
the_header_counts_from_the_frame(void **state)
{
    static uint8_t whole[WHOLE];
    struct vnet_header h;

    (void)state;
    add_run(rig_tcp(1, SIZE), 3, (struct form){.tagged = true, .partial = true});
    gather(0, &h, whole);
    assert_int_equal(h.checksum_start, TAGGED + 20);
    assert_int_equal(h.header_len, TAGGED + 20 + 32);
    assert_int_equal(h.gso_size, SIZE);
}

static void
a_frame_alone_leaves_its_checksum_to_the_kernel(void **state)
{
    static uint8_t whole[WHOLE];

    (void)state;
    for (unsigned kind = 0; kind < 4; kind++) {
        struct rig_packet p = kind & 1 ? rig_udp(9, SIZE) : rig_tcp(1, 0);
        struct vnet_header h;
        size_t len;

        p.v6 = kind & 2;
        add(&p, (struct form){.partial = true});
        len = gather(0, &h, whole);
        assert_int_equal(h.gso, VNET_GSO_NONE);
        assert_true(h.needs_checksum);
        assert_memory_equal(whole, originals[0], len);
        assert_int_equal(segment_complete(&h, whole, len), WGT_OK);
        rig_write(originals[0] + ETH_HEADER_LEN, &p);
        assert_memory_equal(whole, originals[0], len);
        coalesce_clear(&c);
    }
}

static void
a_complete_frame_alone_asks_for_nothing(void **state)
{
    static uint8_t whole[WHOLE];
    struct rig_packet p = rig_udp(9, SIZE);
    struct vnet_header h;

    (void)state;
    add(&p, (struct form){.partial = false});
    gather(0, &h, whole);
    assert_false(h.needs_checksum);
}

static void
complete_frames_are_verified_before_they_are_joined(void **state)
{
    struct rig_packet p = rig_udp(9, SIZE);

    (void)state;
    add(&p, (struct form){.partial = true});
    p.id++;
    write_link(frames[1], (struct form){.tagged = false}, false);
    lens[1] = ETH_HEADER_LEN + rig_write(frames[1] + ETH_HEADER_LEN, &p);
    frames[1][200] ^= 1;
    coalesce_add_frame(&c, frames[1], lens[1], false);
    assert_int_equal(c.n_chains, 2);
}

/* Two next hops, as when a neighbour's address has changed; another VLAN. */
static void
frames_with_other_ethernet_headers_are_not_joined(void **state)
{
    (void)state;
    for (unsigned at = 0; at < ETH_HEADER_LEN - 2; at++) {
        struct rig_packet p = rig_tcp(1, SIZE);

        add(&p, (struct form){.partial = true});
        p.seq += SIZE;
        write_link(frames[1], (struct form){.tagged = false}, false);
        lens[1] = ETH_HEADER_LEN + rig_write(frames[1] + ETH_HEADER_LEN, &p);
        frames[1][at] ^= 4;
        coalesce_add_frame(&c, frames[1], lens[1], false);
        assert_int_equal(c.n_chains, 2);
        coalesce_clear(&c);
    }
    add_run(rig_tcp(1, SIZE), 1, (struct form){.tagged = true});
    add_run(rig_tcp(1 + SIZE, SIZE), 1, (struct form){.tagged = false});
    assert_int_equal(c.n_chains, 2);
}

/* ARP; and an Ethernet header that would be an IP packet's, were it looked at as one. */
static void
other_frames_leave_as_they_are_and_nothing_passes_them(void **state)
{
    static uint8_t other[64], whole[WHOLE];
    struct rig_packet p = rig_tcp(1, SIZE);
    struct vnet_header h;

    (void)state;
    add(&p, (struct form){.partial = true});
    rig_write(other, &(struct rig_packet){.udp = true, .payload = 20});
    put_be16(other + 12, ETH_ARP);
    coalesce_add_frame(&c, other, 48, false);
    coalesce_add_frame(&c, other, 3, false);
    memcpy(originals[3], other, 48);
    p.seq += SIZE;
    c.packets[c.n_packets].data = NULL;
    add(&p, (struct form){.partial = true});
    assert_int_equal(c.n_chains, 4);
    assert_int_equal(gather(1, &h, whole), 48);
    assert_false(h.needs_checksum);
    assert_memory_equal(whole, other, 48);
    assert_int_equal(gather(2, &h, whole), 3);
}

/* The kernel takes a frame of 64 KB for one that the next device cannot take whole. */
static void
a_super_frame_is_no_longer_than_64_kb(void **state)
{
    struct rig_packet p = rig_tcp(1, 1393); /* 47 of them would fit without an Ethernet header */

    (void)state;
    add_run(p, 47, (struct form){.partial = true});
    assert_int_equal(c.n_chains, 2);
    assert_int_equal(c.chains[0].n, 46);
}

/* --- from the kernel --- */

static struct vnet_header
write_super(uint8_t *frame, const struct rig_packet *p, bool tagged, size_t *len)
{
    size_t link_len = write_link(frame, (struct form){.tagged = tagged}, p->v6);
    struct vnet_header h = rig_write_super(frame + link_len, p, SIZE, len);

    h.checksum_start += (uint16_t)link_len;
    *len += link_len;
    return h;
}

static void
frames_are_cut_with_their_ethernet_header_and_flags(void **state)
{
    static uint8_t super[WHOLE], part[ROOM], expected[ROOM];

    (void)state;
    for (unsigned kind = 0; kind < 16; kind++) {
        struct form f = {.tagged = kind & 1, .partial = kind & 2};
        struct rig_packet p = kind & 4 ? rig_udp(9, 3 * SIZE) : rig_tcp(77, 3 * SIZE);
        struct vnet_header h;
        struct segmenter s;
        size_t len;

        p.v6 = kind & 8;
        p.flags |= TCP_CWR | TCP_PSH | TCP_FIN;
        h = write_super(super, &p, f.tagged, &len);
        assert_int_equal(segment_begin_frame(&s, &h, super, len, f.partial), WGT_OK);
        p.payload = SIZE;
        for (unsigned i = 0; i < 3; i++, p.seq += SIZE, p.id++) {
            size_t link_len = write_link(expected, f, p.v6);

            p.flags = TCP_ACK | (i == 0 ? TCP_CWR : 0) | (i == 2 ? TCP_PSH | TCP_FIN : 0);
            len = rig_write(expected + link_len, &p);
            if (f.partial)
                rig_make_partial(expected + link_len, len);
            assert_int_equal(segment_next(&s, part), link_len + len);
            assert_memory_equal(part, expected, link_len + len);
        }
        assert_false(segment_is_left(&s));
    }
}

static void
what_is_no_super_frame_is_refused(void **state)
{
    static uint8_t super[WHOLE];
    struct rig_packet p = rig_tcp(77, 3 * SIZE);
    struct segmenter s;
    struct vnet_header h;
    size_t len;

    (void)state;
#define REFUSED(change)                                                                            \
    do {                                                                                           \
        h = write_super(super, &p, false, &len);                                                   \
        assert_int_equal(segment_begin_frame(&s, &h, super, len, true), WGT_OK);                   \
        change;                                                                                    \
        assert_int_equal(segment_begin_frame(&s, &h, super, len, true), WGT_DROP_ETH_OFFLOAD);     \
    } while (0)
    REFUSED(len = 0);
    REFUSED(len = ETH_HEADER_LEN);
    REFUSED(len = ETH_HEADER_LEN + 20);
    REFUSED(super[13] = 6); /* ARP */
    REFUSED(h.checksum_start -= ETH_HEADER_LEN);
    REFUSED(h.needs_checksum = false);
    REFUSED(h.gso_size = 0);
    REFUSED(len--);
#undef REFUSED
}

static void
the_kernel_vouches_for_tcp_and_udp_only(void **state)
{
    static uint8_t frame[ROOM];

    (void)state;
    for (unsigned kind = 0; kind < 8; kind++) {
        struct rig_packet p = kind & 1 ? rig_udp(9, 100) : rig_tcp(1, 100);
        size_t link_len = write_link(frame, (struct form){.tagged = kind & 4}, p.v6 = kind & 2);
        size_t len = link_len + rig_write(frame + link_len, &p);
        struct vnet_header none = {.gso = VNET_GSO_NONE}, h = none;

        assert_false(segment_is_vouched_for(&none, frame, len));
        none.checked = true;
        assert_true(segment_is_vouched_for(&none, frame, len));
        h = rig_make_partial(frame + link_len, len - link_len);
        h.checksum_start += (uint16_t)link_len;
        assert_true(segment_is_vouched_for(&h, frame, len));
        assert_true(segment_is_vouched_for(&h, frame, len + 9)); /* padded */
        assert_false(segment_is_vouched_for(&h, frame, len - 1));
        h.checksum_start += 8; /* a tunnel's inner packet */
        assert_false(segment_is_vouched_for(&h, frame, len));
        h.checksum_start -= 8;
        h.checksum_offset += 2;
        assert_false(segment_is_vouched_for(&h, frame, len));
    }
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup(name, set_up)
    const struct CMUnitTest tests[] = {
        T(frames_that_follow_each_other_become_one),
        T(the_header_counts_from_the_frame),
        T(a_frame_alone_leaves_its_checksum_to_the_kernel),
        T(a_complete_frame_alone_asks_for_nothing),
        T(complete_frames_are_verified_before_they_are_joined),
        T(frames_with_other_ethernet_headers_are_not_joined),
        T(other_frames_leave_as_they_are_and_nothing_passes_them),
        T(a_super_frame_is_no_longer_than_64_kb),
        T(frames_are_cut_with_their_ethernet_header_and_flags),
        T(what_is_no_super_frame_is_refused),
        T(the_kernel_vouches_for_tcp_and_udp_only),
    };
#undef T

    return cmocka_run_group_tests(tests, NULL, NULL);
}
