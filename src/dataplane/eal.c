/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/dataplane/eal.h>

#include <ctype.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>

enum { ARGS_MAX = 64, ARGS_TEXT_MAX = 4096, MEMORY_MB = 192, WORKER_MB = 96 };

struct args {
    char *v[ARGS_MAX + 1];
    int n;
    char text[ARGS_TEXT_MAX]; /* what v points into */
    size_t used;
    bool overflow;
};

static void
add_slice(struct args *a, const char *text, size_t len)
{
    if (a->n >= ARGS_MAX || len + 1 > sizeof(a->text) - a->used) {
        a->overflow = true;
        return;
    }
    a->v[a->n] = a->text + a->used;
    memcpy(a->v[a->n], text, len);
    a->v[a->n++][len] = '\0';
    a->used += len + 1;
}

static void
add(struct args *a, const char *text)
{
    add_slice(a, text, strlen(text));
}

static void
add_words(struct args *a, const char *text)
{
    static const char blanks[] = " \t";

    for (text += strspn(text, blanks); *text != '\0'; text += strspn(text, blanks)) {
        size_t len = strcspn(text, blanks);

        add_slice(a, text, len);
        text += len;
    }
}

static bool
all_hex(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isxdigit((unsigned char)s[i]))
            return false;
    return true;
}

bool
eal_is_pci_address(const char *d)
{
    size_t len = strlen(d);

    if (len == 12 && all_hex(d, 4) && d[4] == ':') {
        d += 5;
        len -= 5;
    }
    return len == 7 && all_hex(d, 2) && d[2] == ':' && all_hex(d + 3, 2) && d[5] == '.' &&
           isdigit((unsigned char)d[6]);
}

/* "2-5,7" as numbers; how many there are. */
static unsigned
list_cores(const char *cores, unsigned out[CPU_SETSIZE])
{
    unsigned n = 0;
    char *end;

    while (*cores != '\0') {
        unsigned long first = strtoul(cores, &end, 10), last = first;

        if (*end == '-')
            last = strtoul(end + 1, &end, 10);
        for (; first <= last && n < CPU_SETSIZE; first++)
            out[n++] = (unsigned)first;
        cores = end + strcspn(end, "0123456789");
    }
    return n;
}

static void
add_floating(char *text, size_t size, unsigned lcores, const char *cpus)
{
    size_t len = strlen(text);

    if (lcores == 1)
        snprintf(text + len, size - len, ",1@(%s)", cpus);
    else
        snprintf(text + len, size - len, ",(1-%u)@(%s)", lcores, cpus);
}

/* As many cores as lcores: one each, in their order. Fewer: they share them as the scheduler likes.
 */
static void
add_pinned(char *text, size_t size, unsigned lcores, const char *cores)
{
    unsigned list[CPU_SETSIZE], n = list_cores(cores, list);
    size_t len = strlen(text);

    if (lcores == 1 || n < lcores) {
        add_floating(text, size, lcores, cores);
        return;
    }
    for (unsigned i = 0; i < lcores && len < size; i++)
        len += (size_t)snprintf(text + len, size - len, ",%u@%u", i + 1, list[i]);
}

/* Without pinning, all lcores float over all CPUs we may use: the scheduler spreads several
 * daemons better than we could. */
static void
add_lcores(struct args *a, unsigned lcores, const char *cores)
{
    char text[1024], all[256] = "";
    cpu_set_t set;
    size_t n = 0;

    CPU_ZERO(&set);
    sched_getaffinity(0, sizeof(set), &set);
    for (int i = 0; i < CPU_SETSIZE && n < sizeof(all) - 8; i++)
        if (CPU_ISSET(i, &set))
            n += (size_t)snprintf(all + n, sizeof(all) - n, "%s%d", n > 0 ? "," : "", i);
    snprintf(text, sizeof(text), "0@(%s)", all);
    if (cores != NULL)
        add_pinned(text, sizeof(text), lcores, cores);
    else
        add_floating(text, sizeof(text), lcores, all);
    add(a, "--lcores");
    add(a, text);
    add(a, "--main-lcore");
    add(a, "0");
}

static unsigned
workers_of(const struct eal_params *p)
{
    return p->workers > 0 ? p->workers : 1;
}

static bool
chooses_memory(const char *extra)
{
    static const char *const options[] = {"--in-memory", "--socket-mem", "--huge-dir",
                                          "--huge-unlink", "--no-huge"};

    for (size_t i = 0; extra != NULL && i < sizeof(options) / sizeof(options[0]); i++)
        if (strstr(extra, options[i]) != NULL)
            return true;
    return false;
}

static void
add_memory(struct args *a, const struct eal_params *p, bool pci)
{
    char text[16];

    if (chooses_memory(p->extra))
        return;
    if (pci) { /* a NIC does DMA: hugepages, without files */
        add(a, "--in-memory");
        return;
    }
    snprintf(text, sizeof(text), "%u", MEMORY_MB + (workers_of(p) - 1) * WORKER_MB);
    add(a, "--no-huge");
    add(a, "-m");
    add(a, text);
    add(a, "--no-shconf");
}

static bool
uses_pci(const struct eal_params *p)
{
    for (unsigned i = 0; i < p->n_devices; i++)
        if (eal_is_pci_address(p->devices[i]))
            return true;
    return false;
}

static void
add_devices(struct args *a, const struct eal_params *p)
{
    char text[512];

    if (!uses_pci(p))
        add(a, "--no-pci");
    for (unsigned i = 0; i < p->n_devices; i++) {
        if (eal_is_pci_address(p->devices[i])) {
            add(a, "-a");
            add(a, p->devices[i]);
            continue;
        }
        snprintf(text, sizeof(text), "--vdev=%s", p->devices[i]);
        add(a, text);
    }
}

static void
ignore_signal(int sig)
{
    (void)sig;
}

/* net_tap asks for a real-time signal per packet; unhandled, a full signal queue becomes a deadly
 * SIGIO. A handler that does nothing, installed before the tap is made, is what costs least. */
static void
silence_realtime_signals(void)
{
    struct sigaction sa = {.sa_handler = ignore_signal, .sa_flags = SA_RESTART};

    for (int sig = SIGRTMIN + 1; sig < SIGRTMAX; sig++)
        sigaction(sig, &sa, NULL);
    sigaction(SIGIO, &sa, NULL);
}

int
eal_start(const struct eal_params *p, char *error, size_t error_len)
{
    struct args a = {.n = 0};
    char prefix[64];
    int rc;

    add(&a, "wgtcpd");
    add_memory(&a, p, uses_pci(p));
    add_devices(&a, p);
    add_lcores(&a, workers_of(p) + p->helpers, p->cores);
    snprintf(prefix, sizeof(prefix), "--file-prefix=wgtcpd-%s", p->name);
    add(&a, prefix);
    if (!p->telemetry)
        add(&a, "--no-telemetry");
    add(&a, p->verbose ? "--log-level=info" : "--log-level=error");
    if (!p->verbose) /* it calls everything that it does without an error */
        add(&a, "--log-level=pmd.net.tap:critical");
    if (p->extra != NULL)
        add_words(&a, p->extra);
    if (a.overflow) {
        snprintf(error, error_len, "EAL arguments (EalArgs) too long: at most %d of them, %d bytes",
                 ARGS_MAX, ARGS_TEXT_MAX);
        return -1;
    }
    silence_realtime_signals();
    rc = rte_eal_init(a.n, a.v);
    if (rc < 0)
        snprintf(error, error_len, "DPDK did not start: %s (%s%s; -v shows DPDK's messages)",
                 rte_strerror(rte_errno), p->n_devices > 0 ? "device " : "without a device",
                 p->n_devices > 0 ? p->devices[0] : "");
    return rc < 0 ? -1 : 0;
}

/* EAL leaves its runtime directory behind, and takes the socket of telemetry away when the process
 * ends, later. rmdir takes only an empty directory. */
void
eal_stop(void)
{
    char directory[PATH_MAX], socket[PATH_MAX + 32];

    snprintf(directory, sizeof(directory), "%s", rte_eal_get_runtime_dir());
    snprintf(socket, sizeof(socket), "%s/dpdk_telemetry.v2", directory);
    rte_eal_cleanup();
    unlink(socket);
    rmdir(directory);
}
