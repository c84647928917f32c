/* SPDX-License-Identifier: BSD-3-Clause */
/* Which worker a packet belongs to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>

#include <rte_thash.h>

#include <wgtcpd/dataplane/steer.h>
#include <wgtcpd/wire/udp.h>

/* Microsoft, "Verifying the RSS Hash Calculation": key, and what it makes of these. */
static const uint8_t microsoft[STEER_KEY_LEN] = {
    0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
    0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
    0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

static struct steer steer;

/* "1.2.3.4:5" or "[1::2]:3" */
static struct ip_endpoint
endpoint(const char *text)
{
    const char *colon = strrchr(text, ':');
    char name[INET6_ADDRSTRLEN] = "";
    struct ip_endpoint e = {.port = (uint16_t)atoi(colon + 1)};
    uint8_t a[16];

    if (*text == '[') {
        memcpy(name, text + 1, (size_t)(colon - text) - 2);
        assert_int_equal(inet_pton(AF_INET6, name, a), 1);
        e.addr = ip_addr_v6(a);
    } else {
        memcpy(name, text, (size_t)(colon - text));
        assert_int_equal(inet_pton(AF_INET, name, a), 1);
        e.addr = ip_addr_v4(a);
    }
    return e;
}

static uint32_t
hash_of(const char *local, const char *remote)
{
    struct ip_endpoint l = endpoint(local), r = endpoint(remote);

    return steer_rss(&steer, &l, &r);
}

static void
hash_is_the_one_that_hardware_computes(void **state)
{
    (void)state;
    steer_init(&steer, 2, microsoft);
    assert_int_equal(hash_of("161.142.100.80:1766", "66.9.149.187:2794"), 0x51ccc178);
    assert_int_equal(hash_of("65.69.140.83:4739", "199.92.111.2:14230"), 0xc626b0ea);
    assert_int_equal(hash_of("12.22.207.184:38024", "24.19.198.95:12898"), 0x5c2b394a);
    assert_int_equal(hash_of("[3ffe:2501:200:3::1]:1766", "[3ffe:2501:200:1fff::7]:2794"),
                     0x40207d3d);
    assert_int_equal(hash_of("[ff02::1]:4739", "[3ffe:501:8::260:97ff:fe40:efab]:14230"),
                     0xdde51bbf);
    assert_int_equal(
        hash_of("[fe80::200:f8ff:fe21:67cf]:38024", "[3ffe:1900:4545:3:200:f8ff:fe21:67cf]:44251"),
        0x02d1feef);
}

/* Under a random key, against DPDK's own. */
static void
hash_is_dpdk_s(void **state)
{
    uint8_t key[STEER_KEY_LEN];
    uint32_t x = 1, words[3];

    (void)state;
    for (unsigned i = 0; i < sizeof(key); i++)
        key[i] = (uint8_t)((x = x * 1664525 + 1013904223) >> 24);
    steer_init(&steer, 3, key);
    for (unsigned i = 0; i < 1000; i++) {
        struct ip_endpoint local, remote;
        uint8_t a[4];

        for (unsigned k = 0; k < 3; k++)
            words[k] = x = x * 1664525 + 1013904223;
        put_be32(a, words[0]);
        remote = (struct ip_endpoint){ip_addr_v4(a), (uint16_t)(words[2] >> 16)};
        put_be32(a, words[1]);
        local = (struct ip_endpoint){ip_addr_v4(a), (uint16_t)words[2]};
        assert_int_equal(steer_rss(&steer, &local, &remote), rte_softrss(words, 3, key));
        assert_int_equal(steer_connection(&steer, &local, &remote),
                         rte_softrss(words, 3, key) % 128 % 3);
    }
}

/* --- packets ------------------------------------------------------------------------------------
 */

enum { SELF = 5, WORKERS = 6 };

static uint8_t packet[128];

static struct ip_header
udp(size_t message_len, size_t padding)
{
    struct ip_header ip = {.protocol = IP_PROTO_UDP, .header_len = IPV4_HEADER_LEN};

    memset(packet, 0, sizeof(packet));
    put_be16(packet + IPV4_HEADER_LEN + 4, (uint16_t)(UDP_HEADER_LEN + message_len));
    ip.payload_len = (uint32_t)(UDP_HEADER_LEN + message_len + padding);
    return ip;
}

static unsigned
worker_of(const struct ip_header *ip)
{
    return steer_packet(&steer, SELF, packet, ip, NULL);
}

static void
set_message(uint32_t type, size_t index_at, uint32_t index)
{
    uint8_t *message = packet + IPV4_HEADER_LEN + UDP_HEADER_LEN;

    put_le32(message, type);
    put_le32(message + index_at, index);
}

static void
messages_go_by_receiver_index(void **state)
{
    struct ip_header ip = udp(MESSAGE_MIN_LEN, 0);

    (void)state;
    steer_init(&steer, WORKERS, microsoft);
    set_message(MESSAGE_DATA, 4, 0x2fffffff);
    assert_int_equal(worker_of(&ip), 2);
    set_message(MESSAGE_DATA, 4, 0x00000000);
    assert_int_equal(worker_of(&ip), 0);
    ip = udp(MESSAGE_RESPONSE_LEN, 0);
    set_message(MESSAGE_RESPONSE, 8, 0x4000abcd);
    assert_int_equal(worker_of(&ip), 4);
    ip = udp(MESSAGE_COOKIE_REPLY_LEN, 0);
    set_message(MESSAGE_COOKIE_REPLY, 4, 0x3000abcd);
    assert_int_equal(worker_of(&ip), 3);
    /* with padding of the link behind it */
    ip = udp(MESSAGE_COOKIE_REPLY_LEN, 6);
    set_message(MESSAGE_COOKIE_REPLY, 4, 0x3000abcd);
    assert_int_equal(worker_of(&ip), 3);
}

static void
what_names_no_worker_stays(void **state)
{
    struct ip_header ip = udp(MESSAGE_INITIATION_LEN, 0);

    (void)state;
    steer_init(&steer, WORKERS, microsoft);
    set_message(MESSAGE_INITIATION, 4, 0x20000000);
    assert_int_equal(worker_of(&ip), SELF);
    ip = udp(MESSAGE_MIN_LEN, 0); /* a worker that there is not */
    set_message(MESSAGE_DATA, 4, 0x6fffffff);
    assert_int_equal(worker_of(&ip), SELF);
    set_message(9, 4, 0x2fffffff); /* no message */
    assert_int_equal(worker_of(&ip), SELF);
    ip.protocol = IP_PROTO_ICMP;
    assert_int_equal(worker_of(&ip), SELF);
}

static void
what_is_cut_short_is_not_read(void **state)
{
    struct ip_header ip = udp(MESSAGE_MIN_LEN, 0);

    (void)state;
    steer_init(&steer, WORKERS, microsoft);
    set_message(MESSAGE_DATA, 4, 0x2fffffff);
    ip.payload_len = UDP_HEADER_LEN + MESSAGE_MIN_LEN - 1; /* less than UDP's length says */
    assert_int_equal(worker_of(&ip), SELF);
    ip.payload_len = 4;
    assert_int_equal(worker_of(&ip), SELF);
    ip.payload_len = UDP_HEADER_LEN + MESSAGE_MIN_LEN;
    put_be16(packet + IPV4_HEADER_LEN + 4, 7); /* less than its header */
    assert_int_equal(worker_of(&ip), SELF);
    ip.protocol = IP_PROTO_TCP;
    ip.payload_len = 3;
    assert_int_equal(worker_of(&ip), SELF);
}

static void
segments_go_by_connection(void **state)
{
    struct ip_endpoint local = endpoint("192.0.2.1:443"), remote = endpoint("198.51.100.7:1000");
    struct ip_header ip = {.protocol = IP_PROTO_TCP,
                           .header_len = IPV4_HEADER_LEN,
                           .payload_len = 20,
                           .src = remote.addr,
                           .dst = local.addr};
    unsigned seen = 0;

    (void)state;
    steer_init(&steer, WORKERS, microsoft);
    put_be16(packet + IPV4_HEADER_LEN + 2, local.port);
    for (remote.port = 1000; remote.port < 1100; remote.port++) {
        unsigned worker = steer_connection(&steer, &local, &remote);
        uint32_t hash = steer_rss(&steer, &local, &remote);

        put_be16(packet + IPV4_HEADER_LEN, remote.port);
        assert_true(worker < WORKERS);
        assert_int_equal(worker_of(&ip), worker);
        assert_int_equal(steer_packet(&steer, SELF, packet, &ip, &hash), worker);
        seen |= 1U << worker;
    }
    assert_int_equal(seen, (1U << WORKERS) - 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hash_is_the_one_that_hardware_computes),
        cmocka_unit_test(hash_is_dpdk_s),
        cmocka_unit_test(messages_go_by_receiver_index),
        cmocka_unit_test(what_names_no_worker_stays),
        cmocka_unit_test(what_is_cut_short_is_not_read),
        cmocka_unit_test(segments_go_by_connection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
