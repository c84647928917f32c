/* SPDX-License-Identifier: BSD-3-Clause */
/* bench: what things cost. No figure here is ever a test's verdict; that what was measured went
 * right is. */
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_mbuf.h>

#include <wgtcpd/noise/noise.h>
#include <wgtcpd/transport/packet.h>

#include "bench.h"
#include "packet.h"

/* CACHE: a round's packets come out of the cache again, as a port's do that has so many
 * descriptors. */
enum { POOL = 65535, POOL_QUICK = 16383, CACHE = 512, ROOM = 2176 + 128 };

static const struct {
    const char *name, *what, *peers, *peers_quick;
    void (*run)(const struct bench_options *o, struct rte_mempool *pool);
} benches[] = {
    {"path", "clocks a packet, from port to port, beside the AEAD alone", "1,100,10000,1000000",
     "1,100", bench_path},
    {"handshake", "handshakes a second, beside X25519 alone", "1", "1", bench_handshake},
    {"connections", "memory of live connections", "100000", "200", bench_connections},
    {"scale", "memory and look-ups of many peers", "1000,10000,100000,1000000", "100,1000",
     bench_scale},
    {"workers", "two workers beside one", "64", "64", bench_workers},
};
enum { BENCHES = sizeof(benches) / sizeof(benches[0]) };

static void
print_help(FILE *to)
{
    fputs("usage: bench BENCH [OPTION]...\n\n", to);
    for (unsigned i = 0; i < BENCHES; i++)
        fprintf(to, "  %-12s %s\n", benches[i].name, benches[i].what);
    fputs("\n"
          "      --quick               small numbers: whether it works at all\n"
          "      --json FILE           write the figures there, too\n"
          "      --rounds N            medians are of so many (default 200)\n"
          "      --cpu N               run there (default: the last one)\n"
          "      --peers N,...         of peers, of connections; each bench has its defaults\n"
          "path:\n"
          "      --sizes N,...         bytes of an inner packet (default 64,512,1420)\n"
          "      --transport udp|tcp   (default: both)\n"
          "      --way send|receive    (default: both)\n"
          "      --congestion NAME     of the node's connections (default: the daemon's)\n"
          "      --software-checksums  the ports compute and verify none\n"
          "      --crypto-worker       the node has one, on another CPU\n"
          "      --stages              where the clocks go, by room and by function\n",
          to);
}

static void
parse_list(struct bench_list *list, const char *text)
{
    char *end;

    for (list->n = 0; list->n < BENCH_LIST_MAX; text = end + 1) {
        list->of[list->n++] = (uint32_t)strtoul(text, &end, 10);
        if (end == text || (*end != ',' && *end != '\0'))
            bench_die("not a list of numbers: %s", text);
        if (*end == '\0')
            return;
    }
    bench_die("more than %d numbers", BENCH_LIST_MAX);
}

static void
check_sizes(const struct bench_list *sizes)
{
    for (unsigned i = 0; i < sizes->n; i++)
        if (sizes->of[i] < PACKET_MIN || sizes->of[i] > PACKET_MAX)
            bench_die("packets have %d to %d bytes", PACKET_MIN, PACKET_MAX);
}

static void
set_defaults(struct bench_options *o)
{
    if (o->sizes.n == 0)
        parse_list(&o->sizes, "64,512,1420");
    if (o->rounds == 0)
        o->rounds = o->quick ? 3 : 200;
    check_sizes(&o->sizes);
}

static void
parse_options(int argc, char **argv, struct bench_options *o)
{
    enum {
        QUICK = 1,
        JSON,
        ROUNDS,
        CPU,
        PEERS,
        SIZES,
        TRANSPORT,
        WAY,
        CONGESTION,
        SOFTWARE,
        CRYPTO_WORKER,
        STAGES
    };
    static const struct option options[] = {
        {"quick", no_argument, NULL, QUICK},
        {"json", required_argument, NULL, JSON},
        {"rounds", required_argument, NULL, ROUNDS},
        {"cpu", required_argument, NULL, CPU},
        {"peers", required_argument, NULL, PEERS},
        {"sizes", required_argument, NULL, SIZES},
        {"transport", required_argument, NULL, TRANSPORT},
        {"way", required_argument, NULL, WAY},
        {"congestion", required_argument, NULL, CONGESTION},
        {"software-checksums", no_argument, NULL, SOFTWARE},
        {"crypto-worker", no_argument, NULL, CRYPTO_WORKER},
        {"stages", no_argument, NULL, STAGES},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };

    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        switch (c) {
        case QUICK:
            o->quick = true;
            break;
        case JSON:
            o->json = optarg;
            break;
        case ROUNDS:
            o->rounds = (unsigned)strtoul(optarg, NULL, 10);
            break;
        case CPU:
            o->cpu = (int)strtol(optarg, NULL, 10);
            break;
        case PEERS:
            parse_list(&o->peers, optarg);
            break;
        case SIZES:
            parse_list(&o->sizes, optarg);
            break;
        case TRANSPORT:
            o->only = optarg;
            break;
        case WAY:
            o->way = optarg;
            break;
        case CONGESTION:
            o->congestion = optarg;
            break;
        case SOFTWARE:
            o->software_checksums = true;
            break;
        case CRYPTO_WORKER:
            o->crypto_worker = true;
            break;
        case STAGES:
            o->stages = true;
            break;
        case 'h':
            print_help(stdout);
            exit(0);
        default:
            exit(2);
        }
    }
}

static int
last_cpu(void)
{
    cpu_set_t set;
    int last = 0;

    CPU_ZERO(&set);
    sched_getaffinity(0, sizeof(set), &set);
    for (int i = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, &set))
            last = i;
    return last;
}

int
bench_another_cpu(const struct bench_options *o)
{
    int n = (int)sysconf(_SC_NPROCESSORS_ONLN);

    if (n < 2)
        printf("there is one CPU: figures of two mean nothing\n");
    return (o->cpu >= 0 ? o->cpu : n - 1) == 0 ? n - 1 : 0;
}

static struct rte_mempool *
start_eal(const struct bench_options *o)
{
    char lcores[32], memory[16], prefix[32];
    char *argv[] = {(char[]){"bench"},
                    (char[]){"--no-huge"},
                    (char[]){"-m"},
                    memory,
                    (char[]){"--no-shconf"},
                    (char[]){"--no-pci"},
                    (char[]){"--lcores"},
                    lcores,
                    prefix,
                    (char[]){"--no-telemetry"},
                    (char[]){"--log-level=error"},
                    NULL};
    struct rte_mempool *pool;

    snprintf(lcores, sizeof(lcores), "0@%d", o->cpu >= 0 ? o->cpu : last_cpu());
    snprintf(memory, sizeof(memory), "%d", o->quick ? 256 : 2048);
    snprintf(prefix, sizeof(prefix), "--file-prefix=bench");
    if (rte_eal_init(11, argv) < 0)
        bench_die("DPDK does not start");
    pool = rte_pktmbuf_pool_create("bench", o->quick ? POOL_QUICK : POOL, CACHE, PACKET_META_SIZE,
                                   ROOM, SOCKET_ID_ANY);
    if (pool == NULL)
        bench_die("no memory for packets");
    return pool;
}

int
main(int argc, char **argv)
{
    struct bench_options o = {.cpu = -1};
    char error[128];

    parse_options(argc, argv, &o);
    set_defaults(&o);
    if (noise_crypto_init(error, sizeof(error)) != 0)
        bench_die("%s", error);
    bench_clock_calibrate();
    for (unsigned i = 0; i < BENCHES && optind == argc - 1; i++) {
        if (strcmp(argv[optind], benches[i].name) != 0)
            continue;
        if (o.peers.n == 0)
            parse_list(&o.peers, o.quick ? benches[i].peers_quick : benches[i].peers);
        benches[i].run(&o, start_eal(&o));
        bench_report_write(&o, benches[i].name);
        return 0;
    }
    print_help(stderr);
    return 2;
}
