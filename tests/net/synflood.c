/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Many SYNs from addresses that never answer.
 *
 *   synflood IFACE MAC ADDRESS PORT RATE
 *
 * Sends RATE SYNs a second out of IFACE to MAC (the way to ADDRESS, IPv4), from random addresses in
 * 198.18.0.0/15 (RFC 2544: for such tests, routed nowhere) and random ports, until SIGTERM. Then it
 * says how many. Stands for a stranger's tool, so it shares no code with wgtcpd.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { TICKS = 1000, /* a second */ BURST_MAX = 1000, OPTIONS_LEN = 20 };

struct __attribute__((packed)) syn {
    struct ethhdr eth;
    struct iphdr ip;
    struct tcphdr tcp;
    uint8_t options[OPTIONS_LEN];
};

/* What Linux sends: MSS 1460, SACK permitted, timestamps, NOP, window scale 7. */
static const uint8_t linux_options[OPTIONS_LEN] = {2, 4, 0x05, 0xb4, 4, 2, 8, 10, 0, 0,
                                                   0, 1, 0,    0,    0, 0, 1, 3,  3, 7};

static volatile sig_atomic_t stopped;

static void
on_stop(int sig)
{
    (void)sig;
    stopped = 1;
}

static uint64_t
next_random(void) /* xorshift64 */
{
    static uint64_t seed = 88172645463325252;
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

__attribute__((noreturn)) static void
die(const char *what)
{
    fprintf(stderr, "synflood: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint32_t
sum(uint32_t start, const void *data, size_t len)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i + 1 < len; i += 2)
        start += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
    return start;
}

static uint16_t
fold(uint32_t s)
{
    while (s >> 16 != 0)
        s = (s & 0xffff) + (s >> 16);
    return htons((uint16_t)~s);
}

/* Writes a SYN from somewhere to `to`:`port`. */
static void
syn_make(struct syn *p, const struct ether_addr *mac, struct in_addr to, uint16_t port)
{
    uint64_t r = next_random();
    const uint32_t tcp_len = sizeof(p->tcp) + OPTIONS_LEN;
    memset(p, 0, sizeof(*p));
    memcpy(p->eth.h_dest, mac, ETH_ALEN);
    memcpy(p->eth.h_source, "\x02\x00\x00\x00\x00\xfe", ETH_ALEN);
    p->eth.h_proto = htons(ETH_P_IP);
    p->ip.version = 4;
    p->ip.ihl = 5;
    p->ip.tot_len = htons((uint16_t)(sizeof(p->ip) + tcp_len));
    p->ip.frag_off = htons(IP_DF);
    p->ip.ttl = 64;
    p->ip.protocol = IPPROTO_TCP;
    p->ip.saddr = htonl(0xc6120000 | (uint32_t)(r & 0x1ffff));
    p->ip.daddr = to.s_addr;
    p->ip.check = fold(sum(0, &p->ip, sizeof(p->ip)));
    p->tcp.source = htons((uint16_t)(1024 + (r >> 20) % 64000));
    p->tcp.dest = htons(port);
    p->tcp.seq = (uint32_t)next_random();
    p->tcp.doff = (uint8_t)(tcp_len / 4);
    p->tcp.syn = 1;
    p->tcp.window = htons(64240);
    memcpy(p->options, linux_options, OPTIONS_LEN);
    memcpy(p->options + 8, &r, 4); /* the timestamp */
    uint32_t s = sum(IPPROTO_TCP + tcp_len, &p->ip.saddr, 8);
    p->tcp.check = fold(sum(s, &p->tcp, tcp_len));
}

static int
packet_socket(const char *interface)
{
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), on = 1;
    if (fd < 0)
        die("socket");
    setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on));
    struct sockaddr_ll here = {.sll_family = AF_PACKET,
                               .sll_ifindex = (int)if_nametoindex(interface)};
    if (here.sll_ifindex == 0)
        die(interface);
    if (bind(fd, (const struct sockaddr *)&here, sizeof(here)) < 0)
        die("bind");
    return fd;
}

int
main(int argc, char **argv)
{
    struct in_addr to;
    struct ether_addr mac;
    if (argc != 6 || ether_aton_r(argv[2], &mac) == NULL || inet_pton(AF_INET, argv[3], &to) != 1) {
        fputs("usage: synflood IFACE MAC ADDRESS PORT RATE\n", stderr);
        return 2;
    }
    int fd = packet_socket(argv[1]);
    uint16_t port = (uint16_t)strtoul(argv[4], NULL, 10);
    uint64_t rate = strtoul(argv[5], NULL, 10);
    if (rate == 0 || rate / TICKS > BURST_MAX)
        die("rate");
    struct sigaction stop = {.sa_handler = on_stop};
    sigaction(SIGTERM, &stop, NULL);

    struct timespec at;
    uint64_t sent = 0;
    clock_gettime(CLOCK_MONOTONIC, &at);
    for (uint64_t tick = 1; !stopped; tick++) {
        for (; sent < tick * rate / TICKS; sent++) {
            struct syn p;
            syn_make(&p, &mac, to, port);
            if (send(fd, &p, sizeof(p), 0) < 0 && errno != ENOBUFS)
                die("send");
        }
        at.tv_nsec += 1000000000 / TICKS;
        if (at.tv_nsec >= 1000000000) {
            at.tv_nsec -= 1000000000;
            at.tv_sec++;
        }
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
    }
    fprintf(stderr, "synflood: %" PRIu64 " SYNs sent\n", sent);
    return 0;
}
