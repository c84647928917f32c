/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/dataplane/crypto_worker.h>

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <rte_pause.h>

#include <wgtcpd/dataplane/worker.h>

/* Idle for this long, it sleeps. */
#define IDLE_SPELL (50 * WGT_USEC)
/* The clock is looked at once in so many empty turns. */
enum { TURNS_PER_LOOK = 64 };

int
crypto_crew_init(struct crypto_crew *c, unsigned n, bool adaptive)
{
    *c = (struct crypto_crew){.adaptive = adaptive};
    for (; c->n < n; c->n++) {
        struct crypto_worker *w = &c->workers[c->n];

        w->crew = c;
        w->id = c->n;
        w->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        if (w->wake_fd < 0) {
            int rc = -errno;

            crypto_crew_fini(c);
            return rc;
        }
    }
    return 0;
}

void
crypto_crew_fini(struct crypto_crew *c)
{
    while (c->n > 0)
        close(c->workers[--c->n].wake_fd);
}

void
crypto_crew_add(struct crypto_crew *c, struct crypto_queue *q)
{
    c->queues[c->n_queues++] = q;
}

/* --- working -------------------------------------------------------------------------------------
 */

/* For others to read at any time. */
static void
count(uint64_t *counter, uint64_t n)
{
    __atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

unsigned
crypto_worker_turn(struct crypto_worker *w)
{
    const struct crypto_crew *c = w->crew;
    unsigned n = 0;

    for (unsigned i = 0; i < c->n_queues; i++) {
        /* Each begins with another one. */
        struct crypto_batch *b = crypto_queue_take(c->queues[(w->id + i) % c->n_queues]);

        if (b == NULL)
            continue;
        n += crypto_batch_run(b);
        count(&w->stats.batches, 1);
    }
    if (n > 0)
        count(&w->stats.messages, n);
    return n;
}

/* --- sleeping ------------------------------------------------------------------------------------
 */

static bool
is_work(const struct crypto_crew *c)
{
    for (unsigned i = 0; i < c->n_queues; i++)
        if (crypto_queue_waiting(c->queues[i]) > 0)
            return true;
    return __atomic_load_n(&c->quit, __ATOMIC_ACQUIRE);
}

static void
kick(int fd)
{
    uint64_t one = 1;
    ssize_t n = write(fd, &one, sizeof(one));

    (void)n; /* a full counter wakes as well */
}

/* The fence pairs with that of nap: either we see that somebody sleeps, or it sees what has been
 * put into the queue. */
void
crypto_crew_wake(struct crypto_crew *c)
{
    uint32_t sleeping;

    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    sleeping = __atomic_load_n(&c->sleeping, __ATOMIC_RELAXED);
    if (sleeping != 0) {
        unsigned i = (unsigned)__builtin_ctz(sleeping);
        uint32_t bit = UINT32_C(1) << i;

        if ((__atomic_fetch_and(&c->sleeping, ~bit, __ATOMIC_RELAXED) & bit) != 0)
            kick(c->workers[i].wake_fd);
    }
}

static void
nap(struct crypto_worker *w)
{
    struct pollfd wake = {.fd = w->wake_fd, .events = POLLIN};
    struct crypto_crew *c = w->crew;
    uint32_t bit = UINT32_C(1) << w->id;
    uint64_t kicks;
    ssize_t n;

    __atomic_fetch_or(&c->sleeping, bit, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (!is_work(c)) {
        count(&w->stats.sleeps, 1);
        (void)poll(&wake, 1, -1);
    }
    __atomic_fetch_and(&c->sleeping, ~bit, __ATOMIC_RELAXED);
    n = read(w->wake_fd, &kicks, sizeof(kicks));
    (void)n;
}

/* Until there is something to do, or nothing any more. */
static void
idle(struct crypto_worker *w)
{
    wgt_time since = worker_clock();

    for (unsigned turn = 1; !is_work(w->crew); turn++) {
        rte_pause();
        if (w->crew->adaptive && turn % TURNS_PER_LOOK == 0 && worker_clock() - since > IDLE_SPELL)
            nap(w);
    }
}

int
crypto_worker_main(void *arg)
{
    struct crypto_worker *w = arg;
    struct crypto_crew *c = w->crew;

    if (c->on_start != NULL)
        c->on_start(c->on_start_ctx);
    while (!__atomic_load_n(&c->quit, __ATOMIC_ACQUIRE))
        if (crypto_worker_turn(w) == 0)
            idle(w);
    return 0;
}

void
crypto_crew_quit(struct crypto_crew *c)
{
    __atomic_store_n(&c->quit, true, __ATOMIC_RELEASE);
    for (unsigned i = 0; i < c->n; i++)
        kick(c->workers[i].wake_fd);
}

struct crypto_worker_stats
crypto_worker_stats(const struct crypto_worker *w)
{
    return (struct crypto_worker_stats){
        .batches = __atomic_load_n(&w->stats.batches, __ATOMIC_RELAXED),
        .messages = __atomic_load_n(&w->stats.messages, __ATOMIC_RELAXED),
        .sleeps = __atomic_load_n(&w->stats.sleeps, __ATOMIC_RELAXED),
    };
}
