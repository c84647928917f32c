/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/control/telemetry.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>
#include <rte_telemetry.h>

#include "figures.h"

enum {
    PATIENCE_SECONDS = 2,
    PEERS_MAX = 256, /* keys an answer: DPDK cuts answers at 16 KB */
};

enum progress { IDLE, ASKED, ANSWERED };

/* DPDK's threads end with the process, later than everything else: so this stays, too. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool open;
    enum progress progress;
    struct snapshot *answer;
    int fd; /* eventfd: somebody asks */
    struct event *on_asked;
    struct snapshot *(*take)(void *ctx);
    void *ctx;
} shared = {.lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1};

/* --- asking, in DPDK's threads ------------------------------------------------------------------
 */

static bool
wait_until(enum progress wanted, const struct timespec *deadline)
{
    while (shared.open && shared.progress != wanted)
        if (pthread_cond_timedwait(&shared.changed, &shared.lock, deadline) != 0)
            return false;
    return shared.open;
}

/* NULL: the control thread is busy, or has gone. One at a time. */
static struct snapshot *
ask(void)
{
    struct snapshot *s = NULL;
    struct timespec deadline;
    uint64_t one = 1;

    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += PATIENCE_SECONDS;
    pthread_mutex_lock(&shared.lock);
    if (wait_until(IDLE, &deadline)) {
        shared.progress = ASKED;
        if (write(shared.fd, &one, sizeof(one)) == (ssize_t)sizeof(one))
            wait_until(ANSWERED, &deadline);
        if (shared.progress == ANSWERED)
            s = shared.answer;
        shared.progress = IDLE;
        pthread_cond_broadcast(&shared.changed);
    }
    pthread_mutex_unlock(&shared.lock);
    return s;
}

/* --- answering, in the control thread -----------------------------------------------------------
 */

static void
on_asked(evutil_socket_t fd, short what, void *ctx)
{
    struct snapshot *s;
    uint64_t n;
    ssize_t rc = read(fd, &n, sizeof(n));

    (void)rc;
    (void)what;
    (void)ctx;
    s = shared.take(shared.ctx); /* takes its time: not under the lock */
    pthread_mutex_lock(&shared.lock);
    if (shared.progress == ASKED) {
        shared.answer = s;
        shared.progress = ANSWERED;
        s = NULL;
        pthread_cond_broadcast(&shared.changed);
    }
    pthread_mutex_unlock(&shared.lock);
    snapshot_free(s);
}

/* --- the commands: 0 or -errno -------------------------------------------------------------------
 */

typedef int fill(struct rte_tel_data *d, const struct snapshot *s, const char *params);

static int
fill_interfaces(struct rte_tel_data *d, const struct snapshot *s, const char *params)
{
    (void)params;
    rte_tel_data_start_array(d, RTE_TEL_STRING_VAL);
    rte_tel_data_add_array_string(d, s->ifname);
    return 0;
}

/* Telemetry has integers only. */
static void
add_figure(struct rte_tel_data *d, const struct figure *f, const char *name, const void *of)
{
    char text[RTE_TEL_MAX_STRING_LEN];
    size_t len = strlen(name), unit = strlen("seconds");

    if (f->scale == FIGURE_NANOSECONDS)
        snprintf(text, sizeof(text), "%.*sns", (int)(len - unit), name);
    else
        snprintf(text, sizeof(text), "%s", name);
    rte_tel_data_add_dict_u64(d, text, figure_read(f, of));
}

static bool
is_of_tcp(const struct figure *f)
{
    return strncmp(f->name, "tcp_", 4) == 0;
}

static void
add_interface_figures(struct rte_tel_data *d, const struct snapshot *s, bool tcp)
{
    for (unsigned i = 0; i < n_figures; i++) {
        const struct figure *f = &figures[i];

        if (f->scope == FIGURE_INTERFACE && is_of_tcp(f) == tcp)
            add_figure(d, f, f->name + (tcp ? 4 : 0), s);
        else if (f->scope == FIGURE_WORKER && !tcp) /* all together */
            add_figure(d, f, f->name, &s->worker);
    }
}

static int
fill_interface(struct rte_tel_data *d, const struct snapshot *s, const char *params)
{
    char key[45] = "";

    (void)params;
    if (s->has_private_key)
        config_key_format(key, s->public_key);
    rte_tel_data_start_dict(d);
    rte_tel_data_add_dict_string(d, "name", s->ifname);
    rte_tel_data_add_dict_string(d, "public_key", key);
    rte_tel_data_add_dict_string(d, "aead", s->aead);
    rte_tel_data_add_dict_string(d, "version", WGTCPD_VERSION);
    add_interface_figures(d, s, false);
    return 0;
}

static int
fill_tcp(struct rte_tel_data *d, const struct snapshot *s, const char *params)
{
    (void)params;
    rte_tel_data_start_dict(d);
    add_interface_figures(d, s, true);
    return 0;
}

/* Those that are not zero. */
static void
add_drops(struct rte_tel_data *d, const char *name, const struct wgt_drop_counters *drops)
{
    struct rte_tel_data *inside = rte_tel_data_alloc();

    if (inside == NULL)
        return;
    rte_tel_data_start_dict(inside);
    for (unsigned i = WGT_OK + 1; i < WGT_DROP_COUNT; i++)
        if (drops->n[i] != 0)
            rte_tel_data_add_dict_u64(inside, wgt_drop_name((enum wgt_drop)i), drops->n[i]);
    if (rte_tel_data_add_dict_container(d, name, inside, 0) != 0)
        rte_tel_data_free(inside);
}

static int
fill_drops(struct rte_tel_data *d, const struct snapshot *s, const char *params)
{
    (void)params;
    rte_tel_data_start_dict(d);
    add_drops(d, "data", &s->data_drops);
    add_drops(d, "handshake", &s->handshake_drops);
    return 0;
}

static int
fill_peers(struct rte_tel_data *d, const struct snapshot *s, const char *params)
{
    unsigned long first = 0;
    char key[45], *end;

    if (params != NULL && *params != '\0') {
        first = strtoul(params, &end, 10);
        if (*end != '\0')
            return -EINVAL;
    }
    rte_tel_data_start_array(d, RTE_TEL_STRING_VAL);
    for (size_t i = first; i < s->n_peers && i - first < PEERS_MAX; i++) {
        config_key_format(key, s->peers[i].public_key);
        rte_tel_data_add_array_string(d, key);
    }
    return 0;
}

static void
add_peer(struct rte_tel_data *d, const struct snapshot_peer *p)
{
    static const char prefix[] = "peer_";
    char endpoint[IP_TEXT_MAX] = "";

    if (p->endpoint.addr.family != IP_NONE)
        ip_endpoint_format(endpoint, &p->endpoint);
    rte_tel_data_start_dict(d);
    rte_tel_data_add_dict_string(d, "transport", transport_kind_name(p->path));
    rte_tel_data_add_dict_string(d, "endpoint", endpoint);
    for (unsigned i = 0; i < n_figures; i++) {
        const struct figure *f = &figures[i];
        bool of_peer = f->scope == FIGURE_PEER || f->scope == FIGURE_PEER_HANDSHAKEN;

        if ((of_peer || f->scope == FIGURE_CONNECTION) && figure_of_peer(f, p))
            add_figure(d, f, f->name + (of_peer ? sizeof(prefix) - 1 : 0), p);
    }
}

static int
fill_peer(struct rte_tel_data *d, const struct snapshot *s, const char *params)
{
    uint8_t key[CONFIG_KEY_LEN];

    if (params == NULL || !config_key_parse(key, params))
        return -EINVAL;
    for (size_t i = 0; i < s->n_peers; i++)
        if (memcmp(s->peers[i].public_key, key, sizeof(key)) == 0) {
            add_peer(d, &s->peers[i]);
            return 0;
        }
    return -ENOENT;
}

static const struct command {
    const char *name;
    fill *fill;
    const char *help;
} commands[] = {
    {"/wgtcpd/interfaces", fill_interfaces, "Names of the WireGuard interfaces. No parameters"},
    {"/wgtcpd/interface", fill_interface, "Figures of the interface. No parameters"},
    {"/wgtcpd/tcp", fill_tcp, "Figures of TCP connections. No parameters"},
    {"/wgtcpd/drops", fill_drops, "What was dropped, by reason. No parameters"},
    {"/wgtcpd/peers", fill_peers,
     "Public keys of peers, 256 at most. Parameters: number of the first (0)"},
    {"/wgtcpd/peer", fill_peer, "Figures of a peer. Parameters: its public key"},
};
enum { N_COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static int
answer(const char *name, const char *params, struct rte_tel_data *d)
{
    struct snapshot *s = ask();
    int rc = -ENOENT;

    if (s == NULL)
        return -EAGAIN;
    for (size_t i = 0; i < N_COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0)
            rc = commands[i].fill(d, s, params);
    snapshot_free(s);
    return rc;
}

/* --- beginning and end -------------------------------------------------------------------------
 */

static int
register_commands(void)
{
    int rc = 0;

    for (size_t i = 0; i < N_COMMANDS && rc == 0; i++)
        rc = rte_telemetry_register_cmd(commands[i].name, answer, commands[i].help);
    return rc;
}

int
telemetry_start(struct event_base *base, struct snapshot *(*take)(void *ctx), void *ctx)
{
    pthread_condattr_t monotonic;

    shared.take = take;
    shared.ctx = ctx;
    shared.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (shared.fd < 0)
        return -errno;
    shared.on_asked = event_new(base, shared.fd, EV_READ | EV_PERSIST, on_asked, NULL);
    if (shared.on_asked == NULL || event_add(shared.on_asked, NULL) != 0)
        return -ENOMEM;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&shared.changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_lock(&shared.lock);
    shared.open = true;
    pthread_mutex_unlock(&shared.lock);
    return register_commands();
}

/* Who waits now gives up; who comes later finds it closed. */
void
telemetry_stop(void)
{
    pthread_mutex_lock(&shared.lock);
    if (shared.open)
        pthread_cond_broadcast(&shared.changed);
    shared.open = false;
    pthread_mutex_unlock(&shared.lock);
    if (shared.on_asked != NULL)
        event_free(shared.on_asked);
    shared.on_asked = NULL;
    if (shared.fd >= 0)
        close(shared.fd);
    shared.fd = -1;
}
