/* SPDX-License-Identifier: BSD-3-Clause */
/* Every error of the parser, word by word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <wgtcpd/control/config.h>

#define KEY       "c2FtcGxlLXByaXZhdGUta2V5LWxhcHRvcC1jbGllbnQ="
#define PUB       "iAxi7OookMFdwnhm7vVie3iU0etvmMbDMXWln9sl5Tg="
#define ZERO      "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define INTERFACE "[Interface]\nPrivateKey = " KEY "\n"
#define PORT      "[Port]\nDevice = net_tap0\nAddress = 192.0.2.2/24\n"
#define PEER      "[Peer]\nPublicKey = " PUB "\n"

/* One line a family of keys: a new one changes one place. */
#define INTERFACE_KEYS                                                                             \
    "PrivateKey, ListenPort, FwMark, Address, MTU, DNS, Table, "                                   \
    "PreUp, PostUp, PreDown, PostDown, SaveConfig, "                                               \
    "Transport, Listen, Inner, Workers, CryptoWorkers, Cores, Idle, Offload, EalArgs, "            \
    "CongestionControl, OutOfOrder, TcpKnock, "                                                    \
    "LogLevel, KeyLog, Metrics, Telemetry, User, Seccomp"

/* Where the text of a case stands: at the end of a section of a file that is right otherwise. */
enum where { IN_INTERFACE, IN_PORT, IN_PEER, WHOLE };

/* What stands before and behind it; so an interface's text begins at line 3, a port's at 6, a
 * peer's at 8. */
static const char *const frames[][2] = {
    [IN_INTERFACE] = {INTERFACE, "\n" PORT},
    [IN_PORT] = {INTERFACE PORT, "\n"},
    [IN_PEER] = {INTERFACE PORT PEER, "\n"},
    [WHOLE] = {"", ""},
};

struct error_case {
    enum where where;
    const char *text;
    const char *expected;
};

static const struct error_case cases[] = {

    /* lines, sections and names */
    {IN_INTERFACE, "nonsense",
     "w:3: neither a section, a key with a value nor a comment; write Key = value"},
    {IN_INTERFACE, "Address = 203.0.113.1/24 \001",
     "w:3: control character 0x01 in the value of Address; remove it"},
    {IN_INTERFACE, "Address = 203.0.113.1/24\303\251",
     "w:3: byte 0xc3 in the value of Address; use ASCII characters only"},
    {IN_INTERFACE, "DNS = \177", "w:3: control character 0x7f in the value of DNS; remove it"},
    {IN_INTERFACE, "PostUp = echo \001",
     "w:3: control character 0x01 in the value of PostUp; remove it"},
    {IN_INTERFACE, "=1", "w:3: unknown key in [Interface]; keys here are " INTERFACE_KEYS},
    {IN_INTERFACE, "= ", "w:3: unknown key in [Interface]; keys here are " INTERFACE_KEYS},
    {IN_INTERFACE, "Adress = 203.0.113.1/24",
     "w:3: unknown key 'Adress' in [Interface]; did you mean Address?"},
    {IN_INTERFACE, "mtuu = 1400", "w:3: unknown key 'mtuu' in [Interface]; did you mean MTU?"},
    {IN_INTERFACE, "Frobnicate = 1",
     "w:3: unknown key 'Frobnicate' in [Interface]; keys here are " INTERFACE_KEYS},
    {IN_INTERFACE, "caf\351 = 1", "w:3: unknown key in [Interface]; keys here are " INTERFACE_KEYS},
    {IN_INTERFACE, "ThisNameIsMuchTooLongToBeShown = 1",
     "w:3: unknown key in [Interface]; keys here are " INTERFACE_KEYS},
    {IN_INTERFACE, "Endpoint = 198.51.100.1:51820",
     "w:3: Endpoint is no key of [Interface]; it belongs in [Peer]"},
    {IN_INTERFACE, "Gateway = 192.0.2.1",
     "w:3: Gateway is no key of [Interface]; it belongs in [Port]"},
    {IN_INTERFACE, "Device = net_tap0",
     "w:3: Device is no key of [Interface]; it belongs in [Port]"},
    {IN_INTERFACE, "PublicKey = x",
     "w:3: PublicKey is no key of [Interface]; it belongs in [Peer]"},
    {IN_INTERFACE, "[Peers]", "w:3: unknown section [Peers]; did you mean [Peer]?"},
    {IN_INTERFACE, "[Frobnicate]\nkey = value",
     "w:3: unknown section [Frobnicate]; sections are [Interface], [Port] and [Peer]"},
    {IN_INTERFACE, "[Peer",
     "w:3: section header without its end; write [Interface], [Port] or [Peer]"},
    {IN_INTERFACE, "[]", "w:3: unknown section; sections are [Interface], [Port] and [Peer]"},
    {IN_INTERFACE, "[Wire Guard]",
     "w:3: unknown section; sections are [Interface], [Port] and [Peer]"},
    {IN_INTERFACE, "MTU =", "w:3: MTU has no value; give it one or remove the line"},
    {IN_INTERFACE, "PostUp =   ", "w:3: PostUp has no value; give it one or remove the line"},
    {IN_INTERFACE, "Address = # none", "w:3: Address has no value; give it one or remove the line"},
    {IN_INTERFACE, "MTU = 1400\nmtu = 1400",
     "w:4: MTU given again; it is on line 3 already, keep one"},
    {IN_INTERFACE, "PrivateKey = " KEY,
     "w:3: PrivateKey given again; it is on line 2 already, keep one"},
    {IN_PEER, "AllowedIps",
     "w:8: neither a section, a key with a value nor a comment; write Key = value"},
    {IN_PEER, "MTU = 1400", "w:8: MTU is no key of [Peer]; it belongs in [Interface]"},
    {IN_PEER, "AllowedIP = 203.0.113.2/32",
     "w:8: unknown key 'AllowedIP' in [Peer]; did you mean AllowedIPs?"},
    {IN_PEER, "EndPont = 198.51.100.1:1",
     "w:8: unknown key 'EndPont' in [Peer]; did you mean Endpoint?"},
    {IN_PORT, "Gatway = 192.0.2.1", "w:6: unknown key 'Gatway' in [Port]; did you mean Gateway?"},
    {IN_PORT, "ListenPort = 1", "w:6: ListenPort is no key of [Port]; it belongs in [Interface]"},
    {WHOLE, "MTU = 1400\n" INTERFACE PORT,
     "w:1: key before the first section; begin with [Interface]"},
    {WHOLE, "",
     "w:1: no [Interface] section; add one with PrivateKey\n"
     "w:1: no [Port] section; add one with Device and Address"},
    {WHOLE, "# nothing\n",
     "w:1: no [Interface] section; add one with PrivateKey\n"
     "w:1: no [Port] section; add one with Device and Address"},
    {WHOLE, PORT, "w:1: no [Interface] section; add one with PrivateKey"},
    {WHOLE, INTERFACE, "w:1: no [Port] section; add one with Device and Address"},
    {WHOLE, "[Interface]\n" PORT, "w:1: [Interface] has no PrivateKey; make one with 'wg genkey'"},
    {WHOLE, "[Interface]\nPrivteKey = x\n" PORT,
     "w:2: unknown key 'PrivteKey' in [Interface]; did you mean PrivateKey?"},
    {WHOLE, "[Interfaces]\n" PORT, "w:1: unknown section [Interfaces]; did you mean [Interface]?"},

    /* [Interface] */
    {IN_INTERFACE, "ListenPort = 65536",
     "w:3: ListenPort: '65536' is no port number; give 0 (random) to 65535 in digits, service "
     "names are not looked up"},
    {IN_INTERFACE, "ListenPort = -1",
     "w:3: ListenPort: '-1' is no port number; give 0 (random) to 65535 in digits, service names "
     "are not looked up"},
    {IN_INTERFACE, "ListenPort = 0x10",
     "w:3: ListenPort: '0x10' is no port number; give 0 (random) to 65535 in digits, service names "
     "are not looked up"},
    {IN_INTERFACE, "ListenPort = http",
     "w:3: ListenPort: 'http' is no port number; give 0 (random) to 65535 in digits, service names "
     "are not looked up"},
    {IN_INTERFACE, "ListenPort = 51820 51821",
     "w:3: ListenPort: '51820 51821' is no port number; give 0 (random) to 65535 in digits, "
     "service names are not looked up"},
    {IN_INTERFACE, "FwMark = 4294967296",
     "w:3: FwMark: '4294967296' is no mark; write off, or 0 to 4294967295, or 0x0 to 0xffffffff"},
    {IN_INTERFACE, "FwMark = 0x100000000",
     "w:3: FwMark: '0x100000000' is no mark; write off, or 0 to 4294967295, or 0x0 to 0xffffffff"},
    {IN_INTERFACE, "FwMark = 0x",
     "w:3: FwMark: '0x' is no mark; write off, or 0 to 4294967295, or 0x0 to 0xffffffff"},
    {IN_INTERFACE, "FwMark = 0xg",
     "w:3: FwMark: '0xg' is no mark; write off, or 0 to 4294967295, or 0x0 to 0xffffffff"},
    {IN_INTERFACE, "FwMark = on",
     "w:3: FwMark: 'on' is no mark; write off, or 0 to 4294967295, or 0x0 to 0xffffffff"},
    {IN_INTERFACE, "Address = 203.0.113.1/33",
     "w:3: Address: '203.0.113.1/33' is no IP address; write it like 192.0.2.2/24 or "
     "2001:db8::2/64"},
    {IN_INTERFACE, "Address = 2001:db8::1/129",
     "w:3: Address: '2001:db8::1/129' is no IP address; write it like 192.0.2.2/24 or "
     "2001:db8::2/64"},
    {IN_INTERFACE, "Address = host",
     "w:3: Address: 'host' is no IP address; write it like 192.0.2.2/24 or 2001:db8::2/64"},
    {IN_INTERFACE, "Address = 203.0.113.1/24,",
     "w:3: Address: empty item in the list; remove the extra comma"},
    {IN_INTERFACE, "Address = ,", "w:3: Address: empty item in the list; remove the extra comma"},
    {IN_INTERFACE, "Address = 203.0.113.1/24,,203.0.113.2/24",
     "w:3: Address: empty item in the list; remove the extra comma"},
    {IN_INTERFACE, "Address = 203.0.113.1/24, 203.0.113.1/32",
     "w:3: Address: '203.0.113.1/32' was given before; remove one"},
    {IN_INTERFACE, "Address = 224.0.0.1/24",
     "w:3: Address: '224.0.0.1/24' is no address of a host; give a unicast address"},
    {IN_INTERFACE, "Address = ::/64",
     "w:3: Address: '::/64' is no address of a host; give a unicast address"},
    {IN_INTERFACE, "Address = 0.0.0.0/0",
     "w:3: Address: '0.0.0.0/0' is no address of a host; give a unicast address"},
    {IN_INTERFACE, "Address = 255.255.255.255",
     "w:3: Address: '255.255.255.255' is no address of a host; give a unicast address"},
    {IN_INTERFACE, "Address = ff02::1/64",
     "w:3: Address: 'ff02::1/64' is no address of a host; give a unicast address"},
    {IN_INTERFACE, "MTU = 575",
     "w:3: MTU: '575' is no number from 576 to 16000; give one in digits"},
    {IN_INTERFACE, "MTU = 16001",
     "w:3: MTU: '16001' is no number from 576 to 16000; give one in digits"},
    {IN_INTERFACE, "MTU = 14OO",
     "w:3: MTU: '14OO' is no number from 576 to 16000; give one in digits"},
    {IN_INTERFACE, "MTU = 99999999999999999999999",
     "w:3: MTU: the value is no number from 576 to 16000; give one in digits"},
    {IN_INTERFACE, "MTU = 1279\nAddress = 2001:db8::1/64",
     "w:3: MTU 1279 is too small for the IPv6 Address; give 1280 or more"},
    {IN_INTERFACE, "DNS = 1.2.3",
     "w:3: DNS: '1.2.3' is no name server or search domain; give IP addresses or domain names"},
    {IN_INTERFACE, "DNS = bad_domain!",
     "w:3: DNS: 'bad_domain!' is no name server or search domain; give IP addresses or domain "
     "names"},
    {IN_INTERFACE, "DNS = a..b",
     "w:3: DNS: 'a..b' is no name server or search domain; give IP addresses or domain names"},
    {IN_INTERFACE, "DNS = .example",
     "w:3: DNS: '.example' is no name server or search domain; give IP addresses or domain names"},
    {IN_INTERFACE, "DNS = 192.0.2.1 192.0.2.2",
     "w:3: DNS: '192.0.2.1 192.0.2.2' is no name server or search domain; give IP addresses or "
     "domain names"},
    {IN_INTERFACE, "Table = 0",
     "w:3: Table: '0' is no routing table; write auto, off, main or 1 to 4294967295"},
    {IN_INTERFACE, "Table = 4294967296",
     "w:3: Table: '4294967296' is no routing table; write auto, off, main or 1 to 4294967295"},
    {IN_INTERFACE, "Table = vpn",
     "w:3: Table: 'vpn' is no routing table; write auto, off, main or 1 to 4294967295"},
    {IN_INTERFACE, "SaveConfig = yes",
     "w:3: SaveConfig: 'yes' is no truth value; write true or false"},
    {IN_INTERFACE, "SaveConfig = TRUE",
     "w:3: SaveConfig: 'TRUE' is no truth value; write true or false"},
    {IN_INTERFACE, "Transport = quic", "w:3: Transport: 'quic' is no transport; write udp or tcp"},
    {IN_INTERFACE, "Listen = udp, sctp", "w:3: Listen: 'sctp' is no transport; write udp or tcp"},
    {IN_INTERFACE, "Listen = none", "w:3: Listen: 'none' is no transport; write udp or tcp"},
    {IN_INTERFACE, "Inner = net_tap1",
     "w:3: Inner: no [Port] has the Device 'net_tap1'; add one, or write tun"},
    {IN_INTERFACE, "Inner = net_tap1 lan",
     "w:3: Inner: 'net_tap1 lan' is no inner side; write tun, or the Device of a [Port], such as "
     "tap1"},
    {WHOLE, "[Interface]\nPrivateKey = " KEY "\nInner = net_tap0\n" PORT,
     "w:4: the only [Port] is the Inner one; add an outer one"},
    {IN_PORT, "Reassemble = maybe", "w:6: Reassemble: 'maybe' is no switch; write on or off"},
    {IN_INTERFACE, "Workers = 0",
     "w:3: Workers: '0' is no number from 1 to 16; give one in digits"},
    {IN_INTERFACE, "Workers = 17",
     "w:3: Workers: '17' is no number from 1 to 16; give one in digits"},
    {IN_INTERFACE, "Workers = two",
     "w:3: Workers: 'two' is no number from 1 to 16; give one in digits"},
    {IN_INTERFACE, "CryptoWorkers = 17",
     "w:3: CryptoWorkers: '17' is no number from 0 to 16; give one in digits"},
    {IN_INTERFACE, "Cores = 5-2",
     "w:3: Cores: '5-2' is no core or range of cores; write cores like 2 or 2-5 or 2,4"},
    {IN_INTERFACE, "Cores = a",
     "w:3: Cores: 'a' is no core or range of cores; write cores like 2 or 2-5 or 2,4"},
    {IN_INTERFACE, "Cores = 2-",
     "w:3: Cores: '2-' is no core or range of cores; write cores like 2 or 2-5 or 2,4"},
    {IN_INTERFACE, "Cores = 2,,3", "w:3: Cores: empty item in the list; remove the extra comma"},
    {IN_INTERFACE, "Cores = 1024",
     "w:3: Cores: '1024' is no core or range of cores; write cores like 2 or 2-5 or 2,4"},
    {IN_INTERFACE, "Cores = 2 - 5",
     "w:3: Cores: '2 - 5' is no core or range of cores; write cores like 2 or 2-5 or 2,4"},
    {IN_INTERFACE, "CongestionControl = reno",
     "w:3: CongestionControl: 'reno' is no congestion control; write bbr, cubic or none"},
    {IN_INTERFACE, "Offload = yes", "w:3: Offload: 'yes' is no switch; write on or off"},
    {IN_INTERFACE, "OutOfOrder = yes", "w:3: OutOfOrder: 'yes' is no switch; write on or off"},
    {IN_INTERFACE, "TcpKnock = 1", "w:3: TcpKnock: '1' is no switch; write on or off"},
    {IN_PEER, "CongestionControl = vegas",
     "w:8: CongestionControl: 'vegas' is no congestion control; write bbr, cubic or none"},
    {IN_PEER, "TcpKnock = maybe", "w:8: TcpKnock: 'maybe' is no switch; write on or off"},
    {IN_PEER, "OutOfOrder = off", "w:8: OutOfOrder is no key of [Peer]; it belongs in [Interface]"},
    {IN_INTERFACE, "KeyLog = keys.log",
     "w:3: KeyLog: 'keys.log' is no absolute path; write off, or a path that begins with /"},
    {IN_INTERFACE, "Metrics = on",
     "w:3: Metrics: 'on' is no address and port to serve metrics at; write off, 127.0.0.1:9586 or "
     "[::1]:9586"},
    {IN_INTERFACE, "Metrics = 127.0.0.1",
     "w:3: Metrics: '127.0.0.1' is no address and port to serve metrics at; write off, "
     "127.0.0.1:9586 or "
     "[::1]:9586"},
    {IN_INTERFACE, "Metrics = ::1:9586",
     "w:3: Metrics: '::1:9586' is no address and port to serve metrics at; write off, "
     "127.0.0.1:9586 or "
     "[::1]:9586"},
    {IN_INTERFACE, "Metrics = [127.0.0.1]:9586",
     "w:3: Metrics: '[127.0.0.1]:9586' is no address and port to serve metrics at; write off, "
     "127.0.0.1:9586 or "
     "[::1]:9586"},
    {IN_INTERFACE, "Metrics = localhost:9586",
     "w:3: Metrics: 'localhost:9586' is no address and port to serve metrics at; write off, "
     "127.0.0.1:9586 or "
     "[::1]:9586"},
    {IN_INTERFACE, "Metrics = 127.0.0.1:0",
     "w:3: Metrics: '127.0.0.1:0' is no address and port to serve metrics at; write off, "
     "127.0.0.1:9586 or "
     "[::1]:9586"},
    {IN_INTERFACE, "Metrics = [::1]9586",
     "w:3: Metrics: '[::1]9586' is no address and port to serve metrics at; write off, "
     "127.0.0.1:9586 or "
     "[::1]:9586"},
    {IN_INTERFACE, "Metrics = 127.0.0.1:65536",
     "w:3: Metrics: '127.0.0.1:65536' is no address and port to serve metrics at; write off, "
     "127.0.0.1:9586 or "
     "[::1]:9586"},
    {IN_INTERFACE, "Telemetry = yes", "w:3: Telemetry: 'yes' is no switch; write on or off"},
    {IN_INTERFACE, "LogLevel = verbose",
     "w:3: LogLevel: 'verbose' is no level; write error, warning, info or debug"},
    {IN_INTERFACE, "Idle = sleep", "w:3: Idle: 'sleep' is no way to idle; write adaptive or poll"},
    {WHOLE, "[Interface]\nPrivateKey = c2FtcGxlLXByaXZhdGUta2V5LWxhcHRvcC1jbGllbnQ\n" PORT,
     "w:2: PrivateKey is no key (not shown); it must be 44 characters of base64, as 'wg genkey' "
     "prints it"},
    {WHOLE, "[Interface]\nPrivateKey = " KEY "=\n",
     "w:2: PrivateKey is no key (not shown); it must be 44 characters of base64, as 'wg genkey' "
     "prints it\n"
     "w:1: no [Port] section; add one with Device and Address"},
    {WHOLE, "[Interface]\nPrivateKey = " ZERO "\n" PORT,
     "w:2: PrivateKey is all zero; give a real key"},
    {WHOLE, "[Interface]\nPrivateKey " KEY "\n" PORT,
     "w:2: unknown key in [Interface]; keys here are " INTERFACE_KEYS "\n"
     "w:1: [Interface] has no PrivateKey; make one with 'wg genkey'"},
    {WHOLE, "[Interface]\n" KEY "\n" PORT,
     "w:2: unknown key in [Interface]; keys here are " INTERFACE_KEYS "\n"
     "w:1: [Interface] has no PrivateKey; make one with 'wg genkey'"},
    {WHOLE, "[Interface]\nListenPort = " KEY "\nPrivateKey = " KEY "\n" PORT,
     "w:2: ListenPort: the value is no port number; give 0 (random) to 65535 in digits, service "
     "names are not looked up"},
    {WHOLE, "[Interface]\nPrivateKey = c2FtcGxlLXByaXZhdGUt a2V5LWxhcHRvcC1jbGllbnQ=\n" PORT,
     "w:2: PrivateKey is no key (not shown); it must be 44 characters of base64, as 'wg genkey' "
     "prints it"},

    /* [Port] */
    {IN_PORT, "Device = net_tap1", "w:6: Device given again; it is on line 4 already, keep one"},
    {IN_PORT, "Address = 192.0.2.300/24",
     "w:6: Address: '192.0.2.300/24' is no IP address; write it like 192.0.2.2/24 or "
     "2001:db8::2/64"},
    {IN_PORT, "Address = 192.0.2.2/25",
     "w:6: Address: '192.0.2.2/25' was given before; remove one"},
    {IN_PORT, "Address = 239.0.0.1/24",
     "w:6: Address: '239.0.0.1/24' is no address of a host; give a unicast address"},
    {IN_PORT,
     "Address = 198.51.100.1/32, 198.51.100.2/32, 198.51.100.3/32, 198.51.100.4/32, "
     "198.51.100.5/32, 198.51.100.6/32, 198.51.100.7/32, 198.51.100.8/32, 198.51.100.9/32, "
     "198.51.100.10/32, 198.51.100.11/32, 198.51.100.12/32, 198.51.100.13/32, 198.51.100.14/32, "
     "198.51.100.15/32, 198.51.100.16/32",
     "w:5: [Port] has 17 addresses; give at most 16"},
    {IN_PORT, "Gateway = 192.0.2",
     "w:6: Gateway: '192.0.2' is no address of a gateway; give a router's address without a prefix "
     "length"},
    {IN_PORT, "Gateway = 192.0.2.1/24",
     "w:6: Gateway: '192.0.2.1/24' is no address of a gateway; give a router's address without a "
     "prefix length"},
    {IN_PORT, "Gateway = 192.0.2.1, 192.0.2.3",
     "w:6: Gateway: '192.0.2.3' is a second gateway of its family; keep one"},
    {IN_PORT, "Gateway = 198.51.100.1",
     "w:6: Gateway 198.51.100.1 is in none of the port's networks; it must lie in one that Address "
     "names"},
    {IN_PORT, "Gateway = 192.0.2.2",
     "w:6: Gateway 192.0.2.2 is the port's own Address; give the router's"},
    {IN_PORT, "Gateway = 2001:db8::1",
     "w:6: Gateway 2001:db8::1 is in none of the port's networks; it must lie in one that Address "
     "names"},
    {IN_PORT, "Gateway = 192.0.2.1\nGateway = fe80::1",
     "w:7: Gateway given again; it is on line 6 already, keep one"},
    {IN_PORT, "Gateway = 0.0.0.0",
     "w:6: Gateway: '0.0.0.0' is no address of a gateway; give a router's address without a prefix "
     "length"},
    {IN_PORT, "Gateway = ", "w:6: Gateway has no value; give it one or remove the line"},
    {IN_PORT, "MTU = 100", "w:6: MTU: '100' is no number from 576 to 16000; give one in digits"},
    {IN_PORT, "MTU = 20000",
     "w:6: MTU: '20000' is no number from 576 to 16000; give one in digits"},
    {IN_PORT, "MTU = 1000\nAddress = 2001:db8::2/64",
     "w:6: MTU 1000 is too small for the IPv6 Address; give 1280 or more"},
    {WHOLE, INTERFACE "[Port]\nDevice = net_tap0, iface=x\nAddress = 192.0.2.2/24\n",
     "w:4: Device: 'net_tap0, iface=x' is no device; give one word, such as "
     "tap0,iface=wgout0 or a PCI address like 0000:03:00.0"},
    {WHOLE, INTERFACE "[Port]\nDevice = tap0,ifac=x\nAddress = 192.0.2.2/24\n",
     "w:4: Device: 'tap0,ifac=x' is no tap; its one option is iface=NAME, as in tap0,iface=wgout0"},
    {WHOLE, INTERFACE "[Port]\nDevice = tap0,iface=\nAddress = 192.0.2.2/24\n",
     "w:4: Device: 'tap0,iface=' is no tap; its one option is iface=NAME, as in tap0,iface=wgout0"},
    {WHOLE, INTERFACE "[Port]\nDevice = tap0,iface=x,mac=fixed\nAddress = 192.0.2.2/24\n",
     "w:4: Device: 'x,mac=fixed' is no name for an interface; give at most 15 characters, without "
     "/ , %"},
    {WHOLE, INTERFACE "[Port]\nDevice = tap0,iface=sixteen-letters-\nAddress = 192.0.2.2/24\n",
     "w:4: Device: 'sixteen-letters-' is no name for an interface; give at most 15 characters, "
     "without / , %"},
    {WHOLE, INTERFACE "[Port]\nAddress = 192.0.2.2/24\n",
     "w:3: [Port] has no Device; give one such as tap0 or a PCI address"},
    {WHOLE, INTERFACE "[Port]\nDevice = net_tap0\n",
     "w:3: [Port] has no Address; give one such as 192.0.2.2/24"},
    {WHOLE, INTERFACE "[Port]\n",
     "w:3: [Port] has no Device; give one such as tap0 or a PCI address\n"
     "w:3: [Port] has no Address; give one such as 192.0.2.2/24"},
    {WHOLE, INTERFACE "[Port]\nDevice = net_tap0\nAddress = x\nGateway = 192.0.2.1\n",
     "w:5: Address: 'x' is no IP address; write it like 192.0.2.2/24 or 2001:db8::2/64"},
    {WHOLE, INTERFACE "[Port]\nDevce = net_tap0\nAdress = x\n",
     "w:4: unknown key 'Devce' in [Port]; did you mean Device?\n"
     "w:5: unknown key 'Adress' in [Port]; did you mean Address?"},
    {WHOLE, INTERFACE PORT PORT,
     "w:6: [Port] with the Device of the one on line 3; give each its own\n"
     "w:6: [Port] with the Address 192.0.2.2, which the one on line 3 has; give each its own"},
    {WHOLE, INTERFACE PORT "[Port]\nDevice = net_tap0,iface=x\nAddress = 192.0.2.3/24\n",
     "w:6: [Port] with the Device of the one on line 3; give each its own"},
    {WHOLE,
     INTERFACE "[Port]\nDevice = a\nAddress = 10.0.0.1/24\n[Port]\nDevice = b\nAddress = "
               "10.0.1.1/24\n[Port]\nDevice = c\nAddress = 10.0.2.1/24\n[Port]\nDevice = "
               "d\nAddress = 10.0.3.1/24\n[Port]\nDevice = e\nAddress = 10.0.4.1/24\n[Port]\n"
               "Device = f\nAddress = 10.0.5.1/24\n[Port]\nDevice = g\nAddress = 10.0.6.1/24\n"
               "[Port]\nDevice = h\nAddress = 10.0.7.1/24\n[Port]\nDevice = i\nAddress = "
               "10.0.8.1/24\n",
     "w:3: 9 [Port] sections; give at most 8"},
    {IN_PORT, "Vlan = 0", "w:6: Vlan: '0' is no number from 1 to 4094; give one in digits"},
    {IN_PORT, "Vlan = 4095", "w:6: Vlan: '4095' is no number from 1 to 4094; give one in digits"},
    {IN_PORT, "Route = 198.51.100.0/24",
     "w:6: Route: '198.51.100.0/24' is no route; write it like 198.51.100.0/24 via 192.0.2.9"},
    {IN_PORT, "Route = 198.51.100.0/24 via fe80::1",
     "w:6: Route: '198.51.100.0/24 via fe80::1' is no route; write it like 198.51.100.0/24 via "
     "192.0.2.9"},
    {IN_PORT, "Route = 198.51.100.0/24 via 203.0.113.1",
     "w:6: Route 203.0.113.1 is in none of the port's networks; it must lie in one that Address "
     "names"},
    {IN_PORT, "Route = 198.51.100.0/24 via 192.0.2.2",
     "w:6: Route 192.0.2.2 is the port's own Address; give the router's"},

    /* [Peer] */
    {IN_PEER, "PublicKey = " PUB, "w:8: PublicKey given again; it is on line 7 already, keep one"},
    {IN_PEER, "PresharedKey = abc",
     "w:8: PresharedKey is no key (not shown); it must be 44 characters of base64, as 'wg genpsk' "
     "prints it"},
    {IN_PEER, "AllowedIPs = 203.0.113.0/33",
     "w:8: AllowedIPs: '203.0.113.0/33' is no IP prefix; write it like 192.0.2.0/24 or "
     "2001:db8::/32"},
    {IN_PEER, "AllowedIPs = +203.0.113.0/24",
     "w:8: AllowedIPs: '+203.0.113.0/24' is no IP prefix; write it like 192.0.2.0/24 or "
     "2001:db8::/32"},
    {IN_PEER, "AllowedIPs = -203.0.113.0/24",
     "w:8: AllowedIPs: '-203.0.113.0/24' is no IP prefix; write it like 192.0.2.0/24 or "
     "2001:db8::/32"},
    {IN_PEER, "AllowedIPs = 203.0.113.0/24,",
     "w:8: AllowedIPs: empty item in the list; remove the extra comma"},
    {IN_PEER, "AllowedIPs = example.com",
     "w:8: AllowedIPs: 'example.com' is no IP prefix; write it like 192.0.2.0/24 or 2001:db8::/32"},
    {IN_PEER, "AllowedIPs =", "w:8: AllowedIPs has no value; give it one or remove the line"},
    {IN_PEER, "Endpoint = 198.51.100.1",
     "w:8: Endpoint: '198.51.100.1' is no endpoint; write host:port, 192.0.2.1:51820 or "
     "[2001:db8::1]:51820"},
    {IN_PEER, "Endpoint = 198.51.100.1:",
     "w:8: Endpoint: '198.51.100.1:' is no endpoint; the port must be 1 to 65535 in digits"},
    {IN_PEER, "Endpoint = 198.51.100.1:0",
     "w:8: Endpoint: '198.51.100.1:0' is no endpoint; the port must be 1 to 65535 in digits"},
    {IN_PEER, "Endpoint = 198.51.100.1:65536",
     "w:8: Endpoint: '198.51.100.1:65536' is no endpoint; the port must be 1 to 65535 in digits"},
    {IN_PEER, "Endpoint = 198.51.100.1:https",
     "w:8: Endpoint: '198.51.100.1:https' is no endpoint; the port must be 1 to 65535 in digits"},
    {IN_PEER, "Endpoint = 198.51.100.256:1",
     "w:8: Endpoint: '198.51.100.256:1' is no endpoint; write host:port, 192.0.2.1:51820 or "
     "[2001:db8::1]:51820"},
    {IN_PEER, "Endpoint = :51820",
     "w:8: Endpoint: ':51820' is no endpoint; write host:port, 192.0.2.1:51820 or "
     "[2001:db8::1]:51820"},
    {IN_PEER, "Endpoint = 2001:db8::1:51820",
     "w:8: Endpoint: '2001:db8::1:51820' is no endpoint; an IPv6 address needs brackets, "
     "[2001:db8::1]:51820"},
    {IN_PEER, "Endpoint = [2001:db8::1]",
     "w:8: Endpoint: '[2001:db8::1]' is no endpoint; write host:port, 192.0.2.1:51820 or "
     "[2001:db8::1]:51820"},
    {IN_PEER, "Endpoint = [2001:db8::1]:",
     "w:8: Endpoint: '[2001:db8::1]:' is no endpoint; the port must be 1 to 65535 in digits"},
    {IN_PEER, "Endpoint = [fe80::1%eth0]:1",
     "w:8: Endpoint: '[fe80::1%eth0]:1' is no endpoint; zones are not supported, give an address "
     "without %"},
    {IN_PEER, "Endpoint = [198.51.100.1]:1",
     "w:8: Endpoint: '[198.51.100.1]:1' is no endpoint; what is in brackets must be an IPv6 "
     "address"},
    {IN_PEER, "Endpoint = [x]:1",
     "w:8: Endpoint: '[x]:1' is no endpoint; what is in brackets must be an IPv6 address"},
    {IN_PEER, "Endpoint = a b:1",
     "w:8: Endpoint: 'a b:1' is no endpoint; write host:port, 192.0.2.1:51820 or "
     "[2001:db8::1]:51820"},
    {IN_PEER, "Endpoint = tcp://198.51.100.1:1",
     "w:8: Endpoint: 'tcp://198.51.100.1:1' is no endpoint; write host:port, 192.0.2.1:51820 or "
     "[2001:db8::1]:51820"},
    {IN_PEER, "Endpoint = 224.0.0.1:1",
     "w:8: Endpoint: '224.0.0.1:1' is no endpoint; give a unicast address"},
    {IN_PEER, "Endpoint = [::]:1",
     "w:8: Endpoint: '[::]:1' is no endpoint; give a unicast address"},
    {IN_PEER, "Endpoint = a..b:1",
     "w:8: Endpoint: 'a..b:1' is no endpoint; write host:port, 192.0.2.1:51820 or "
     "[2001:db8::1]:51820"},
    {IN_PEER,
     "Endpoint = -:", "w:8: Endpoint: '-:' is no endpoint; the port must be 1 to 65535 in digits"},
    {IN_PEER, "Endpoint = []:1",
     "w:8: Endpoint: '[]:1' is no endpoint; what is in brackets must be an IPv6 address"},
    {IN_PEER, "Endpoint = aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:1",
     "w:8: Endpoint: the value is no endpoint; write host:port, 192.0.2.1:51820 or "
     "[2001:db8::1]:51820"},
    {IN_PEER, "Endpoint = [2001:db8::1]:51820",
     "w:8: Endpoint is IPv6, but no [Port] has an IPv6 Address; add one to the [Port]"},
    {IN_PEER, "PersistentKeepalive = 65536",
     "w:8: PersistentKeepalive: '65536' is no keepalive interval; write off or 0 to 65535 seconds"},
    {IN_PEER, "PersistentKeepalive = on",
     "w:8: PersistentKeepalive: 'on' is no keepalive interval; write off or 0 to 65535 seconds"},
    {IN_PEER, "PersistentKeepalive = -1",
     "w:8: PersistentKeepalive: '-1' is no keepalive interval; write off or 0 to 65535 seconds"},
    {IN_PEER, "Transport = tls", "w:8: Transport: 'tls' is no transport; write udp or tcp"},
    {IN_PEER, "Transport = udp\nTransport = tcp",
     "w:9: Transport given again; it is on line 8 already, keep one"},
    {WHOLE, INTERFACE PORT "[Peer]\n", "w:6: [Peer] has no PublicKey; give the peer's"},
    {WHOLE, INTERFACE PORT "[Peer]\nPublicKey = x\n",
     "w:7: PublicKey is no key (not shown); it must be 44 characters of base64, as 'wg pubkey' "
     "prints it"},
    {WHOLE, INTERFACE PORT "[Peer]\nPublicKey = " ZERO "\n",
     "w:7: PublicKey is all zero; give a real key"},
    {WHOLE, INTERFACE PORT "[Peer]\nPublickKey = x\n",
     "w:7: unknown key 'PublickKey' in [Peer]; did you mean PublicKey?"},
    {WHOLE, INTERFACE PORT PEER PEER,
     "w:8: [Peer] with the PublicKey of the one on line 6; make them one"},
    {WHOLE,
     INTERFACE PORT PEER
     "[Peer]\nPublicKey = AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=\n" PEER PEER,
     "w:10: [Peer] with the PublicKey of the one on line 6; make them one\n"
     "w:12: [Peer] with the PublicKey of the one on line 6; make them one"},
    {WHOLE,
     INTERFACE "[Port]\nDevice = net_tap0\nAddress = 2001:db8::2/64\n" PEER
               "Endpoint = 198.51.100.1:1\n",
     "w:8: Endpoint is IPv4, but no [Port] has an IPv4 Address; add one to the [Port]"},

    /* all errors of a file are reported */
    {WHOLE, "[Interface]\nMTU = 1\nMTU = 2\nFoo = 1\n[Port]\nAddress = x\n[Peer]\nEndpoint = y\n",
     "w:2: MTU: '1' is no number from 576 to 16000; give one in digits\n"
     "w:3: MTU given again; it is on line 2 already, keep one\n"
     "w:4: unknown key 'Foo' in [Interface]; keys here are " INTERFACE_KEYS "\n"
     "w:6: Address: 'x' is no IP address; write it like 192.0.2.2/24 or 2001:db8::2/64\n"
     "w:5: [Port] has no Device; give one such as tap0 or a PCI address\n"
     "w:8: Endpoint: 'y' is no endpoint; write host:port, 192.0.2.1:51820 or [2001:db8::1]:51820\n"
     "w:7: [Peer] has no PublicKey; give the peer's\n"
     "w:1: [Interface] has no PrivateKey; make one with 'wg genkey'"},
};

/* What the parser says about a text, or NULL if it takes it. The caller frees it. */
static char *
errors_of(const char *file, const char *text, size_t len)
{
    char *said = NULL;
    size_t said_len;
    FILE *errors = open_memstream(&said, &said_len);
    struct config *c;

    assert_non_null(errors);
    c = config_parse(file, text, len, errors);
    fclose(errors);
    if (c == NULL) {
        assert_true(said_len > 0 && said[said_len - 1] == '\n');
        said[said_len - 1] = '\0';
        return said;
    }
    assert_int_equal(said_len, 0);
    config_free(c);
    free(said);
    return NULL;
}

static void
expect_errors(const char *file, const char *text, size_t len, const char *expected)
{
    char *said = errors_of(file, text, len);

    if (said == NULL)
        fail_msg("no error, but expected: %s", expected);
    assert_string_equal(said, expected);
    free(said);
}

static void
expect_fine(const char *file, const char *text, size_t len)
{
    char *said = errors_of(file, text, len);

    if (said != NULL)
        fail_msg("%s", said);
}

static void
every_error_says_where_what_and_what_would_be_right(void **state)
{
    char text[8192];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct error_case *c = &cases[i];
        int len = snprintf(text, sizeof(text), "%s%s%s", frames[c->where][0], c->text,
                           frames[c->where][1]);

        expect_errors("w", text, (size_t)len, c->expected);
    }
}

static void
the_files_around_the_cases_are_fine(void **state)
{
    static const char *const fine[] = {INTERFACE PORT, INTERFACE PORT PEER};

    (void)state;
    for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++)
        expect_fine("w", fine[i], strlen(fine[i]));
}

static void
a_nul_byte_is_an_error(void **state)
{
    static const char text[] = INTERFACE "# a\0b\nMTU = 14\00020\n" PORT;

    (void)state;
    expect_errors("w", text, sizeof(text) - 1,
                  "w:3: NUL byte; the file must be plain text\n"
                  "w:4: NUL byte; the file must be plain text");
}

static void
a_line_may_have_4096_bytes(void **state)
{
    static const char head[] = INTERFACE "PostUp = ", tail[] = "\n" PORT;
    char text[8192];
    size_t at = sizeof(head) - 1, fill = 4096 - strlen("PostUp = ");

    (void)state;
    memcpy(text, head, at);
    memset(text + at, 'x', fill + 1);
    memcpy(text + at + fill, tail, sizeof(tail) - 1);
    expect_fine("w", text, at + fill + sizeof(tail) - 1);
    text[at + fill] = 'x';
    memcpy(text + at + fill + 1, tail, sizeof(tail) - 1);
    expect_errors(
        "w", text, at + fill + sizeof(tail),
        "w:3: line of 4097 bytes; the limit is 4096, lists may be given on several lines");
}

/* A text that comes so many bytes at a time. */
struct piecemeal {
    const char *text;
    size_t len, piece;
};

static size_t
read_piece(void *ctx, char *buf, size_t size)
{
    struct piecemeal *p = ctx;
    size_t n = p->piece < size ? p->piece : size;

    n = n < p->len ? n : p->len;
    memcpy(buf, p->text, n);
    p->text += n;
    p->len -= n;
    return n;
}

static void
expect_piecemeal(const char *text, size_t len, size_t piece, const char *expected)
{
    struct piecemeal p = {text, len, piece};
    char *said = NULL;
    size_t said_len;
    FILE *errors = open_memstream(&said, &said_len);

    assert_non_null(errors);
    assert_null(config_parse_from("w", read_piece, &p, errors));
    fclose(errors);
    assert_string_equal(said, expected);
    free(said);
}

static void
however_a_text_comes_its_errors_are_the_same(void **state)
{
    static const char text[] =
        "\xef\xbb\xbf" INTERFACE "nonsense\n" PORT "\r\n" PEER "AllowedIPs = x";
    static const char expected[] =
        "w:3: neither a section, a key with a value nor a comment; write Key = value\n"
        "w:10: AllowedIPs: 'x' is no IP prefix; write it like 192.0.2.0/24 or 2001:db8::/32\n";

    (void)state;
    for (size_t piece = 1; piece <= sizeof(text); piece++)
        expect_piecemeal(text, sizeof(text) - 1, piece, expected);
}

/* More than is held at a time, each in lines that end somewhere in it. */
static void
a_long_text_is_read_to_its_end(void **state)
{
    enum { LINES = 20000 };
    static char text[LINES * 40 + 256];
    size_t at = (size_t)sprintf(text, "%s", INTERFACE PORT);

    (void)state;
    for (unsigned i = 0; i < LINES; i++)
        at += (size_t)sprintf(text + at, "# %.*s\n", (int)(i % 37),
                              "-------------------------------------");
    at += (size_t)sprintf(text + at, "nonsense");
    expect_piecemeal(text, at, SIZE_MAX,
                     "w:20006: neither a section, a key with a value nor a comment; write Key = "
                     "value\n");
}

static void
a_line_may_be_longer_than_what_is_held(void **state)
{
    static char text[300000];
    size_t at = (size_t)sprintf(text, "%s", INTERFACE);

    (void)state;
    memset(text + at, 'x', 200000);
    at += 200000;
    at += (size_t)sprintf(text + at, "\nnonsense\n%s", PORT);
    expect_piecemeal(
        text, at, SIZE_MAX,
        "w:3: line of 200000 bytes; the limit is 4096, lists may be given on several lines\n"
        "w:4: neither a section, a key with a value nor a comment; write Key = value\n");
    at = (size_t)sprintf(text, "%s", INTERFACE PORT);
    memset(text + at, 'x', 65536 - at + 65536); /* what is held ends with it */
    expect_piecemeal(
        text, 2 * 65536, SIZE_MAX,
        "w:6: line of 130954 bytes; the limit is 4096, lists may be given on several lines\n");
}

#define BAD_NAME                                                                                   \
    ":1: the file name gives no interface name; name it NAME.conf with 1 to 15 letters, digits "   \
    "or _=+.-"

static void
the_file_name_must_give_an_interface_name(void **state)
{
    static const char text[] = INTERFACE PORT;
    static const char *const bad[][2] = {
        {"wg 0.conf", "wg 0.conf" BAD_NAME},
        {"/etc/sixteen_letters_.conf", "/etc/sixteen_letters_.conf" BAD_NAME},
        {"dir/", "dir/" BAD_NAME},
        {"", BAD_NAME},
        {"..", ".." BAD_NAME},
        {"...conf", "...conf" BAD_NAME}, /* ".." without its suffix */
        {"w\xc3\xa9.conf", "w\xc3\xa9.conf" BAD_NAME},
    };
    static const char *const good[] = {"wg0", "a=b_c+d-e.f.conf", "/etc/x/fifteen_letters.conf",
                                       ".conf"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        expect_errors(bad[i][0], text, sizeof(text) - 1, bad[i][1]);
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        expect_fine(good[i], text, sizeof(text) - 1);
}

/* --- secrets --- */

/* No 8 characters in a row of the secret may be in a message. */
static void
expect_silent(const char *text, const char *secret)
{
    char *said = errors_of("w", text, strlen(text)), part[9] = "";

    for (size_t i = 0; said != NULL && i + 8 <= strlen(secret); i++) {
        memcpy(part, secret + i, 8);
        if (strstr(said, part) != NULL)
            fail_msg("'%s' leaks: %s", part, said);
    }
    free(said);
}

static void
a_secret_is_never_shown_wherever_it_was_put(void **state)
{
    static const char *const lines[] = {
        "[Interface]\nPrivateKey = %s\n",
        "[Interface]\nPrivateKey %s\n",
        "[Interface]\nPrivateKey: %s\n",
        "[Interface]\n%s\n",
        "[Interface]\n= %s\n",
        "%s\n",
        "[%s]\n",
        "[Interface]\n[%s\n",
        "[Interface]\nPrivateKye = %s\n",
        "[Interface]\nListenPort = %s\n",
        "[Interface]\nAddress = 203.0.113.1/24, %s\n",
        "[Interface]\nDNS = %s, !%s!\n",
        "[Interface]\nMTU = %s\n",
        "[Interface]\nTable = %s\n",
        "[Interface]\nInner = %s\n",
        "[Interface]\nCores = %s\n",
        "[Interface]\nTransport = %s\n",
        "[Port]\nDevice = a %s\n",
        "[Port]\nGateway = %s\n",
        "[Port]\nVlan = %s\n",
        "[Port]\nRoute = %s\n",
        "[Port]\nRoute = 10.0.0.0/8 via %s\n",
        "[Peer]\nPublicKey = %s\n",
        "[Peer]\nPresharedKey = %s\n",
        "[Peer]\nPreshredKey = %s\n",
        "[Peer]\nAllowedIPs = %s\n",
        "[Peer]\nEndpoint = %s\n",
        "[Peer]\nEndpoint = %s:!\n",
        "[Peer]\nPersistentKeepalive = %s\n",
    };
    static const char secret[] = "q7w/xB3+Zk0aUuYh1mRr5tNcVv9dGgLl2sPpEe8jDyI=";
    char spoilt[64], text[512];

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        for (size_t cut = 0; cut <= 44; cut++) {
            /* one character gone, one too many, one wrong */
            for (int how = 0; how < 3; how++) {
                snprintf(spoilt, sizeof(spoilt), "%.*s%s%s", (int)cut, secret,
                         how == 0   ? ""
                         : how == 1 ? "*"
                                    : "A",
                         secret + (cut < 44 && how != 2 ? cut + 1 : cut));
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
                snprintf(text, sizeof(text), lines[i], spoilt, spoilt);
#pragma GCC diagnostic pop
                expect_silent(text, secret);
            }
        }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_error_says_where_what_and_what_would_be_right),
        cmocka_unit_test(the_files_around_the_cases_are_fine),
        cmocka_unit_test(a_nul_byte_is_an_error),
        cmocka_unit_test(a_line_may_have_4096_bytes),
        cmocka_unit_test(however_a_text_comes_its_errors_are_the_same),
        cmocka_unit_test(a_long_text_is_read_to_its_end),
        cmocka_unit_test(a_line_may_be_longer_than_what_is_held),
        cmocka_unit_test(the_file_name_must_give_an_interface_name),
        cmocka_unit_test(a_secret_is_never_shown_wherever_it_was_put),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
