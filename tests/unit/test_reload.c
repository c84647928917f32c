/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A file read anew against a device that runs, and a device written as a file: each rule under its
 * name. What a reload asks for is applied, so that a test sees what comes of it, too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <wgtcpd/control/reload.h>
#include <wgtcpd/control/save.h>

#include "device_rig.h"

#define KEY   "cGFtcGxlLXByaXZhdGUta2V5LS1uaWMtLS1zZXJ2ZXI=" /* clamped */
#define KEY2  "c2FtcGxlLXByaXZhdGUta2V5LWxhcHRvcC1zZXJ2ZXI="
#define PUB   "iAxi7OookMFdwnhm7vVie3iU0etvmMbDMXWln9sl5Tg="
#define PUB2  "jNhUXBXTllyUjwF9LRKewLWJlTqiAXoz2+WnZkUlbCY="
#define PSK   "c2FtcGxlLXByZXNoYXJlZC1rZXktbmV2ZXItdXNlLSE="
#define HEAD  "[Interface]\nPrivateKey = " KEY "\nListenPort = 51820\n"
#define PORT  "[Port]\nDevice = net_tap0\nAddress = 192.0.2.1/24, 2001:db8::1/64\n"
#define PEER  "[Peer]\nPublicKey = " PUB "\n"
#define PEER2 "[Peer]\nPublicKey = " PUB2 "\n"

static struct config *running;
static struct change change;
static struct reload_counts counts;

static struct config *
parse(const char *text)
{
    struct config *c = config_parse("wg0.conf", text, strlen(text), stderr);

    assert_non_null(c);
    return c;
}

/* What the text would change, in `change` and `counts`. */
static struct config *
diff(const char *text)
{
    struct config *c = parse(text);

    change_free(&change);
    assert_int_equal(reload_diff(running, c, &rig.device, &change, &counts), 0);
    return c;
}

/* Reloads with the text. */
static void
reload(const char *text)
{
    struct config *c = diff(text);

    assert_int_equal(device_apply(&rig.device, &change, NULL), 0);
    rig_turn();
    reload_take(running, c);
    rig.device.config = (struct device_config){.transport = running->transport,
                                               .congestion = running->congestion,
                                               .knock = running->tcp_knock};
    config_free(c);
}

static int
start(void **state)
{
    static const char text[] = HEAD PORT;
    uint8_t key[CONFIG_KEY_LEN];

    (void)state;
    config_key_parse(key, KEY);
    if (rig_up(key, 16) != 0)
        return -1;
    change_init(&change);
    running = parse(text);
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    change_free(&change);
    config_free(running);
    rig_down();
    return 0;
}

static struct device_peer *
find(const char *text)
{
    uint8_t key[CONFIG_KEY_LEN];

    assert_true(config_key_parse(key, text));
    return device_find(&rig.device, key);
}

static void
expect_counts(size_t added, size_t removed, size_t changed, size_t untouched)
{
    assert_int_equal(counts.added, added);
    assert_int_equal(counts.removed, removed);
    assert_int_equal(counts.changed, changed);
    assert_int_equal(counts.untouched, untouched);
}

static bool
append(void *ctx, const struct ip_prefix *p, void *value)
{
    char text[IP_TEXT_MAX];

    (void)value;
    strcat(ctx, " ");
    strcat(ctx, ip_prefix_format(text, p));
    return true;
}

static void
expect_ips(const char *key, const char *expected)
{
    char all[512] = "";

    allowedips_walk_value(&rig.ips, find(key)->tunnel, append, all);
    assert_string_equal(all, expected);
}

/* --- reload ------------------------------------------------------------------------------------
 */

static void
the_same_file_asks_for_nothing(void **state)
{
    static const char text[] =
        HEAD "FwMark = 7\nTransport = tcp\n" PORT PEER "PresharedKey = " PSK
             "\nAllowedIPs = 10.0.0.0/24, 2001:db8:1::/48\n"
             "Endpoint = 192.0.2.2:51820\nPersistentKeepalive = 25\nTcpKnock = on\n" PEER2
             "Transport = udp\nCongestionControl = cubic\nEndpoint = vpn.example.com:443\n";
    struct config *c;

    (void)state;
    reload(text);
    expect_counts(2, 0, 0, 0);
    c = diff(text);
    expect_counts(0, 0, 0, 2);
    assert_false(change.has_private_key || change.has_listen_port || change.has_fwmark);
    assert_false(change.replace_peers);
    for (const struct change_peer *p = change.peers; p != NULL; p = p->next) {
        assert_false(p->remove || p->has_psk || p->has_endpoint || p->has_keepalive);
        assert_false(p->has_transport || p->has_congestion || p->has_knock);
        assert_false(p->replace_allowed_ips);
        assert_int_equal(p->n_allowed_ips, 0);
    }
    config_free(c);
}

static void
a_peer_that_is_not_in_the_file_goes(void **state)
{
    (void)state;
    reload(HEAD PORT PEER PEER2);
    reload(HEAD PORT PEER2);
    expect_counts(0, 1, 0, 1);
    assert_null(find(PUB));
    assert_non_null(find(PUB2));
}

static void
every_setting_of_a_peer_follows(void **state)
{
    struct device_peer *p;

    (void)state;
    reload(HEAD PORT PEER PEER2);
    reload(HEAD PORT PEER "PresharedKey = " PSK
                          "\nPersistentKeepalive = 7\nTransport = tcp\nCongestionControl = none\n"
                          "TcpKnock = on\nEndpoint = 192.0.2.9:1\n" PEER2);
    expect_counts(0, 0, 1, 1);
    p = find(PUB);
    assert_int_equal(device_psk(p)[0], 's');
    assert_int_equal(p->keepalive, 7);
    assert_int_equal(p->transport, CONFIG_TCP);
    assert_int_equal(p->congestion, CONFIG_NONE);
    assert_true(p->knock);
    assert_int_equal(p->endpoint.addr.bytes[3], 9);
    reload(HEAD PORT PEER PEER2);
    assert_int_equal(device_psk(p)[0], 0);
    assert_int_equal(p->keepalive, 0);
    assert_int_equal(p->transport, CONFIG_UDP);
    assert_int_equal(p->congestion, CONFIG_BBR);
    assert_false(p->knock);
}

static void
a_default_of_the_interface_changes_the_peers_that_do_not_say(void **state)
{
    (void)state;
    reload(HEAD PORT PEER PEER2 "Transport = udp\n");
    reload(HEAD "Transport = tcp\n" PORT PEER PEER2 "Transport = udp\n");
    expect_counts(0, 0, 1, 1);
    assert_int_equal(find(PUB)->transport, CONFIG_TCP);
    assert_int_equal(find(PUB2)->transport, CONFIG_UDP);
}

static void
allowed_ips_follow_by_difference(void **state)
{
    const struct change_peer *p;
    struct config *c;

    (void)state;
    reload(HEAD PORT PEER "AllowedIPs = 10.1.0.0/16, 10.2.0.0/16, 2001:db8::/32\n");
    c = diff(HEAD PORT PEER "AllowedIPs = 10.3.0.0/16, 2001:db8::/32, 10.1.0.0/16\n");
    p = change.peers;
    assert_int_equal(p->n_allowed_ips, 2);
    assert_true(p->allowed_ips[0].remove && p->allowed_ips[0].prefix.addr.bytes[1] == 2);
    assert_true(!p->allowed_ips[1].remove && p->allowed_ips[1].prefix.addr.bytes[1] == 3);
    config_free(c);
    reload(HEAD PORT PEER "AllowedIPs = 10.3.0.0/16, 2001:db8::/32, 10.1.0.0/16\n");
    expect_counts(0, 0, 1, 0);
    expect_ips(PUB, " 10.1.0.0/16 2001:db8::/32 10.3.0.0/16");
    reload(HEAD PORT PEER "AllowedIPs = 2001:db8::/32, 10.1.0.0/16, 10.3.0.0/16, 10.1.0.0/16\n");
    expect_counts(0, 0, 0, 1);
    reload(HEAD PORT PEER);
    expect_ips(PUB, "");
}

static void
a_prefix_that_moves_to_another_peer_is_there_afterwards(void **state)
{
    (void)state;
    reload(HEAD PORT PEER "AllowedIPs = 10.1.0.0/16\n" PEER2 "AllowedIPs = 10.2.0.0/16\n");
    reload(HEAD PORT PEER "AllowedIPs = 10.2.0.0/16\n" PEER2 "AllowedIPs = 10.1.0.0/16\n");
    expect_ips(PUB, " 10.2.0.0/16");
    expect_ips(PUB2, " 10.1.0.0/16");
}

static void
an_endpoint_that_the_file_does_not_name_stays(void **state)
{
    (void)state;
    reload(HEAD PORT PEER "Endpoint = 192.0.2.9:1\n");
    reload(HEAD PORT PEER);
    expect_counts(0, 0, 0, 1);
    assert_int_equal(find(PUB)->endpoint.port, 1);
}

static void
a_name_keeps_the_address_that_it_has(void **state)
{
    const uint8_t bytes[4] = {192, 0, 2, 77};
    struct ip_endpoint e = {ip_addr_v4(bytes), 443};
    struct device_peer *p;

    (void)state;
    reload(HEAD PORT PEER "Endpoint = vpn.example.com:443\n");
    p = find(PUB);
    assert_string_equal(device_host(p), "vpn.example.com");
    assert_int_equal(p->endpoint.addr.family, IP_NONE);
    device_set_endpoint(&rig.device, p, &e);
    reload(HEAD PORT PEER "Endpoint = VPN.example.com:443\n");
    expect_counts(0, 0, 0, 1);
    reload(HEAD PORT PEER "Endpoint = vpn.example.com:444\n");
    assert_true(ip_addr_equal(&p->endpoint.addr, &e.addr));
    assert_int_equal(p->endpoint.port, 444);
    reload(HEAD PORT PEER "Endpoint = other.example.com:444\n");
    assert_string_equal(device_host(p), "other.example.com");
    reload(HEAD PORT PEER "Endpoint = 192.0.2.77:444\n");
    assert_null(device_host(p));
}

static void
a_random_port_stays_while_no_file_names_one(void **state)
{
    struct config *c;

    (void)state;
    reload("[Interface]\nPrivateKey = " KEY "\n" PORT); /* had 51820 */
    assert_true(change.has_listen_port);
    c = diff("[Interface]\nPrivateKey = " KEY "\n" PORT);
    assert_false(change.has_listen_port);
    config_free(c);
    reload("[Interface]\nPrivateKey = " KEY "\nListenPort = 1234\n" PORT);
    assert_int_equal(rig.device.listen_port, 1234);
}

static void
key_and_mark_follow(void **state)
{
    (void)state;
    reload("[Interface]\nPrivateKey = " KEY2 "\nListenPort = 51820\nFwMark = 0x10\n" PORT);
    assert_true(change.has_private_key && change.has_fwmark && !change.has_listen_port);
    assert_int_equal(rig.device.fwmark, 0x10);
    reload("[Interface]\nPrivateKey = " KEY2 "\nListenPort = 51820\n" PORT);
    assert_false(change.has_private_key);
    assert_int_equal(rig.device.fwmark, 0);
}

static void
expect_named(const char *old_text, const char *new_text, const char *expected)
{
    struct config *old = parse(old_text), *new = parse(new_text);
    char *said = NULL;
    size_t len;
    FILE *errors = open_memstream(&said, &len);
    bool needs = reload_needs_start(old, new, errors);

    fclose(errors);
    assert_string_equal(said, expected);
    assert_int_equal(needs, *expected != '\0');
    free(said);
    config_free(old);
    config_free(new);
}

#define LATER " was changed: that counts from the next start on\n"

static void
keys_that_count_at_the_start_are_named_once(void **state)
{
    (void)state;
    expect_named(HEAD PORT, HEAD PORT, "");
    expect_named(HEAD "Idle = poll\n" PORT, HEAD "Idle = adaptive\n" PORT,
                 "Idle of [Interface]" LATER);
    expect_named(HEAD "Idle = poll\n" PORT, HEAD PORT, "Idle of [Interface]" LATER);
    expect_named(HEAD PORT, HEAD "Cores = 1\nOutOfOrder = off\n" PORT,
                 "Cores of [Interface]" LATER "OutOfOrder of [Interface]" LATER);
    expect_named(HEAD PORT,
                 HEAD PORT "Address = 192.0.2.3/24\nAddress = 192.0.2.4/24\nMTU = 1400\n",
                 "Address of [Port]" LATER "MTU of [Port]" LATER);
    /* these need no new start */
    expect_named(HEAD PORT,
                 HEAD
                 "Address = 10.0.0.1/24\nMTU = 1400\nDNS = 192.0.2.53\nTable = off\nPostUp = x\n"
                 "SaveConfig = true\nTransport = tcp\nCongestionControl = cubic\n" PORT,
                 "");
}

#define GATEWAY                                                                                    \
    HEAD "Inner = net_tap1\nAddress = 10.0.0.1/24\n" PORT                                          \
         "[Port]\nDevice = net_tap1\nAddress = 10.7.0.1/24\n"

static void
addresses_of_an_inner_port_count_at_the_start(void **state)
{
    (void)state;
    expect_named(GATEWAY, GATEWAY "[Interface]\nTable = off\n", "");
    expect_named(GATEWAY, GATEWAY "[Interface]\nAddress = 10.0.0.2/24\nMTU = 1300\n",
                 "Address of [Interface]" LATER "MTU of [Interface]" LATER);
    expect_named(GATEWAY, GATEWAY "MTU = 1300\n", "MTU of [Port]" LATER);
}

static void
what_may_change_is_taken_and_nothing_else(void **state)
{
    struct config *old = parse(HEAD "Workers = 1\nIdle = poll\n" PORT PEER);
    struct config *new =
        parse(HEAD "Idle = adaptive\nMTU = 1300\nAddress = 10.0.0.1/24\nTable = 7\n"
                   "DNS = a.example\nPreUp = a\nPostUp = b\nPreDown = c\n"
                   "PostDown = d\nSaveConfig = true\n"
                   "[Port]\nDevice = net_tap1\nAddress = 192.0.2.7/24\n");

    (void)state;
    reload_take(old, new);
    assert_int_equal(old->idle, CONFIG_IDLE_POLL);
    assert_string_equal(old->ports->device, "net_tap0");
    assert_int_equal(old->mtu, 1300);
    assert_int_equal(old->n_addresses, 1);
    assert_int_equal(old->table_number, 7);
    assert_int_equal(
        old->dns.n + old->pre_up.n + old->post_up.n + old->pre_down.n + old->post_down.n, 5);
    assert_true(old->save_config);
    assert_int_equal(old->n_peers, 0);
    assert_null(old->peers);
    assert_string_equal(old->ports->lines.items[0], "Device = net_tap1"); /* to be saved */
    config_free(old);
    config_free(new);
}

/* --- save --------------------------------------------------------------------------------------
 */

static char *
save(void)
{
    char *text = NULL;
    size_t len;
    FILE *f = open_memstream(&text, &len);

    save_format(running, &rig.device, f);
    fclose(f);
    return text;
}

/* Comments, order of sections and spelling are ours in it. */
static const char golden[] = "[Interface]\n"
                             "PrivateKey = cGFtcGxlLXByaXZhdGUta2V5LS1uaWMtLS1zZXJ2ZXI=\n"
                             "ListenPort = 51820\n"
                             "FwMark = 0xca6c\n"
                             "Address = 203.0.113.7/24, 2001:db8:7::7/64\n"
                             "MTU = 1400\n"
                             "DNS = 203.0.113.53, corp.example\n"
                             "PostUp = echo '#%i'\n"
                             "SaveConfig = true\n"
                             "Transport = tcp\n"
                             "EalArgs = --no-huge -m 128\n"
                             "Address = 203.0.113.8/24\n"
                             "\n[Port]\n"
                             "Device = net_tap0\n"
                             "Address = 192.0.2.1/24, 2001:db8::1/64\n"
                             "Gateway = 192.0.2.2\n"
                             "\n[Peer]\n"
                             "PublicKey = " PUB "\n"
                             "PresharedKey = " PSK "\n"
                             "AllowedIPs = 10.0.0.0/8, 2001:db8:1::/48\n"
                             "Endpoint = [2001:db8::2]:51820\n"
                             "PersistentKeepalive = 25\n"
                             "Transport = udp\n"
                             "CongestionControl = cubic\n"
                             "TcpKnock = on\n"
                             "\n[Peer]\n"
                             "PublicKey = " PUB2 "\n"
                             "Endpoint = vpn.example.com:443\n";

static void
what_is_saved_is_what_was_read(void **state)
{
    char *once, *twice;

    (void)state;
    reload(golden);
    once = save();
    assert_string_equal(once, golden);
    reload(once);
    expect_counts(0, 0, 0, 2);
    twice = save();
    assert_string_equal(twice, golden);
    free(once);
    free(twice);
}

static void
what_wg_sets_is_saved(void **state)
{
    struct change_peer *p;
    struct change c;
    uint8_t key[CONFIG_KEY_LEN];
    struct ip_prefix prefix;
    char *text;

    (void)state;
    reload(HEAD "# a comment\nTable = off # another\n" PORT PEER "AllowedIPs = 10.0.0.0/8\n");
    change_init(&c);
    config_key_parse(key, PUB2);
    ip_prefix_parse(&prefix, "10.0.0.0/8");
    c.has_listen_port = true;
    c.listen_port = 1234;
    p = change_add_peer(&c, key);
    assert_true(change_add_prefix(p, &prefix, false)); /* moves */
    assert_int_equal(device_apply(&rig.device, &c, NULL), 0);
    change_free(&c);
    text = save();
    assert_string_equal(text, "[Interface]\n"
                              "PrivateKey = cGFtcGxlLXByaXZhdGUta2V5LS1uaWMtLS1zZXJ2ZXI=\n"
                              "ListenPort = 1234\nTable = off\n\n" PORT "\n" PEER "\n" PEER2
                              "AllowedIPs = 10.0.0.0/8\n");
    free(text);
}

static void
many_allowed_ips_make_lines_that_can_be_read(void **state)
{
    char *text = NULL, *saved;
    size_t len;
    FILE *f = open_memstream(&text, &len);

    (void)state;
    fputs(HEAD PORT PEER, f);
    for (unsigned i = 0; i < 1000; i++)
        fprintf(f, "AllowedIPs = 2001:db8:1111:2222:3333:4444:5555:%x/128\n", i + 0x1000);
    fclose(f);
    reload(text);
    saved = save();
    reload(saved);
    expect_counts(0, 0, 0, 1);
    assert_int_equal(rig.ips.count, 1000);
    free(text);
    free(saved);
}

static int
start_all(void **state)
{
    (void)state;
    return rig_start();
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        TEST(the_same_file_asks_for_nothing),
        TEST(a_peer_that_is_not_in_the_file_goes),
        TEST(every_setting_of_a_peer_follows),
        TEST(a_default_of_the_interface_changes_the_peers_that_do_not_say),
        TEST(allowed_ips_follow_by_difference),
        TEST(a_prefix_that_moves_to_another_peer_is_there_afterwards),
        TEST(an_endpoint_that_the_file_does_not_name_stays),
        TEST(a_name_keeps_the_address_that_it_has),
        TEST(a_random_port_stays_while_no_file_names_one),
        TEST(key_and_mark_follow),
        TEST(keys_that_count_at_the_start_are_named_once),
        TEST(addresses_of_an_inner_port_count_at_the_start),
        TEST(what_may_change_is_taken_and_nothing_else),
        TEST(what_is_saved_is_what_was_read),
        TEST(what_wg_sets_is_saved),
        TEST(many_allowed_ips_make_lines_that_can_be_read),
    };

    return cmocka_run_group_tests(tests, start_all, NULL);
}
