/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a set operation does to a running node: the rules of Linux's wg_set_device, one a test, and
 * that a change which fails leaves nothing behind.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "device_rig.h"

/* The device's own allocations can be made to fail; the other rooms' are drawn by it in its plan.
 */
static int allocations_left = -1; /* negative: no limit */

static bool
allowed(void)
{
    if (allocations_left == 0)
        return false;
    allocations_left -= allocations_left > 0;
    return true;
}

void *__real_calloc(size_t n, size_t size);
void *__real_aligned_alloc(size_t align, size_t size);
char *__real_strdup(const char *s);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_aligned_alloc(size_t align, size_t size);
char *__wrap_strdup(const char *s);

void *
__wrap_calloc(size_t n, size_t size)
{
    return allowed() ? __real_calloc(n, size) : NULL;
}

void *
__wrap_aligned_alloc(size_t align, size_t size)
{
    return allowed() ? __real_aligned_alloc(align, size) : NULL;
}

char *
__wrap_strdup(const char *s)
{
    return allowed() ? __real_strdup(s) : NULL;
}

static struct change change;
static struct device_effect effect;

/* --- words -------------------------------------------------------------------------------------
 */

static const uint8_t *
private_key(uint8_t n)
{
    static uint8_t key[NOISE_KEY_LEN];

    memset(key, n, sizeof(key));
    if (n != 0)
        noise_clamp(key);
    return key;
}

static const uint8_t *
public_key(uint8_t n)
{
    static uint8_t key[NOISE_KEY_LEN];

    noise_public_key(key, private_key(n));
    return key;
}

/* A key that nobody has computed from anything. */
static const uint8_t *
numbered_key(uint32_t n)
{
    static uint8_t key[NOISE_KEY_LEN];

    memset(key, 9, sizeof(key));
    put_be32(key, n * 2654435761);
    return key;
}

static struct ip_prefix
prefix(uint32_t v4, uint8_t len)
{
    uint8_t bytes[4];

    put_be32(bytes, v4);
    return (struct ip_prefix){ip_addr_v4(bytes), len};
}

static struct ip_endpoint
endpoint(uint8_t last, uint16_t port)
{
    const uint8_t bytes[4] = {192, 0, 2, last};

    return (struct ip_endpoint){ip_addr_v4(bytes), port};
}

static struct change_peer *
peer(const uint8_t *key)
{
    struct change_peer *p = change_add_peer(&change, key);

    assert_non_null(p);
    return p;
}

static void
add_prefix(struct change_peer *p, uint32_t v4, uint8_t len)
{
    struct ip_prefix a = prefix(v4, len);

    assert_true(change_add_prefix(p, &a, false));
}

static void
apply(void)
{
    assert_int_equal(device_apply(&rig.device, &change, &effect), 0);
    change_free(&change);
    rig_turn();
}

static struct device_peer *
found(const uint8_t *key)
{
    return device_find(&rig.device, key);
}

static struct tunnel_peer *
owner_of(uint32_t v4)
{
    uint8_t bytes[4];

    put_be32(bytes, v4);
    return allowedips_lookup_v4(&rig.ips, bytes);
}

static unsigned
worker_peers(void)
{
    struct tunnel_peer *p;
    unsigned n = 0;

    LIST_FOREACH(p, &rig.tunnel.peers, link)
    n++;
    return n;
}

static void
set_private_key(uint8_t n)
{
    change.has_private_key = true;
    memcpy(change.private_key, private_key(n), NOISE_KEY_LEN);
}

static void
add_peer_with_endpoint(uint8_t n, uint8_t last)
{
    struct change_peer *p = peer(public_key(n));

    p->has_endpoint = true;
    p->endpoint = endpoint(last, 1000);
    add_prefix(p, 0x0a000000U + n, 32);
    apply();
}

/* An inner packet to 10.0.0.n. */
static void
offer(uint8_t n)
{
    struct ip_header ip = {.protocol = IP_PROTO_UDP, .ttl = 64, .payload_len = UDP_HEADER_LEN};
    struct rte_mbuf *m = rte_pktmbuf_alloc(rig.pool);
    uint8_t *p;

    assert_non_null(m);
    p = (uint8_t *)rte_pktmbuf_append(m, IPV4_HEADER_LEN + UDP_HEADER_LEN);
    ip.src = prefix(0x0a0000ffU, 32).addr;
    ip.dst = prefix(0x0a000000U + n, 32).addr;
    udp_write(p + IPV4_HEADER_LEN, &ip.src, &ip.dst, 7, 7, 0, true);
    ip_write(p, &ip);
    tunnel_rx_inner(&rig.tunnel, rig.now, m);
    rig_turn();
}

static int
up(void **state)
{
    (void)state;
    change_init(&change);
    allocations_left = -1;
    return rig_up(private_key(1), RIG_PEERS_MAX);
}

static int
down(void **state)
{
    (void)state;
    allocations_left = -1;
    change_free(&change);
    rig_down();
    assert_int_equal(rte_mempool_avail_count(rig.pool), RIG_PACKETS);
    return 0;
}

/* --- peers -------------------------------------------------------------------------------------
 */

static void
a_peer_is_added_and_has_what_was_asked(void **state)
{
    struct change_peer *p = peer(public_key(2));
    const struct device_peer *d;

    (void)state;
    p->has_psk = p->has_endpoint = p->has_keepalive = p->has_transport = p->has_knock = true;
    p->psk[0] = 5;
    p->endpoint = endpoint(2, 4000);
    p->host = strdup("peer.example");
    p->keepalive = 25;
    p->transport = CONFIG_TCP;
    p->knock = true;
    add_prefix(p, 0x0a000002, 32);
    apply();
    d = found(public_key(2));
    assert_non_null(d);
    assert_int_equal(rig.device.n_peers, 1);
    assert_int_equal(device_psk(d)[0], 5);
    assert_int_equal(d->endpoint.port, 4000);
    assert_string_equal(device_host(d), "peer.example");
    assert_int_equal(d->keepalive, 25);
    assert_int_equal(d->transport, CONFIG_TCP);
    assert_true(d->knock && effect.allowed_ips && !effect.private_key);
    assert_ptr_equal(owner_of(0x0a000002), d->tunnel);
    assert_int_equal(worker_peers(), 1);
    /* the keepalive dials at once */
    assert_true(rig.sent.syn);
    assert_int_equal(rig.sent.to.port, 4000);
}

static void
update_only_makes_no_peer(void **state)
{
    (void)state;
    peer(public_key(2))->update_only = true;
    apply();
    assert_null(found(public_key(2)));
    add_peer_with_endpoint(2, 2);
    peer(public_key(2))->update_only = true;
    change.peers->has_keepalive = true;
    change.peers->keepalive = 7;
    apply();
    assert_int_equal(found(public_key(2))->keepalive, 7);
}

static void
removing_an_unknown_peer_is_no_error(void **state)
{
    (void)state;
    peer(public_key(2))->remove = true;
    apply();
    assert_int_equal(rig.device.n_peers, 0);
    assert_false(effect.allowed_ips);
}

static void
a_removed_peer_is_forgotten_and_freed_after_the_worker_s_last_word(void **state)
{
    (void)state;
    add_peer_with_endpoint(2, 2);
    peer(public_key(2))->remove = true;
    assert_int_equal(device_apply(&rig.device, &change, &effect), 0);
    change_free(&change);
    assert_true(effect.allowed_ips);
    assert_null(found(public_key(2)));
    assert_null(owner_of(0x0a000002));
    assert_false(LIST_EMPTY(&rig.device.leaving));
    assert_int_equal(worker_peers(), 1);
    rig.synchronized = 0;
    rig_turn();
    assert_int_equal(worker_peers(), 0);
    assert_true(LIST_EMPTY(&rig.device.leaving) && LIST_EMPTY(&rig.device.gone));
    assert_int_equal(rig.synchronized, 1);
}

static void
a_peer_may_be_removed_and_added_in_one_change(void **state)
{
    const struct tunnel_peer *before;

    (void)state;
    add_peer_with_endpoint(2, 2);
    before = found(public_key(2))->tunnel;
    peer(public_key(2))->remove = true;
    add_prefix(peer(public_key(2)), 0x0a000009, 32);
    apply();
    assert_int_equal(rig.device.n_peers, 1);
    assert_ptr_not_equal(found(public_key(2))->tunnel, before);
    assert_int_equal(found(public_key(2))->endpoint.addr.family, IP_NONE);
    assert_null(owner_of(0x0a000002));
    assert_non_null(owner_of(0x0a000009));
    /* and the other way round */
    peer(public_key(3));
    peer(public_key(3))->remove = true;
    apply();
    assert_null(found(public_key(3)));
    assert_int_equal(rig.device.n_peers, 1);
    assert_int_equal(worker_peers(), 1);
}

static void
a_peer_may_come_several_times(void **state)
{
    struct change_peer *p;

    (void)state;
    add_prefix(peer(public_key(2)), 0x0a000001, 32);
    p = peer(public_key(2));
    p->has_keepalive = true;
    p->keepalive = 3;
    add_prefix(p, 0x0a000002, 32);
    apply();
    assert_int_equal(rig.device.n_peers, 1);
    assert_int_equal(found(public_key(2))->keepalive, 3);
    assert_non_null(owner_of(0x0a000001));
    assert_non_null(owner_of(0x0a000002));
}

static void
replace_peers_removes_all_others(void **state)
{
    const struct tunnel_peer *before;

    (void)state;
    add_peer_with_endpoint(2, 2);
    add_peer_with_endpoint(3, 3);
    before = found(public_key(3))->tunnel;
    change.replace_peers = true;
    peer(public_key(3));
    apply();
    assert_null(found(public_key(2)));
    assert_ptr_not_equal(found(public_key(3))->tunnel, before);
    assert_null(owner_of(0x0a000003));
    assert_int_equal(rig.device.n_peers, 1);
    assert_int_equal(worker_peers(), 1);
}

/* --- allowed IPs ---------------------------------------------------------------------------------
 */

static void
a_prefix_of_another_peer_is_moved(void **state)
{
    (void)state;
    add_peer_with_endpoint(2, 2);
    add_prefix(peer(public_key(3)), 0x0a000002, 32);
    apply();
    assert_ptr_equal(owner_of(0x0a000002), found(public_key(3))->tunnel);
    assert_true(effect.allowed_ips);
}

static void
a_prefix_is_removed_only_from_its_peer(void **state)
{
    const struct ip_prefix a = prefix(0x0a000002, 32);

    (void)state;
    add_peer_with_endpoint(2, 2);
    assert_true(change_add_prefix(peer(public_key(3)), &a, true));
    apply();
    assert_non_null(owner_of(0x0a000002));
    assert_false(effect.allowed_ips);
    assert_true(change_add_prefix(peer(public_key(2)), &a, true));
    apply();
    assert_null(owner_of(0x0a000002));
    assert_true(effect.allowed_ips);
}

static void
replace_allowed_ips_leaves_the_new_ones_only(void **state)
{
    struct change_peer *p;

    (void)state;
    p = peer(public_key(2));
    add_prefix(p, 0x0a000001, 32);
    add_prefix(p, 0x0a000002, 32);
    apply();
    p = peer(public_key(2));
    p->replace_allowed_ips = true;
    add_prefix(p, 0x0a000002, 32);
    add_prefix(p, 0x0a000003, 32);
    apply();
    assert_null(owner_of(0x0a000001));
    assert_non_null(owner_of(0x0a000002));
    assert_non_null(owner_of(0x0a000003));
    /* The same ones again change nothing: no route is to be touched. */
    p = peer(public_key(2));
    p->replace_allowed_ips = true;
    add_prefix(p, 0x0a000003, 32);
    add_prefix(p, 0x0a000002, 32);
    apply();
    assert_false(effect.allowed_ips);
}

/* --- the interface -------------------------------------------------------------------------------
 */

static void
the_own_key_is_never_a_peer_and_no_error(void **state)
{
    (void)state;
    add_prefix(peer(public_key(1)), 0x0a000001, 32);
    apply();
    assert_int_equal(rig.device.n_peers, 0);
    assert_null(owner_of(0x0a000001));
    /* nor the key that comes with the same change */
    set_private_key(7);
    peer(public_key(7));
    peer(public_key(1));
    apply();
    assert_null(found(public_key(7)));
    assert_non_null(found(public_key(1)));
}

static void
a_new_private_key_removes_the_peer_that_has_it(void **state)
{
    (void)state;
    add_peer_with_endpoint(2, 2);
    add_peer_with_endpoint(3, 3);
    set_private_key(2);
    apply();
    assert_true(effect.private_key && effect.allowed_ips);
    assert_null(found(public_key(2)));
    assert_non_null(found(public_key(3)));
    assert_int_equal(rig.device.n_peers, 1);
    assert_int_equal(worker_peers(), 1);
}

static void
the_same_private_key_changes_nothing(void **state)
{
    (void)state;
    set_private_key(1);
    apply();
    assert_false(effect.private_key);
}

static void
a_new_private_key_lets_the_next_handshake_go_at_once(void **state)
{
    (void)state;
    add_peer_with_endpoint(2, 2);
    offer(2);
    assert_int_equal(rig.sent.n, 1);
    offer(2);
    assert_int_equal(rig.sent.n, 1); /* 5 s between two */
    set_private_key(7);
    apply();
    assert_int_equal(rig.sent.n, 2); /* what waits asks anew */
    assert_int_equal(rig.sent.type, MESSAGE_INITIATION);
    assert_memory_equal(rig.handshaker.local.public_key, public_key(7), NOISE_KEY_LEN);
    assert_memory_equal(rig.tunnel.mac1.mac1_key, rig.handshaker.local.mac1_key, NOISE_KEY_LEN);
    assert_int_equal(found(public_key(2))->tunnel->leads,
                     memcmp(rig.handshaker.local.public_key, public_key(2), NOISE_KEY_LEN) > 0);
}

static void
without_a_private_key_nothing_is_sent_or_answered(void **state)
{
    (void)state;
    add_peer_with_endpoint(2, 2);
    set_private_key(0);
    apply();
    assert_true(effect.private_key);
    assert_false(rig.handshaker.local.has_identity || rig.tunnel.mac1.has_identity);
    assert_false(rig.tunnel.tcp.config.listen);
    offer(2);
    assert_int_equal(rig.sent.n, 0);
    set_private_key(1);
    apply();
    assert_true(rig.tunnel.tcp.config.listen);
    assert_int_equal(rig.sent.type, MESSAGE_INITIATION); /* what waited goes at once */
}

static void
a_new_listen_port_holds_at_once(void **state)
{
    (void)state;
    add_peer_with_endpoint(2, 2);
    offer(2);
    assert_int_equal(rig.sent.src_port, RIG_PORT);
    change.has_listen_port = true;
    change.listen_port = 4444;
    apply();
    assert_true(effect.listen_port);
    assert_int_equal(rig.tunnel.tcp.config.listen_port, 4444);
    rig.now += 6 * WGT_SEC;
    rig_turn();
    assert_int_equal(rig.sent.n, 2);
    assert_int_equal(rig.sent.src_port, 4444);
    change.has_listen_port = true;
    change.listen_port = 4444;
    apply();
    assert_false(effect.listen_port);
}

static void
listen_port_zero_draws_one(void **state)
{
    (void)state;
    change.has_listen_port = true;
    apply();
    assert_true(effect.listen_port);
    assert_true(rig.device.listen_port >= 32768 && rig.device.listen_port < 61000);
    assert_int_equal(rig.tunnel.config.listen_port, rig.device.listen_port);
}

static void
fwmark_is_kept(void **state)
{
    (void)state;
    change.has_fwmark = true;
    change.fwmark = 51820;
    apply();
    assert_true(effect.fwmark);
    assert_int_equal(rig.device.fwmark, 51820);
}

/* --- settings of a peer --------------------------------------------------------------------------
 */

static void
a_keepalive_that_is_switched_on_goes_at_once(void **state)
{
    (void)state;
    add_peer_with_endpoint(2, 2);
    assert_int_equal(rig.sent.n, 0);
    peer(public_key(2))->has_keepalive = true;
    change.peers->keepalive = 25;
    apply();
    assert_int_equal(rig.sent.n, 1); /* there is no session: an initiation */
    assert_int_equal(rig.sent.type, MESSAGE_INITIATION);
}

static void
an_endpoint_that_is_set_is_used_at_once(void **state)
{
    (void)state;
    add_peer_with_endpoint(2, 2);
    offer(2);
    assert_int_equal(rig.sent.to.addr.bytes[3], 2);
    peer(public_key(2))->has_endpoint = true;
    change.peers->endpoint = endpoint(9, 1000);
    apply();
    rig.now += 6 * WGT_SEC;
    rig_turn();
    assert_int_equal(rig.sent.to.addr.bytes[3], 9);
}

static void
another_transport_is_used_at_once(void **state)
{
    (void)state;
    add_peer_with_endpoint(2, 2);
    offer(2);
    assert_int_equal(rig.sent.protocol, IP_PROTO_UDP);
    peer(public_key(2))->has_transport = true;
    change.peers->transport = CONFIG_TCP;
    apply();
    assert_true(rig.sent.syn);
    /* a connection under way to an endpoint that holds no more is given up */
    peer(public_key(2))->has_endpoint = true;
    change.peers->endpoint = endpoint(9, 1000);
    apply();
    assert_true(rig.sent.syn);
    assert_int_equal(rig.sent.to.addr.bytes[3], 9);
    assert_int_equal(rig.tunnel.tcp.n_flows, 1);
}

static void
the_same_endpoint_again_disturbs_no_dial(void **state)
{
    unsigned before;

    (void)state;
    peer(public_key(2))->has_transport = true;
    change.peers->transport = CONFIG_TCP;
    change.peers->has_endpoint = true;
    change.peers->endpoint = endpoint(2, 1000);
    add_prefix(change.peers, 0x0a000002, 32);
    apply();
    offer(2);
    before = rig.sent.n;
    peer(public_key(2))->has_endpoint = true;
    change.peers->endpoint = endpoint(2, 1000);
    apply();
    assert_int_equal(rig.sent.n, before);
}

static void
a_psk_holds_for_the_next_handshake(void **state)
{
    const struct handshaker_peer *h;

    (void)state;
    add_peer_with_endpoint(2, 2);
    peer(public_key(2))->has_psk = true;
    change.peers->psk[31] = 8;
    apply();
    h = found(public_key(2))->tunnel->handshaker_peer;
    assert_int_equal(h->remote.preshared_key[31], 8);
    assert_int_equal(device_psk(found(public_key(2)))[31], 8);
}

static void
a_name_without_an_address_leaves_the_peer_where_it_is(void **state)
{
    const struct ip_endpoint later = endpoint(5, 1000);

    (void)state;
    add_peer_with_endpoint(2, 2);
    peer(public_key(2))->has_endpoint = true;
    change.peers->endpoint = (struct ip_endpoint){.port = 1000};
    change.peers->host = strdup("gone.example");
    apply();
    assert_string_equal(device_host(found(public_key(2))), "gone.example");
    offer(2);
    assert_int_equal(rig.sent.to.addr.bytes[3], 2);
    device_set_endpoint(&rig.device, found(public_key(2)), &later);
    rig.now += 6 * WGT_SEC;
    rig_turn();
    assert_int_equal(rig.sent.to.addr.bytes[3], 5);
    assert_string_equal(device_host(found(public_key(2))), "gone.example");
}

/* --- reading beside changes ---------------------------------------------------------------------
 */

static void
expect_read(struct device_cursor *c, size_t max, const char *expected)
{
    struct device_peer *of[16];
    char text[64] = "";
    size_t n = device_cursor_take(c, of, max);

    for (size_t i = 0; i < n; i++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), " %u", of[i]->keepalive);
    assert_string_equal(text, expected);
}

/* Peers 1 to n; each keepalive is the peer's number. */
static void
add_numbered(uint16_t from, uint16_t n)
{
    for (uint16_t i = from; i <= n; i++) {
        struct change_peer *p = peer(numbered_key(i));

        p->has_keepalive = true;
        p->keepalive = i;
    }
    apply();
}

static void
remove_numbered(uint16_t i)
{
    peer(numbered_key(i))->remove = true;
    apply();
}

static void
peers_are_read_in_pieces_in_their_order(void **state)
{
    struct device_cursor c = {.device = NULL};

    (void)state;
    add_numbered(1, 5);
    device_cursor_end(&c); /* harmless */
    device_cursor_begin(&rig.device, &c);
    expect_read(&c, 2, " 1 2");
    expect_read(&c, 0, "");
    expect_read(&c, 2, " 3 4");
    expect_read(&c, 9, " 5");
    expect_read(&c, 9, "");
    device_cursor_end(&c);
    assert_true(LIST_EMPTY(&rig.device.cursors));
}

static void
who_reads_goes_on_behind_peers_that_are_removed(void **state)
{
    struct device_cursor c = {.device = NULL}, other = {.device = NULL};

    (void)state;
    add_numbered(1, 7);
    device_cursor_begin(&rig.device, &c);
    device_cursor_begin(&rig.device, &other);
    expect_read(&c, 2, " 1 2");
    remove_numbered(3); /* the next one */
    remove_numbered(4); /* and the next one then */
    remove_numbered(6);
    remove_numbered(1);
    expect_read(&c, 9, " 5 7");
    expect_read(&other, 9, " 2 5 7");
    device_cursor_end(&c);
    device_cursor_end(&other);
}

static void
who_reads_sees_those_who_come_and_nobody_twice(void **state)
{
    struct device_cursor c = {.device = NULL};

    (void)state;
    add_numbered(1, 3);
    device_cursor_begin(&rig.device, &c);
    expect_read(&c, 2, " 1 2");
    add_numbered(4, 4);
    expect_read(&c, 9, " 3 4");
    device_cursor_end(&c);
}

static void
who_reads_while_all_are_replaced_comes_to_the_end(void **state)
{
    struct device_cursor c = {.device = NULL};

    (void)state;
    add_numbered(1, 3);
    device_cursor_begin(&rig.device, &c);
    expect_read(&c, 1, " 1");
    change.replace_peers = true;
    add_numbered(5, 6);
    expect_read(&c, 9, "");
    device_cursor_end(&c);
}

static void
names_are_known_by_the_device(void **state)
{
    (void)state;
    add_peer_with_endpoint(2, 2);
    assert_true(LIST_EMPTY(&rig.device.names));
    peer(public_key(2))->has_endpoint = true;
    change.peers->host = strdup("a.example");
    apply();
    assert_ptr_equal(LIST_FIRST(&rig.device.names)->peer, found(public_key(2)));
    peer(public_key(2))->has_endpoint = true;
    change.peers->host = strdup("b.example");
    apply();
    assert_string_equal(LIST_FIRST(&rig.device.names)->host, "b.example");
    assert_null(LIST_NEXT(LIST_FIRST(&rig.device.names), link));
    peer(public_key(2))->has_endpoint = true; /* an address */
    change.peers->endpoint = endpoint(2, 1000);
    apply();
    assert_true(LIST_EMPTY(&rig.device.names));
    peer(public_key(2))->has_endpoint = true;
    change.peers->host = strdup("a.example");
    apply();
    peer(public_key(2))->remove = true;
    apply();
    assert_true(LIST_EMPTY(&rig.device.names));
}

/* --- all or nothing ------------------------------------------------------------------------------
 */

/* Everything at once: new key, port, mark, peers gone, new, changed, moved prefixes. */
static void
make_large_change(void)
{
    struct change_peer *p;

    change_free(&change);
    set_private_key(2);
    change.has_listen_port = change.has_fwmark = true;
    change.listen_port = 7777;
    change.fwmark = 3;
    peer(public_key(3))->remove = true;
    p = peer(public_key(4));
    p->replace_allowed_ips = true;
    p->has_keepalive = true;
    p->keepalive = 5;
    add_prefix(p, 0x0a000003, 32);
    for (uint32_t i = 0; i < 20; i++) {
        p = peer(numbered_key(i));
        p->host = __real_strdup("a.example");
        add_prefix(p, 0x0b000000 + i, 32);
        add_prefix(p, 0x0a000004, 32);
    }
}

static void
no_memory_at_any_point_changes_nothing(void **state)
{
    uint64_t changes;
    int rc, n = 0;

    (void)state;
    for (uint8_t i = 2; i <= 4; i++)
        add_peer_with_endpoint(i, i);
    changes = rig.ips.changes;
    do {
        make_large_change();
        allocations_left = n++;
        rc = device_apply(&rig.device, &change, &effect);
        allocations_left = -1;
        if (rc == 0)
            break;
        assert_int_equal(rc, -ENOMEM);
        assert_int_equal(rig.device.n_peers, 3);
        assert_int_equal(rig.ips.changes, changes);
        assert_int_equal(rig.ips.n_spare, 0);
        assert_true(rte_ring_empty(rig.commands));
        assert_int_equal(rig.device.listen_port, RIG_PORT);
        assert_int_equal(rig.device.fwmark, 0);
        assert_memory_equal(rig.handshaker.local.private_key, private_key(1), NOISE_KEY_LEN);
        assert_int_equal(found(public_key(4))->keepalive, 0);
        assert_null(found(numbered_key(0)));
    } while (n < 1000);
    assert_true(n > 20 && n < 1000);
    rig_turn();
    assert_int_equal(rig.device.n_peers, 21); /* 4 and the new ones */
    assert_int_equal(worker_peers(), 21);
    assert_ptr_equal(owner_of(0x0a000004), found(numbered_key(19))->tunnel);
    assert_ptr_equal(owner_of(0x0a000003), found(public_key(4))->tunnel);
}

static void
more_peers_than_there_is_room_for_change_nothing(void **state)
{
    (void)state;
    add_peer_with_endpoint(2, 2);
    set_private_key(7);
    for (uint32_t i = 0; i < RIG_PEERS_MAX; i++)
        peer(numbered_key(i));
    assert_int_equal(device_apply(&rig.device, &change, &effect), -ENOSPC);
    assert_int_equal(rig.device.n_peers, 1);
    assert_memory_equal(rig.handshaker.local.private_key, private_key(1), NOISE_KEY_LEN);
    /* in place of the old ones there is room for them */
    change.replace_peers = true;
    apply();
    assert_int_equal(rig.device.n_peers, RIG_PEERS_MAX);
    assert_int_equal(worker_peers(), RIG_PEERS_MAX);
    assert_true(rig.waits > 0); /* the ring does not hold as many */
    for (uint32_t i = 0; i < RIG_PEERS_MAX; i++)
        assert_non_null(found(numbered_key(i)));
}

static void
a_prefix_that_is_none_changes_nothing(void **state)
{
    const struct ip_prefix bad = prefix(0, 33);

    (void)state;
    add_prefix(peer(public_key(2)), 0x0a000002, 32);
    assert_true(change_add_prefix(change.peers, &bad, false));
    assert_int_equal(device_apply(&rig.device, &change, &effect), -EINVAL);
    assert_null(found(public_key(2)));
    assert_null(owner_of(0x0a000002));
}

/* --- snapshots -----------------------------------------------------------------------------------
 */

static struct tunnel_report *
ask_about_all(void)
{
    struct device_cursor c = {.device = NULL};
    struct device_peer *of[RIG_PEERS_MAX];
    size_t n_of;

    device_cursor_begin(&rig.device, &c);
    n_of = device_cursor_take(&c, of, RIG_PEERS_MAX);
    device_cursor_end(&c);
    return snapshot_ask(&rig.device, of, n_of, NULL);
}

static struct snapshot *
snapshot_at(const struct wall_clock *wall)
{
    struct tunnel_report *r = ask_about_all();
    struct snapshot *s;

    assert_non_null(r);
    rig.report = NULL;
    rig_turn();
    assert_ptr_equal(rig.report, r);
    s = snapshot_make(&rig.device, r, rig.now, wall);
    assert_non_null(s);
    free(r);
    return s;
}

static void
a_snapshot_tells_interface_and_peers(void **state)
{
    static const struct wall_clock wall = {2000, 0};
    struct snapshot *s;

    (void)state;
    add_peer_with_endpoint(2, 2);
    add_peer_with_endpoint(3, 3);
    offer(2);
    offer(4);
    rig.now += 2 * WGT_SEC;
    s = snapshot_at(&wall);
    assert_int_equal(s->n_peers, 2);
    assert_memory_equal(s->public_key, rig.handshaker.local.public_key, NOISE_KEY_LEN);
    assert_true(s->has_private_key);
    assert_int_equal(s->listen_port, RIG_PORT);
    assert_int_equal(s->initiations_sent, 1);
    assert_int_equal(s->data_drops.n[WGT_DROP_NO_PEER], 1);
    assert_int_equal(s->unrouted.n, 1);
    assert_memory_equal(s->peers[0].public_key, public_key(2), NOISE_KEY_LEN);
    assert_ptr_equal(s->peers[0].device, found(public_key(2)));
    assert_int_equal(s->peers[0].path, TRANSPORT_UDP);
    assert_int_equal(s->peers[0].endpoint.addr.bytes[3], 2);
    assert_int_equal(s->peers[0].waiting, 1);
    assert_int_equal(s->peers[0].waiting_bytes, IPV4_HEADER_LEN + UDP_HEADER_LEN);
    assert_int_equal(s->peers[0].queue_delay, 2 * WGT_SEC);
    assert_int_equal(s->peers[0].initiations_sent, 1);
    assert_false(s->peers[0].session || s->peers[0].handshaken || s->peers[0].connected);
    assert_int_equal(s->peers[1].path, TRANSPORT_NONE);
    assert_int_equal(s->peers[1].endpoint.addr.bytes[3], 3); /* as it was set */
    assert_int_equal(s->peers[1].waiting, 0);
    assert_int_equal(s->peers[1].queue_delay, 0);
    snapshot_free(s);
}

static void
a_snapshot_tells_of_the_connection(void **state)
{
    static const struct wall_clock wall = {2000, 0};
    struct snapshot *s;

    (void)state;
    add_peer_with_endpoint(2, 2);
    peer(public_key(2))->has_transport = true;
    change.peers->transport = CONFIG_TCP;
    apply();
    offer(2);
    s = snapshot_at(&wall);
    assert_true(s->peers[0].connected && s->peers[0].connection.dialled);
    assert_int_equal(s->peers[0].connection.info.state, TCP_SYN_SENT);
    assert_int_equal(s->peers[0].dials, 1);
    assert_int_equal(s->connections, 1);
    snapshot_free(s);
}

/* What the wall clock does meanwhile changes nothing. */
static void
a_handshake_s_time_is_told_the_same_each_time(void **state)
{
    static const struct wall_clock first = {5000, 250000000}, later = {99, 0};
    struct snapshot *s;

    (void)state;
    add_peer_with_endpoint(2, 2);
    found(public_key(2))->tunnel->stats.handshakes = 1;
    found(public_key(2))->tunnel->stats.last_handshake = rig.now - 3 * WGT_SEC / 2;
    s = snapshot_at(&first);
    assert_true(s->peers[0].handshaken);
    assert_int_equal(s->peers[0].handshake_seconds, 4998);
    assert_int_equal(s->peers[0].handshake_nanoseconds, 750000000);
    assert_int_equal(s->peers[0].handshake_age, 3 * WGT_SEC / 2);
    snapshot_free(s);
    rig.now += 10 * WGT_SEC;
    s = snapshot_at(&later);
    assert_int_equal(s->peers[0].handshake_seconds, 4998);
    assert_int_equal(s->peers[0].handshake_nanoseconds, 750000000);
    assert_int_equal(s->peers[0].handshake_age, 23 * WGT_SEC / 2);
    snapshot_free(s);
}

/* A report is made in parts; its peers stay until it is done. */
static void
a_peer_is_not_removed_while_it_is_reported(void **state)
{
    struct tunnel_report *r;

    (void)state;
    for (uint32_t i = 0; i < 1000; i++)
        peer(numbered_key(i));
    apply();
    r = ask_about_all();
    assert_non_null(r);
    change.replace_peers = true;
    assert_int_equal(device_apply(&rig.device, &change, NULL), 0);
    change_free(&change);
    tunnel_run(&rig.tunnel, rig.now);
    assert_true(r->workers[0].n_done > 0 && r->workers[0].n_done < r->n_peers);
    assert_int_equal(tunnel_deadline(&rig.tunnel), 0);
    assert_int_equal(worker_peers(), 1000);
    rig_turn();
    assert_int_equal(worker_peers(), 0);
    assert_int_equal(r->workers[0].n_done, 1000);
    assert_ptr_equal(rig.report, r);
    free(r);
}

static double
seconds(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
many_allowed_ips_in_one_change_take_no_time(void **state)
{
    double begin;

    (void)state;
    for (uint32_t i = 0; i < 100; i++)
        for (struct change_peer *p = peer(numbered_key(i)); p->n_allowed_ips < 650;)
            add_prefix(p, 0x0a000000U + i * 65536 + (uint32_t)p->n_allowed_ips * 2, 32);
    begin = seconds();
    apply();
    begin = seconds() - begin;
    print_message("65,000 allowed IPs: %.0f ms\n", begin * 1e3);
    assert_int_equal(rig.ips.count, 65000);
    assert_true(begin < 2);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, up, down)
    const struct CMUnitTest tests[] = {
        TEST(a_peer_is_added_and_has_what_was_asked),
        TEST(update_only_makes_no_peer),
        TEST(removing_an_unknown_peer_is_no_error),
        TEST(a_removed_peer_is_forgotten_and_freed_after_the_worker_s_last_word),
        TEST(a_peer_may_be_removed_and_added_in_one_change),
        TEST(a_peer_may_come_several_times),
        TEST(replace_peers_removes_all_others),
        TEST(a_prefix_of_another_peer_is_moved),
        TEST(a_prefix_is_removed_only_from_its_peer),
        TEST(replace_allowed_ips_leaves_the_new_ones_only),
        TEST(the_own_key_is_never_a_peer_and_no_error),
        TEST(a_new_private_key_removes_the_peer_that_has_it),
        TEST(the_same_private_key_changes_nothing),
        TEST(a_new_private_key_lets_the_next_handshake_go_at_once),
        TEST(without_a_private_key_nothing_is_sent_or_answered),
        TEST(a_new_listen_port_holds_at_once),
        TEST(listen_port_zero_draws_one),
        TEST(fwmark_is_kept),
        TEST(a_keepalive_that_is_switched_on_goes_at_once),
        TEST(an_endpoint_that_is_set_is_used_at_once),
        TEST(another_transport_is_used_at_once),
        TEST(the_same_endpoint_again_disturbs_no_dial),
        TEST(a_psk_holds_for_the_next_handshake),
        TEST(a_name_without_an_address_leaves_the_peer_where_it_is),
        TEST(peers_are_read_in_pieces_in_their_order),
        TEST(who_reads_goes_on_behind_peers_that_are_removed),
        TEST(who_reads_sees_those_who_come_and_nobody_twice),
        TEST(who_reads_while_all_are_replaced_comes_to_the_end),
        TEST(names_are_known_by_the_device),
        TEST(no_memory_at_any_point_changes_nothing),
        TEST(more_peers_than_there_is_room_for_change_nothing),
        TEST(a_prefix_that_is_none_changes_nothing),
        TEST(many_allowed_ips_in_one_change_take_no_time),
        TEST(a_snapshot_tells_interface_and_peers),
        TEST(a_snapshot_tells_of_the_connection),
        TEST(a_handshake_s_time_is_told_the_same_each_time),
        TEST(a_peer_is_not_removed_while_it_is_reported),
    };

    if (rig_start() != 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
