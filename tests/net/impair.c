/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A cable with faults between two network interfaces: what arrives at one leaves at the other,
 * later, at a limited rate, or never. For kernels without netem.
 *
 *   impair [--control FIFO] [--seed N] IF_A IF_B [SETTING...]
 *
 * A SETTING holds for both directions, or for one with "ab:" or "ba:" before it:
 *
 *   rate=100mbit        bottleneck (kbit, mbit, gbit); rate=0: none
 *   delay=20ms          one way (us, ms, s)
 *   queue=60ms | 500kb  what waits before the bottleneck at most (us, ms, s | b, kb, mb); 0: no end
 *   loss=1% | 500ppm    random loss behind the bottleneck
 *   burst=100ppm,20     so many frames begin a burst of losses, of 20 frames on average
 *   duplicate=1%        so many arrive twice
 *   reorder=1%,3ms      so many arrive that much later than their turn
 *   blackhole=on | off  no packet arrives; ARP does, the hole lies behind the next hop
 *
 * FIFO takes more of them while it runs, any number on a line; each line is answered on standard
 * error by "set LINE". The word "stats" prints the figures so far. SIGTERM and SIGINT end it with
 * the same lines of figures. A frame takes its time at the bottleneck with the 24 bytes that
 * Ethernet adds on the cable.
 *
 * Both interfaces must get finished frames: no checksum offload, no super-packets
 * (ethtool -K PEER tx off gso off).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    FRAME_MAX = 2048 - 128, /* bytes of a frame that fit a slot of the ring beside its header */
    SLOT_SIZE = 2048,
    SLOTS = 8192,
    BLOCK_SIZE = 1 << 20,
    WAITING_MAX = 32768, /* frames under way in one direction */
    FRAMES = 2 * WAITING_MAX,
    CABLE_OVERHEAD = 24, /* preamble, checksum and gap */
    SEND_BURST = 64,
    LINE_LEN = 512,
    MILLION = 1000000,
};

#define US_NS     INT64_C(1000)
#define MS_NS     (1000 * US_NS)
#define SECOND_NS (1000 * MS_NS)
/* Frames that leave within this time leave together: it bounds how often we wake up. */
#define GRAIN_NS (100 * US_NS)
/* The rings may stay unread for this long, as far as the delay allows it. */
#define UNREAD_MAX_NS (2 * MS_NS)

struct settings {
    uint64_t rate; /* bit/s, 0: unlimited */
    int64_t delay;
    int64_t queue_time;                       /* 0: no limit */
    uint64_t queue_bytes;                     /* 0: no limit */
    uint32_t loss, duplicate, reorder, burst; /* parts per million */
    uint32_t burst_len;
    int64_t reorder_delay;
    bool blackhole;
};

struct counters {
    uint64_t in, out, lost, burst, overflow, blackhole, duplicated, reordered, failed;
    int64_t queue_max; /* longest wait before the bottleneck */
    int64_t late_max;  /* longest time between when a frame was due and when it left */
};

struct frame {
    int64_t due;
    uint64_t order; /* of arrival: frames due at the same time keep it */
    uint32_t len;
    uint8_t bytes[FRAME_MAX];
};

struct interface {
    const char *name;
    int fd;
    uint8_t *ring;
    unsigned next; /* slot of the ring to read */
};

struct direction {
    const char *name;
    struct interface *from, *to;
    struct settings set;
    struct counters count;
    int64_t busy_until; /* of the bottleneck */
    bool in_burst;
    uint64_t order;
    struct frame **waiting; /* a heap, the frame due next at its top */
    size_t n_waiting;
};

struct impair {
    struct interface a, b;
    struct direction ab, ba;
    struct frame *frames; /* all there are; memory is touched only as far as they are needed */
    struct frame **spare;
    size_t n_spare;
    int control; /* -1: none */
    char line[LINE_LEN];
    size_t line_len;
    uint64_t random;
};

static volatile sig_atomic_t stopped;

static void
on_stop(int sig)
{
    (void)sig;
    stopped = 1;
}

__attribute__((format(printf, 1, 2))) static void
say(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("impair: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

__attribute__((noreturn)) static void
die(const char *what)
{
    say("%s: %s", what, strerror(errno));
    exit(1);
}

static int64_t
now_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * SECOND_NS + t.tv_nsec;
}

static uint64_t
next_random(struct impair *m) /* splitmix64 */
{
    uint64_t z = m->random += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

/* True in PPM of a million cases. */
static bool
chance(struct impair *m, uint32_t ppm)
{
    return ppm > 0 && next_random(m) % MILLION < ppm;
}

/* ---- settings ---- */

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit rate_units[] = {
    {"kbit", 1000}, {"mbit", MILLION}, {"gbit", 1000 * (uint64_t)MILLION}, {NULL, 0}};
static const struct unit time_units[] = {{"us", US_NS}, {"ms", MS_NS}, {"s", SECOND_NS}, {NULL, 0}};
static const struct unit size_units[] = {{"b", 1}, {"kb", 1000}, {"mb", MILLION}, {NULL, 0}};
static const struct unit share_units[] = {{"%", 10000}, {"ppm", 1}, {NULL, 0}};

/* "0", or a number (with a fraction if need be) and one of the units. */
static bool
parse_amount(const char *text, const struct unit *units, uint64_t max, uint64_t *out)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || !(value >= 0) || value > 1e12)
        return false;
    if (*end == '\0' && value == 0) {
        *out = 0;
        return true;
    }
    for (; units->name != NULL; units++) {
        if (strcmp(end, units->name) != 0)
            continue;
        value *= (double)units->factor;
        *out = (uint64_t)(value + 0.5);
        return value <= (double)max;
    }
    return false;
}

static bool
parse_time(const char *text, int64_t *out)
{
    uint64_t ns;
    if (!parse_amount(text, time_units, 3600 * (uint64_t)SECOND_NS, &ns))
        return false;
    *out = (int64_t)ns;
    return true;
}

static bool
parse_share(const char *text, uint32_t *out)
{
    uint64_t ppm;
    if (!parse_amount(text, share_units, MILLION, &ppm))
        return false;
    *out = (uint32_t)ppm;
    return true;
}

static bool
parse_queue(struct settings *s, const char *text)
{
    s->queue_time = 0;
    s->queue_bytes = 0;
    return parse_time(text, &s->queue_time) ||
           parse_amount(text, size_units, UINT32_MAX, &s->queue_bytes);
}

/* Cuts "FIRST,SECOND" in two; without a comma the second is NULL. */
static char *
cut_at_comma(char *text)
{
    char *comma = strchr(text, ',');
    if (comma == NULL)
        return NULL;
    *comma = '\0';
    return comma + 1;
}

static bool
parse_reorder(struct settings *s, char *value)
{
    const char *delay = cut_at_comma(value);
    if (!parse_share(value, &s->reorder))
        return false;
    return delay == NULL ? s->reorder == 0 : parse_time(delay, &s->reorder_delay);
}

static bool
parse_burst(struct settings *s, char *value)
{
    const char *len = cut_at_comma(value);
    if (!parse_share(value, &s->burst))
        return false;
    if (len == NULL)
        return s->burst == 0;
    s->burst_len = (uint32_t)strtoul(len, NULL, 10);
    return s->burst_len > 0;
}

static bool
settings_change(struct settings *s, const char *key, char *value)
{
    if (strcmp(key, "rate") == 0)
        return parse_amount(value, rate_units, 100000 * (uint64_t)MILLION, &s->rate);
    if (strcmp(key, "delay") == 0)
        return parse_time(value, &s->delay);
    if (strcmp(key, "queue") == 0)
        return parse_queue(s, value);
    if (strcmp(key, "loss") == 0)
        return parse_share(value, &s->loss);
    if (strcmp(key, "duplicate") == 0)
        return parse_share(value, &s->duplicate);
    if (strcmp(key, "reorder") == 0)
        return parse_reorder(s, value);
    if (strcmp(key, "burst") == 0)
        return parse_burst(s, value);
    if (strcmp(key, "blackhole") == 0) {
        s->blackhole = strcmp(value, "on") == 0;
        return s->blackhole || strcmp(value, "off") == 0;
    }
    return false;
}

/* KEY=VALUE; false, and nothing is changed, if it means nothing. */
static bool
settings_apply(struct settings *s, const char *word)
{
    char key[LINE_LEN];
    struct settings changed = *s;
    if ((size_t)snprintf(key, sizeof(key), "%s", word) >= sizeof(key))
        return false;
    char *value = strchr(key, '=');
    if (value == NULL)
        return false;
    *value++ = '\0';
    if (!settings_change(&changed, key, value))
        return false;
    *s = changed;
    return true;
}

/* One word of the command line or of a control line. */
static bool
apply_word(struct impair *m, const char *word)
{
    if (strncmp(word, "ab:", 3) == 0)
        return settings_apply(&m->ab.set, word + 3);
    if (strncmp(word, "ba:", 3) == 0)
        return settings_apply(&m->ba.set, word + 3);
    return settings_apply(&m->ab.set, word) && settings_apply(&m->ba.set, word);
}

/* ---- figures ---- */

/* Frames the kernel had no room for in the ring. */
static unsigned
ring_missed(const struct interface *i)
{
    struct tpacket_stats stats = {0};
    socklen_t len = sizeof(stats);
    getsockopt(i->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len); /* since the last time */
    return stats.tp_drops;
}

static void
direction_report(struct direction *d)
{
    struct counters *c = &d->count;
    c->failed += ring_missed(d->from);
    say("%s: in %" PRIu64 " out %" PRIu64 " lost %" PRIu64 " burst %" PRIu64 " overflow %" PRIu64
        " blackhole %" PRIu64 " duplicated %" PRIu64 " reordered %" PRIu64 " failed %" PRIu64
        " queue_max_us %" PRId64 " late_max_us %" PRId64,
        d->name, c->in, c->out, c->lost, c->burst, c->overflow, c->blackhole, c->duplicated,
        c->reordered, c->failed, c->queue_max / US_NS, c->late_max / US_NS);
}

static void
report(struct impair *m)
{
    direction_report(&m->ab);
    direction_report(&m->ba);
}

/* ---- control ---- */

static void
apply_line(struct impair *m, const char *line)
{
    char copy[LINE_LEN], *rest;
    snprintf(copy, sizeof(copy), "%s", line);
    for (char *word = strtok_r(copy, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        if (strcmp(word, "stats") == 0)
            report(m);
        else if (!apply_word(m, word))
            say("what is '%s'?", word);
    }
    say("set %s", line);
}

static void
read_control(struct impair *m)
{
    char c;
    while (read(m->control, &c, 1) == 1) {
        if (c == '\n') {
            m->line[m->line_len] = '\0';
            apply_line(m, m->line);
            m->line_len = 0;
        } else if (m->line_len + 1 < sizeof(m->line)) {
            m->line[m->line_len++] = c;
        }
    }
}

/* ---- frames under way ---- */

/* One direction holds WAITING_MAX at most, so there is always one. */
static struct frame *
frame_take(struct impair *m)
{
    return m->spare[--m->n_spare];
}

static void
frame_give(struct impair *m, struct frame *f)
{
    m->spare[m->n_spare++] = f;
}

static bool
leaves_before(const struct frame *x, const struct frame *y)
{
    return x->due != y->due ? x->due < y->due : x->order < y->order;
}

static void
heap_push(struct direction *d, struct frame *f)
{
    size_t i = d->n_waiting++;
    for (; i > 0 && leaves_before(f, d->waiting[(i - 1) / 2]); i = (i - 1) / 2)
        d->waiting[i] = d->waiting[(i - 1) / 2];
    d->waiting[i] = f;
}

static struct frame *
heap_pop(struct direction *d)
{
    struct frame *top = d->waiting[0];
    struct frame *last = d->waiting[--d->n_waiting];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < d->n_waiting; i = child) {
        if (child + 1 < d->n_waiting && leaves_before(d->waiting[child + 1], d->waiting[child]))
            child++;
        if (!leaves_before(d->waiting[child], last))
            break;
        d->waiting[i] = d->waiting[child];
    }
    d->waiting[i] = last;
    return top;
}

/* Whether a frame that arrives now would find the queue before the bottleneck full. */
static bool
queue_is_full(const struct direction *d, int64_t wait)
{
    const struct settings *s = &d->set;
    if (s->queue_time > 0 && wait > s->queue_time)
        return true;
    /* in units of 1000: a backlog of seconds at Gbit/s fits 64 bits */
    uint64_t bytes = (uint64_t)wait / 1000 * (s->rate / 8) / 1000000;
    return s->queue_bytes > 0 && bytes > s->queue_bytes;
}

/* Passes the bottleneck; false if the frame finds no room before it. */
static bool
pass_bottleneck(struct direction *d, int64_t arrival, uint32_t len, int64_t *through)
{
    *through = arrival;
    if (d->set.rate == 0)
        return true;
    int64_t start = d->busy_until > arrival ? d->busy_until : arrival;
    if (queue_is_full(d, start - arrival))
        return false;
    if (start - arrival > d->count.queue_max)
        d->count.queue_max = start - arrival;
    uint64_t bits = (uint64_t)(len + CABLE_OVERHEAD) * 8;
    d->busy_until = start + (int64_t)(bits * (uint64_t)SECOND_NS / d->set.rate);
    *through = d->busy_until;
    return true;
}

static bool
burst_takes(struct impair *m, struct direction *d)
{
    if (d->in_burst)
        d->in_burst = d->set.burst > 0 && !chance(m, MILLION / d->set.burst_len);
    else
        d->in_burst = chance(m, d->set.burst);
    return d->in_burst;
}

static void
send_later(struct impair *m, struct direction *d, const uint8_t *bytes, uint32_t len, int64_t due)
{
    if (d->n_waiting == WAITING_MAX) {
        d->count.overflow++;
        return;
    }
    struct frame *f = frame_take(m);
    f->due = due;
    f->order = d->order++;
    f->len = len;
    memcpy(f->bytes, bytes, len);
    heap_push(d, f);
}

static bool
is_arp(const uint8_t *frame, uint32_t len)
{
    const struct ethhdr *h = (const struct ethhdr *)frame;
    return len >= sizeof(*h) && h->h_proto == htons(ETH_P_ARP);
}

static void
frame_arrives(struct impair *m, struct direction *d, const uint8_t *bytes, uint32_t len,
              int64_t arrival)
{
    struct counters *c = &d->count;
    int64_t due;
    c->in++;
    if (len > FRAME_MAX) {
        c->failed++;
    } else if (!pass_bottleneck(d, arrival, len, &due)) {
        c->overflow++;
    } else if (d->set.blackhole && !is_arp(bytes, len)) {
        c->blackhole++;
    } else if (burst_takes(m, d)) {
        c->burst++;
    } else if (chance(m, d->set.loss)) {
        c->lost++;
    } else {
        due += d->set.delay;
        if (chance(m, d->set.duplicate)) {
            c->duplicated++;
            send_later(m, d, bytes, len, due);
        }
        if (chance(m, d->set.reorder)) {
            c->reordered++;
            due += d->set.reorder_delay;
        }
        send_later(m, d, bytes, len, due);
    }
}

/* ---- interfaces ---- */

static void
interface_open(struct interface *i)
{
    i->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (i->fd < 0)
        die("socket");
    int version = TPACKET_V2, on = 1, bytes = 4 << 20;
    struct tpacket_req ring = {.tp_block_size = BLOCK_SIZE,
                               .tp_block_nr = SLOTS / (BLOCK_SIZE / SLOT_SIZE),
                               .tp_frame_size = SLOT_SIZE,
                               .tp_frame_nr = SLOTS};
    if (setsockopt(i->fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) < 0 ||
        setsockopt(i->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) < 0 ||
        setsockopt(i->fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)) < 0 ||
        setsockopt(i->fd, SOL_PACKET, PACKET_RX_RING, &ring, sizeof(ring)) < 0 ||
        setsockopt(i->fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) < 0)
        die("packet socket");
    i->ring = mmap(NULL, (size_t)SLOTS * SLOT_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, i->fd, 0);
    if (i->ring == MAP_FAILED)
        die("mmap of the ring");
    struct sockaddr_ll here = {.sll_family = AF_PACKET,
                               .sll_protocol = htons(ETH_P_ALL),
                               .sll_ifindex = (int)if_nametoindex(i->name)};
    if (here.sll_ifindex == 0)
        die(i->name);
    if (bind(i->fd, (const struct sockaddr *)&here, sizeof(here)) < 0)
        die("bind");
}

/*
 * Takes every frame in the ring. The kernel noted when each arrived, so it does not matter that we
 * look at it later.
 */
static void
read_ring(struct impair *m, struct direction *d)
{
    struct interface *i = d->from;
    int64_t now = now_ns(CLOCK_MONOTONIC), wall = now_ns(CLOCK_REALTIME);
    for (unsigned n = 0; n < SLOTS; n++) {
        struct tpacket2_hdr *h = (struct tpacket2_hdr *)(i->ring + (size_t)i->next * SLOT_SIZE);
        if ((__atomic_load_n(&h->tp_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER) == 0)
            return;
        int64_t age = wall - (h->tp_sec * SECOND_NS + h->tp_nsec);
        if (age < 0 || age > SECOND_NS) /* the wall clock was set */
            age = 0;
        if (h->tp_snaplen < h->tp_len)
            d->count.failed++;
        else
            frame_arrives(m, d, (const uint8_t *)h + h->tp_mac, h->tp_snaplen, now - age);
        __atomic_store_n(&h->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
        i->next = (i->next + 1) % SLOTS;
    }
}

static bool
is_due(const struct direction *d, int64_t now)
{
    return d->n_waiting > 0 && d->waiting[0]->due <= now;
}

static void
send_due(struct impair *m, struct direction *d, int64_t now)
{
    while (is_due(d, now)) {
        struct frame *frames[SEND_BURST];
        struct iovec parts[SEND_BURST];
        struct mmsghdr messages[SEND_BURST];
        unsigned n = 0, sent = 0;
        for (; n < SEND_BURST && is_due(d, now); n++) {
            struct frame *f = frames[n] = heap_pop(d);
            if (now - f->due > d->count.late_max)
                d->count.late_max = now - f->due;
            parts[n] = (struct iovec){.iov_base = f->bytes, .iov_len = f->len};
            messages[n] = (struct mmsghdr){.msg_hdr = {.msg_iov = &parts[n], .msg_iovlen = 1}};
        }
        while (sent < n) {
            int done = sendmmsg(d->to->fd, messages + sent, n - sent, 0);
            if (done <= 0) { /* this one cannot be sent, the next perhaps */
                d->count.failed++;
                done = 1;
            } else {
                d->count.out += (unsigned)done;
            }
            sent += (unsigned)done;
        }
        for (unsigned i = 0; i < n; i++)
            frame_give(m, frames[i]);
    }
}

/* ---- the loop ---- */

static int64_t
earlier(int64_t x, int64_t y)
{
    return x < y ? x : y;
}

/* When there is something to do at the latest; INT64_MAX: when a frame arrives. */
static int64_t
next_due(const struct impair *m)
{
    int64_t due = INT64_MAX;
    if (m->ab.n_waiting > 0)
        due = m->ab.waiting[0]->due;
    if (m->ba.n_waiting > 0)
        due = earlier(due, m->ba.waiting[0]->due);
    return due;
}

/*
 * Sleeps. While frames are under way, whatever arrives is not due before the delay is over: the
 * rings need no watching so long, which saves a wake-up for every frame.
 */
static void
wait_for_work(struct impair *m)
{
    int64_t now = now_ns(CLOCK_MONOTONIC), due = next_due(m);
    int64_t unread = earlier(earlier(m->ab.set.delay, m->ba.set.delay), UNREAD_MAX_NS);
    bool watch = due == INT64_MAX || unread < GRAIN_NS;
    struct timespec timeout, *limit = NULL;
    if (due != INT64_MAX) {
        int64_t wait = due - now;
        if (!watch)
            wait = earlier(wait, unread);
        if (wait < GRAIN_NS)
            wait = GRAIN_NS;
        timeout = (struct timespec){.tv_sec = wait / SECOND_NS, .tv_nsec = wait % SECOND_NS};
        limit = &timeout;
    }
    struct pollfd fds[] = {
        {.fd = m->control, .events = POLLIN},
        {.fd = watch ? m->a.fd : -1, .events = POLLIN},
        {.fd = watch ? m->b.fd : -1, .events = POLLIN},
    };
    if (ppoll(fds, 3, limit, NULL) < 0 && errno != EINTR)
        die("ppoll");
    if (fds[0].revents != 0)
        read_control(m);
}

static void
turn(struct impair *m)
{
    wait_for_work(m);
    read_ring(m, &m->ab);
    read_ring(m, &m->ba);
    int64_t now = now_ns(CLOCK_MONOTONIC);
    send_due(m, &m->ab, now);
    send_due(m, &m->ba, now);
}

__attribute__((noreturn)) static void
usage(void)
{
    fputs("usage: impair [--control FIFO] [--seed N] IF_A IF_B [SETTING...]\n"
          "settings: [ab:|ba:]rate=100mbit delay=20ms queue=60ms|500kb loss=1%|500ppm\n"
          "          burst=100ppm,20 duplicate=1% reorder=1%,3ms blackhole=on|off\n",
          stderr);
    exit(2);
}

static void
parse_arguments(struct impair *m, int argc, char **argv)
{
    int i = 1;
    for (; i + 1 < argc && strncmp(argv[i], "--", 2) == 0; i += 2) {
        if (strcmp(argv[i], "--seed") == 0) {
            m->random = strtoull(argv[i + 1], NULL, 10);
        } else if (strcmp(argv[i], "--control") == 0) {
            /* also for writing: a FIFO without writers would always be readable */
            m->control = open(argv[i + 1], O_RDWR | O_NONBLOCK | O_CLOEXEC);
            if (m->control < 0)
                die(argv[i + 1]);
        } else {
            usage();
        }
    }
    if (argc - i < 2)
        usage();
    m->a.name = argv[i++];
    m->b.name = argv[i++];
    for (; i < argc; i++)
        if (!apply_word(m, argv[i]))
            usage();
}

static void *
table(size_t n, size_t size)
{
    void *memory = calloc(n, size);
    if (memory == NULL)
        die("calloc");
    return memory;
}

static void
tables_make(struct impair *m)
{
    m->ab.waiting = table(WAITING_MAX, sizeof(struct frame *));
    m->ba.waiting = table(WAITING_MAX, sizeof(struct frame *));
    m->spare = table(FRAMES, sizeof(struct frame *));
    m->frames = table(FRAMES, sizeof(struct frame));
    for (m->n_spare = 0; m->n_spare < FRAMES; m->n_spare++)
        m->spare[m->n_spare] = &m->frames[FRAMES - 1 - m->n_spare];
}

static void
tables_free(struct impair *m)
{
    free(m->ab.waiting);
    free(m->ba.waiting);
    free(m->spare);
    free(m->frames);
}

/* The machine's load shall not become the path's delay: as far as we may, we run at once. */
static void
be_punctual(void)
{
    struct sched_param first = {.sched_priority = 1};
    sched_setscheduler(0, SCHED_FIFO, &first);
    prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
}

int
main(int argc, char **argv)
{
    struct impair m = {.control = -1, .random = (uint64_t)now_ns(CLOCK_REALTIME)};
    m.ab = (struct direction){.name = "ab", .from = &m.a, .to = &m.b, .set.burst_len = 1};
    m.ba = (struct direction){.name = "ba", .from = &m.b, .to = &m.a, .set.burst_len = 1};
    parse_arguments(&m, argc, argv);
    struct sigaction stop = {.sa_handler = on_stop};
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGINT, &stop, NULL);

    tables_make(&m);
    interface_open(&m.a);
    interface_open(&m.b);
    be_punctual();
    say("ready (seed %" PRIu64 ")", m.random);
    while (!stopped)
        turn(&m);
    report(&m);
    tables_free(&m);
    return 0;
}
