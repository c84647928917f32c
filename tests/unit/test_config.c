/* SPDX-License-Identifier: BSD-3-Clause */
/* What the parser makes of right files: every key, the defaults, the freedoms of the grammar. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <wgtcpd/control/config.h>

#define KEY       "c2FtcGxlLXByaXZhdGUta2V5LWxhcHRvcC1jbGllbnQ="
#define PUB       "iAxi7OookMFdwnhm7vVie3iU0etvmMbDMXWln9sl5Tg="
#define PUB2      "jNhUXBXTllyUjwF9LRKewLWJlTqiAXoz2+WnZkUlbCY="
#define PSK       "c2FtcGxlLXByZXNoYXJlZC1rZXktbmV2ZXItdXNlLSE="
#define INTERFACE "[Interface]\nPrivateKey = " KEY "\n"
#define PORT      "[Port]\nDevice = net_tap0\nAddress = 192.0.2.2/24\n"
#define PEER      "[Peer]\nPublicKey = " PUB "\n"

/* The configuration of a text without errors. */
static struct config *
parse_named(const char *file, const char *text)
{
    char *said = NULL;
    size_t said_len;
    FILE *errors = open_memstream(&said, &said_len);
    struct config *c = config_parse(file, text, strlen(text), errors);

    fclose(errors);
    if (c == NULL)
        fail_msg("%s", said);
    assert_int_equal(said_len, 0);
    free(said);
    return c;
}

static struct config *
parse(const char *text)
{
    return parse_named("/etc/wgtcpd/wg0.conf", text);
}

static void
expect_key(const uint8_t key[CONFIG_KEY_LEN], const char *expected)
{
    char text[45];

    config_key_format(text, key);
    assert_string_equal(text, expected);
}

static void
expect_prefixes(const struct ip_prefix *list, size_t n, const char *expected)
{
    char all[512] = "", text[IP_TEXT_MAX];

    for (size_t i = 0; i < n; i++) {
        strcat(all, i > 0 ? " " : "");
        strcat(all, ip_prefix_format(text, &list[i]));
    }
    assert_string_equal(all, expected);
}

static void
expect_strings(const struct config_strings *list, size_t n, const char *const *expected)
{
    assert_int_equal(list->n, n);
    for (size_t i = 0; i < n; i++)
        assert_string_equal(list->items[i], expected[i]);
}

static void
the_smallest_file_gives_the_defaults(void **state)
{
    struct config *c = parse(INTERFACE PORT);

    (void)state;
    assert_string_equal(c->ifname, "wg0");
    assert_true(c->has_private_key);
    expect_key(c->private_key, KEY);
    assert_int_equal(c->listen_port, 0);
    assert_int_equal(c->fwmark, 0);
    assert_int_equal(c->n_addresses, 0);
    assert_int_equal(c->mtu, 0);
    assert_int_equal(c->dns.n + c->pre_up.n + c->post_up.n + c->pre_down.n + c->post_down.n, 0);
    assert_int_equal(c->table, CONFIG_TABLE_AUTO);
    assert_false(c->save_config);
    assert_int_equal(c->transport, CONFIG_UDP);
    assert_true(c->listen_udp);
    assert_true(c->listen_tcp);
    assert_string_equal(c->inner, "tun");
    assert_int_equal(c->workers, 1);
    assert_null(c->cores);
    assert_int_equal(c->idle, CONFIG_IDLE_ADAPTIVE);
    assert_null(c->eal_args);
    assert_int_equal(c->n_ports, 1);
    assert_int_equal(c->n_peers, 0);
    assert_null(c->peers);
    config_free(c);
}

static void
every_key_of_the_interface(void **state)
{
    static const char *const dns[] = {"203.0.113.53", "2001:db8::53", "corp.example"};
    char metrics[IP_TEXT_MAX];
    struct config *c =
        parse("[Interface]\nPrivateKey = " KEY "\n"
              "ListenPort = 51820\nFwMark = 0xCa6c\n"
              "Address = 203.0.113.7/24, 2001:db8::7/64\nMTU = 1400\n"
              "DNS = 203.0.113.53,2001:db8::53 , corp.example\nTable = 51820\n"
              "PreUp = a\nPostUp = b\nPreDown = c\nPostDown = d\n"
              "SaveConfig = true\nTransport = tcp\nListen = tcp\nInner = tun\n"
              "Workers = 16\nCryptoWorkers = 3\nCores = 2-5,7\nIdle = poll\nOffload = off\nEalArgs "
              "= --no-huge -m 128\n"
              "CongestionControl = cubic\nOutOfOrder = off\nTcpKnock = on\nLogLevel = Warning\n"
              "KeyLog = /run/keys.log\nMetrics = [2001:db8::1]:9586\n"
              "Telemetry = off\n" PORT PEER);

    (void)state;
    assert_int_equal(c->listen_port, 51820);
    assert_int_equal(c->fwmark, 0xca6c);
    expect_prefixes(c->addresses, c->n_addresses, "203.0.113.7/24 2001:db8::7/64");
    assert_int_equal(c->mtu, 1400);
    expect_strings(&c->dns, 3, dns);
    assert_int_equal(c->table, CONFIG_TABLE_NUMBER);
    assert_int_equal(c->table_number, 51820);
    assert_string_equal(c->pre_up.items[0], "a");
    assert_string_equal(c->post_up.items[0], "b");
    assert_string_equal(c->pre_down.items[0], "c");
    assert_string_equal(c->post_down.items[0], "d");
    assert_true(c->save_config);
    assert_int_equal(c->transport, CONFIG_TCP);
    assert_false(c->listen_udp);
    assert_true(c->listen_tcp);
    assert_string_equal(c->cores, "2-5,7");
    assert_int_equal(c->idle, CONFIG_IDLE_POLL);
    assert_true(c->no_offload);
    assert_string_equal(c->eal_args, "--no-huge -m 128");
    assert_int_equal(c->congestion, CONFIG_CUBIC);
    assert_true(c->in_order);
    assert_true(c->tcp_knock);
    assert_int_equal(c->log_level, LOG_LEVEL_WARNING);
    assert_string_equal(c->key_log, "/run/keys.log");
    assert_false(c->telemetry);
    assert_string_equal(ip_endpoint_format(metrics, &c->metrics), "[2001:db8::1]:9586");
    assert_int_equal(c->peers->transport, CONFIG_TCP); /* the interface's */
    assert_int_equal(c->peers->congestion, CONFIG_CUBIC);
    assert_true(c->peers->tcp_knock);
    config_free(c);
}

static void
tcp_keys_have_defaults_and_peers_override_them(void **state)
{
    struct config *c = parse(INTERFACE PORT PEER "CongestionControl = none\nTcpKnock = on\n");

    (void)state;
    assert_int_equal(c->congestion, CONFIG_BBR);
    assert_false(c->in_order);
    assert_false(c->no_offload);
    assert_int_equal(c->log_level, LOG_LEVEL_INFO);
    assert_null(c->key_log);
    assert_true(c->telemetry);
    assert_int_equal(c->metrics.addr.family, IP_NONE);
    assert_false(c->tcp_knock);
    assert_int_equal(c->peers->congestion, CONFIG_NONE);
    assert_true(c->peers->tcp_knock);
    config_free(c);
    c = parse("[Interface]\nPrivateKey = " KEY
              "\nCongestionControl = none\nTcpKnock = on\n" PORT PEER
              "CongestionControl = bbr\nTcpKnock = off\n");
    assert_int_equal(c->peers->congestion, CONFIG_BBR);
    assert_false(c->peers->tcp_knock);
    config_free(c);
}

static void
lines_are_kept_but_for_what_wg_sets(void **state)
{
    static const char *const interface[] = {"Address = 10.0.0.1/24", "PostUp = echo '#'",
                                            "MTU = 1400", "Address = 10.0.0.2/24"};
    static const char *const port[] = {"Device = net_tap0", "Address = 192.0.2.2/24"};
    struct config *c = parse("[Interface]\nPrivateKey = " KEY "\naddress=10.0.0.1/24 # one\n"
                             "ListenPort = 1\nFwMark = 2\nPostUp = echo '#'\n" PORT PEER
                             "AllowedIPs = 10.0.0.0/8\n"
                             "[INTERFACE]\nMtu = 1400\nAddress =   10.0.0.2/24\n");

    (void)state;
    expect_strings(&c->lines, 4, interface);
    expect_strings(&c->ports->lines, 2, port);
    config_free(c);
}

static void
every_key_of_a_port(void **state)
{
    struct config *c = parse(INTERFACE "[Port]\nDevice = net_tap0,iface=wgout0\n"
                                       "Address = 192.0.2.2/24, 2001:db8::2/64\n"
                                       "Gateway = fe80::1, 192.0.2.1\nMTU = 1500\nVlan = 7\n"
                                       "Route = 203.0.113.9/24 via 192.0.2.9\n"
                                       "Route = 2001:db8:1::/48  via  fe80::2\n");
    const struct config_port *port = c->ports;
    char text[IP_TEXT_MAX];

    (void)state;
    assert_int_equal(port->line, 3);
    assert_string_equal(port->device, "net_tap0,iface=wgout0");
    expect_prefixes(port->addresses, port->n_addresses, "192.0.2.2/24 2001:db8::2/64");
    assert_string_equal(ip_addr_format(text, &port->gateway_v4), "192.0.2.1");
    assert_string_equal(ip_addr_format(text, &port->gateway_v6), "fe80::1");
    assert_int_equal(port->mtu, 1500);
    assert_int_equal(port->vlan, 7);
    assert_int_equal(port->n_routes, 2);
    assert_string_equal(ip_prefix_format(text, &port->routes[0].to), "203.0.113.0/24");
    assert_string_equal(ip_addr_format(text, &port->routes[0].via), "192.0.2.9");
    assert_string_equal(ip_prefix_format(text, &port->routes[1].to), "2001:db8:1::/48");
    assert_string_equal(ip_addr_format(text, &port->routes[1].via), "fe80::2");
    assert_null(port->next);
    config_free(c);
}

static void
ports_stay_in_the_files_order(void **state)
{
    struct config *c = parse(INTERFACE PORT "[Port]\nDevice = net_tap1\nAddress = 198.51.100.2/24\n"
                                            "Vlan = 4094\n");

    (void)state;
    assert_int_equal(c->n_ports, 2);
    assert_string_equal(c->ports->device, "net_tap0");
    assert_int_equal(c->ports->vlan, 0);
    assert_string_equal(c->ports->next->device, "net_tap1");
    assert_int_equal(c->ports->next->vlan, 4094);
    config_free(c);
}

static const char *
tap_of(const char *device)
{
    static char name[32];
    char text[256];
    struct config *c;

    snprintf(text, sizeof(text), INTERFACE "[Port]\nDevice = %s\nAddress = 192.0.2.2/24\n", device);
    c = parse(text);
    assert_string_equal(c->ports->device, device);
    snprintf(name, sizeof(name), "%s", c->ports->tap != NULL ? c->ports->tap : "none");
    config_free(c);
    return name;
}

static void
a_tap_is_named_like_the_device_or_by_its_option(void **state)
{
    (void)state;
    assert_string_equal(tap_of("tap"), "tap");
    assert_string_equal(tap_of("tap17"), "tap17");
    assert_string_equal(tap_of("tap0,iface=wgout0"), "wgout0");
    assert_string_equal(tap_of("tap0,iface=fifteen-letters"), "fifteen-letters");
    assert_string_equal(tap_of("net_tap0,iface=wgout0"), "none");
    assert_string_equal(tap_of("tape0,iface=wgout0"), "none"); /* some driver of DPDK's */
    assert_string_equal(tap_of("0000:03:00.0"), "none");
}

static void
the_port_that_inner_names_is_no_outer_one(void **state)
{
    struct config *c = parse(INTERFACE "Inner = net_tap1\n"
                                       "[Port]\nDevice = net_tap1,iface=lan0\n"
                                       "Address = 203.0.113.1/24\nReassemble = off\n" PORT);

    (void)state;
    assert_string_equal(c->inner, "net_tap1");
    assert_int_equal(c->n_ports, 1);
    assert_string_equal(c->ports->device, "net_tap0");
    assert_null(c->ports->next);
    assert_false(c->ports->no_reassembly);
    assert_string_equal(c->inner_port->device, "net_tap1,iface=lan0");
    assert_true(c->inner_port->no_reassembly);
    config_free(c);
}

static void
every_key_of_a_peer(void **state)
{
    struct config *c = parse(INTERFACE PORT PEER
                             "PresharedKey = " PSK "\n"
                             "AllowedIPs = 203.0.113.9/24, 2001:db8::1/32, 198.51.100.7\n"
                             "Endpoint = 198.51.100.1:443\nPersistentKeepalive = 25\n"
                             "Transport = tcp\n"
                             "[Peer]\nPublicKey = " PUB2 "\nEndpoint = vpn.example.com.:51820\n");
    const struct config_peer *peer = c->peers;

    (void)state;
    assert_int_equal(c->n_peers, 2);
    assert_int_equal(peer->line, 6);
    assert_true(peer->has_public_key);
    expect_key(peer->public_key, PUB);
    assert_non_null(peer->preshared_key);
    expect_key(peer->preshared_key, PSK);
    expect_prefixes(peer->allowed_ips, peer->n_allowed_ips,
                    "203.0.113.0/24 2001:db8::/32 198.51.100.7/32"); /* host bits are gone */
    assert_string_equal(peer->endpoint.host, "198.51.100.1");
    assert_int_equal(peer->endpoint.port, 443);
    assert_int_equal(peer->endpoint.line, 10);
    assert_int_equal(peer->persistent_keepalive, 25);
    assert_true(peer->has_transport);
    assert_int_equal(peer->transport, CONFIG_TCP);

    peer = peer->next; /* in the file's order */
    assert_int_equal(peer->line, 13);
    expect_key(peer->public_key, PUB2);
    assert_string_equal(peer->endpoint.host, "vpn.example.com.");
    assert_int_equal(peer->n_allowed_ips, 0);
    assert_int_equal(peer->persistent_keepalive, 0);
    assert_false(peer->has_transport);
    assert_int_equal(peer->transport, CONFIG_UDP);
    assert_null(peer->next);
    config_free(c);
}

static void
an_ipv6_endpoint_loses_its_brackets(void **state)
{
    struct config *c = parse(INTERFACE "[Port]\nDevice = a\nAddress = 2001:db8::2/64\n" PEER
                                       "Endpoint = [2001:db8:1::1]:51820\n");

    (void)state;
    assert_string_equal(c->peers->endpoint.host, "2001:db8:1::1");
    assert_int_equal(c->peers->endpoint.port, 51820);
    config_free(c);
}

static void
marks_and_tables_have_names(void **state)
{
    static const struct {
        const char *value;
        enum config_table table;
        uint32_t number;
    } tables[] = {
        {"auto", CONFIG_TABLE_AUTO, 0},      {"Off", CONFIG_TABLE_OFF, 0},
        {"main", CONFIG_TABLE_NUMBER, 254},  {"default", CONFIG_TABLE_NUMBER, 253},
        {"local", CONFIG_TABLE_NUMBER, 255}, {"4294967295", CONFIG_TABLE_NUMBER, UINT32_MAX}};
    static const struct {
        const char *value;
        uint32_t mark;
    } marks[] = {{"off", 0}, {"0", 0}, {"4294967295", UINT32_MAX}, {"0XffffFFFF", UINT32_MAX}};
    struct config *c;
    char text[512];

    (void)state;
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        snprintf(text, sizeof(text), INTERFACE "Table = %s\n" PORT, tables[i].value);
        c = parse(text);
        assert_int_equal(c->table, tables[i].table);
        assert_int_equal(c->table_number, tables[i].number);
        config_free(c);
    }
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        snprintf(text, sizeof(text), INTERFACE "FwMark = %s\n" PORT, marks[i].value);
        c = parse(text);
        assert_int_equal(c->fwmark, marks[i].mark);
        config_free(c);
    }
}

static void
limits_are_within(void **state)
{
    static const char *const lines[] = {"ListenPort = 0",   "ListenPort = 65535", "MTU = 576",
                                        "MTU = 16000",      "Cores = 0",          "Cores = 1023",
                                        "Listen = UDP,TCP", "SaveConfig = false", "Table = 1"};
    char text[512];

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        snprintf(text, sizeof(text), INTERFACE "%s\n" PORT, lines[i]);
        config_free(parse(text));
    }
    config_free(parse(INTERFACE "MTU = 1280\nAddress = 2001:db8::1/64\n" PORT PEER
                                "PersistentKeepalive = 65535\nEndpoint = 198.51.100.1:65535\n"));
    config_free(parse(INTERFACE PORT PEER "PersistentKeepalive = off\n"));
}

static void
repeated_keys_add_up(void **state)
{
    static const char *const hooks[] = {"one", "two", "three"};
    struct config *c = parse(INTERFACE "Address = 203.0.113.7/24\nAddress = 2001:db8::7/64\n"
                                       "DNS = 203.0.113.53\nDNS = example\n"
                                       "PostUp = one\nPostUp = two\nPostUp = three\n" PORT
                                       "Address = 192.0.2.3/24\n" PEER
                                       "AllowedIPs = 203.0.113.1\nAllowedIPs = 203.0.113.2\n");

    (void)state;
    expect_prefixes(c->addresses, c->n_addresses, "203.0.113.7/24 2001:db8::7/64");
    assert_int_equal(c->dns.n, 2);
    expect_strings(&c->post_up, 3, hooks);
    expect_prefixes(c->ports->addresses, c->ports->n_addresses, "192.0.2.2/24 192.0.2.3/24");
    expect_prefixes(c->peers->allowed_ips, c->peers->n_allowed_ips,
                    "203.0.113.1/32 203.0.113.2/32");
    config_free(c);
}

static void
case_does_not_matter_in_sections_and_keys(void **state)
{
    struct config *c = parse("[INTERFACE]\nprivatekey = " KEY "\nLISTENPORT=7\n[port]\n"
                             "device = net_tap0\naddress = 192.0.2.2/24\n"
                             "[pEER]\npublickey=" PUB "\nallowedips=203.0.113.1\n");

    (void)state;
    assert_int_equal(c->listen_port, 7);
    assert_int_equal(c->n_peers, 1);
    assert_int_equal(c->peers->n_allowed_ips, 1);
    config_free(c);
}

static void
blanks_comments_and_line_ends_do_not_matter(void **state)
{
    struct config *c = parse("\xef\xbb\xbf# caf\xc3\xa9 \x01\r\n\r\n \t[ Interface ] # here\r\n"
                             "\t PrivateKey=" KEY " # mine\r\n  # ListenPort = 1\r\n"
                             "ListenPort \t=\t 2#3\r\n" PORT "#[Peer]\n" PEER
                             "AllowedIPs=203.0.113.1 , 203.0.113.2\t,203.0.113.3 # \xff");

    (void)state;
    assert_int_equal(c->listen_port, 2);
    assert_int_equal(c->n_peers, 1);
    assert_int_equal(c->peers->n_allowed_ips, 3); /* of a last line without its end */
    config_free(c);
}

static void
the_interface_may_come_in_parts(void **state)
{
    struct config *c =
        parse("[Interface]\nListenPort = 9\n" PORT INTERFACE PEER "[Interface]\nMTU = 1300\n");

    (void)state;
    assert_int_equal(c->listen_port, 9);
    assert_int_equal(c->mtu, 1300);
    expect_key(c->private_key, KEY);
    config_free(c);
}

static void
hooks_keep_everything_but_the_blanks_around(void **state)
{
    static const char *const hooks[] = {
        "iptables -A FORWARD -i %i -j ACCEPT; echo '#1'  # not a comment",
        "a=b",
        "#",
        "echo caf\xc3\xa9\t[Peer]",
    };
    struct config *c =
        parse(INTERFACE "PostUp =  iptables -A FORWARD -i %i -j ACCEPT; echo '#1'  # not a "
                        "comment \t\r\n"
                        "postup=a=b\nPOSTUP = #\nPostUp = echo caf\xc3\xa9\t[Peer]\n"
                        "# PostUp = a comment\n" PORT);

    (void)state;
    expect_strings(&c->post_up, 4, hooks);
    config_free(c);
}

static void
a_peer_may_be_dialled_over_tcp_without_listening_on_tcp(void **state)
{
    struct config *c = parse(INTERFACE "Listen = udp\n" PORT PEER
                                       "Transport = tcp\nEndpoint = 198.51.100.1:443\n");

    (void)state;
    assert_true(c->listen_udp);
    assert_false(c->listen_tcp);
    assert_int_equal(c->peers->transport, CONFIG_TCP);
    config_free(c);
}

static void
the_interface_is_named_after_the_file(void **state)
{
    static const char *const names[][2] = {{"wg0", "wg0"},
                                           {"./a.b.conf", "a.b"},
                                           {"/etc/wg/x=y_z+1-2.conf", "x=y_z+1-2"},
                                           {"fifteen_letters.conf", "fifteen_letters"},
                                           {"x.conf.conf", "x.conf"},
                                           {"X.CONF", "X.CONF"}};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct config *c = parse_named(names[i][0], INTERFACE PORT);

        assert_string_equal(c->ifname, names[i][1]);
        config_free(c);
    }
}

static void
many_peers_are_no_trouble(void **state)
{
    enum { PEERS = 3000 };
    char *text = NULL, key_text[45];
    uint8_t key[CONFIG_KEY_LEN] = {1};
    struct config *c;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    (void)state;
    fputs(INTERFACE PORT, f);
    for (uint32_t i = 0; i < PEERS; i++) {
        put_be32(key + 28, i);
        config_key_format(key_text, key);
        fprintf(f, "[Peer]\nPublicKey = %s\nAllowedIPs = 203.0.%u.%u/32\n", key_text, i >> 8,
                i & 255);
    }
    fclose(f);
    c = parse(text);
    assert_int_equal(c->n_peers, PEERS);
    config_free(c);
    free(text);
}

static void
freeing_nothing_is_fine(void **state)
{
    (void)state;
    config_free(NULL);
}

/* --- the examples --- */

static struct config *
parse_example(const char *name)
{
    char path[512], text[16384];
    size_t len;
    FILE *f;

    snprintf(path, sizeof(path), "%s/conf/%s", WGTCPD_SOURCE, name);
    f = fopen(path, "r");
    assert_non_null(f);
    len = fread(text, 1, sizeof(text) - 1, f);
    fclose(f);
    assert_true(len > 0 && len < sizeof(text) - 1);
    text[len] = '\0';
    return parse_named(path, text);
}

static void
the_gateway_example_has_one_inner_port_and_two_outer_ones(void **state)
{
    struct config *c = parse_example("gateway.conf");

    (void)state;
    assert_string_equal(c->inner_port->device, c->inner);
    assert_int_equal(c->inner_port->n_routes, 1);
    assert_int_equal(c->n_ports, 2);
    assert_int_equal(c->ports->next->vlan, 100);
    config_free(c);
}

static void
the_laptop_examples_are_a_pair(void **state)
{
    struct config *client = parse_example("laptop-client.conf");
    struct config *server = parse_example("laptop-server.conf");

    (void)state;
    assert_string_equal(client->ifname, "laptop-client");
    assert_string_equal(server->ports->device, "tap0,iface=wgout0");
    assert_int_equal(server->listen_port, client->peers->endpoint.port);
    assert_memory_equal(client->peers->preshared_key, server->peers->preshared_key, CONFIG_KEY_LEN);
    assert_true(server->post_up.n > 3);
    assert_int_equal(server->n_peers, 2);
    config_free(client);
    config_free(server);
}

static void
the_nic_server_example_parses(void **state)
{
    struct config *c = parse_example("nic-server.conf");

    (void)state;
    assert_string_equal(c->ports->device, "0000:03:00.0");
    assert_int_equal(c->ports->gateway_v6.family, IP_V6);
    assert_int_equal(c->idle, CONFIG_IDLE_POLL);
    config_free(c);
}

static void
the_tcp_client_example_parses(void **state)
{
    struct config *c = parse_example("tcp-client.conf");

    (void)state;
    assert_int_equal(c->peers->transport, CONFIG_TCP);
    assert_false(c->listen_tcp);
    assert_string_equal(c->peers->endpoint.host, "vpn.example.com");
    config_free(c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_smallest_file_gives_the_defaults),
        cmocka_unit_test(every_key_of_the_interface),
        cmocka_unit_test(lines_are_kept_but_for_what_wg_sets),
        cmocka_unit_test(tcp_keys_have_defaults_and_peers_override_them),
        cmocka_unit_test(every_key_of_a_port),
        cmocka_unit_test(ports_stay_in_the_files_order),
        cmocka_unit_test(a_tap_is_named_like_the_device_or_by_its_option),
        cmocka_unit_test(the_port_that_inner_names_is_no_outer_one),
        cmocka_unit_test(every_key_of_a_peer),
        cmocka_unit_test(an_ipv6_endpoint_loses_its_brackets),
        cmocka_unit_test(marks_and_tables_have_names),
        cmocka_unit_test(limits_are_within),
        cmocka_unit_test(repeated_keys_add_up),
        cmocka_unit_test(case_does_not_matter_in_sections_and_keys),
        cmocka_unit_test(blanks_comments_and_line_ends_do_not_matter),
        cmocka_unit_test(the_interface_may_come_in_parts),
        cmocka_unit_test(hooks_keep_everything_but_the_blanks_around),
        cmocka_unit_test(a_peer_may_be_dialled_over_tcp_without_listening_on_tcp),
        cmocka_unit_test(the_interface_is_named_after_the_file),
        cmocka_unit_test(many_peers_are_no_trouble),
        cmocka_unit_test(freeing_nothing_is_fine),
        cmocka_unit_test(the_gateway_example_has_one_inner_port_and_two_outer_ones),
        cmocka_unit_test(the_laptop_examples_are_a_pair),
        cmocka_unit_test(the_nic_server_example_parses),
        cmocka_unit_test(the_tcp_client_example_parses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
