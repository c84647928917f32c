/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Capabilities belong to a thread (capabilities(7)), and EAL has made threads by the time they can
 * be dropped: those of the C library's functions, and of libcap-ng's, reach the caller alone. So
 * each thread is asked by a signal to drop its own.
 */
#include <wgtcpd/control/privilege.h>

#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <wgtcpd/base/sanitizer.h>
#include <wgtcpd/control/log.h>
#include <wgtcpd/dataplane/eal.h>

#define CAP_BIT(capability) (UINT64_C(1) << (capability))
enum { CAPABILITIES = 64, PATIENCE_MS = 1000, THREAD_SIGNAL = SIGUSR2, ENTRY_MAX = 4096 };

void
privilege_lock_memory(void)
{
    struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};

    if (setrlimit(RLIMIT_MEMLOCK, &limit) == 0 || getrlimit(RLIMIT_MEMLOCK, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_MEMLOCK, &limit);
}

void
privilege_no_dumps(void)
{
    struct rlimit none = {0, 0};

    if (SANITIZED) /* the leak sanitizer traces the process */
        return;
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    setrlimit(RLIMIT_CORE, &none);
}

bool
privilege_find_user(const char *name, struct privilege_user *user)
{
    struct passwd entry, *found = NULL;
    char text[ENTRY_MAX];
    int rc = getpwnam_r(name, &entry, text, sizeof(text), &found);

    if (found == NULL) {
        log_error("User: there is no user '%s'%s%s", name, rc != 0 ? ": " : "",
                  rc != 0 ? strerror(rc) : "");
        return false;
    }
    *user = (struct privilege_user){.name = name, .uid = entry.pw_uid, .gid = entry.pw_gid};
    return true;
}

/* --- which ---------------------------------------------------------------------------------------
 */

static bool
starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* What drivers do after their start: bring the port down, change its address filters, map memory
 * for DMA, set interrupts. */
static uint64_t
needed_by_device(const struct config_port *port)
{
    const char *device = port->device;

    if (eal_is_pci_address(device))
        return CAP_BIT(CAP_NET_RAW) | CAP_BIT(CAP_IPC_LOCK) | CAP_BIT(CAP_SYS_RAWIO);
    if (starts_with(device, "net_af_xdp"))
        return CAP_BIT(CAP_NET_RAW) | CAP_BIT(CAP_IPC_LOCK) | CAP_BIT(CAP_BPF);
    if (port->tap != NULL || starts_with(device, "net_tap") || starts_with(device, "net_af_packet"))
        return 0; /* CAP_NET_ADMIN will do */
    return CAP_BIT(CAP_NET_RAW) | CAP_BIT(CAP_IPC_LOCK);
}

uint64_t
privilege_needed(const struct config *c)
{
    uint64_t keep = CAP_BIT(CAP_NET_ADMIN); /* addresses, routes, rules, the ports' end */

    for (const struct config_port *p = c->ports; p != NULL; p = p->next)
        keep |= needed_by_device(p);
    if (c->inner_port != NULL)
        keep |= needed_by_device(c->inner_port);
    return keep;
}

/* --- every thread --------------------------------------------------------------------------------
 */

/* What threads are to do, while THREAD_SIGNAL is ours; functions that may be called in a handler.
 */
static struct {
    int (*act)(void);
    uint64_t keep;
    int done, error; /* threads that are through; one's errno */
} order;

static void
on_thread_signal(int sig)
{
    int saved = errno, rc = order.act();

    (void)sig;
    if (rc != 0)
        __atomic_store_n(&order.error, rc, __ATOMIC_RELAXED);
    __atomic_add_fetch(&order.done, 1, __ATOMIC_RELEASE);
    errno = saved;
}

static bool
others_are_through(int wanted)
{
    const struct timespec ms = {.tv_nsec = 1000000};

    for (int i = 0; i < PATIENCE_MS; i++) {
        if (__atomic_load_n(&order.done, __ATOMIC_ACQUIRE) >= wanted)
            return true;
        nanosleep(&ms, NULL);
    }
    return false;
}

/* Asks all threads but our own; how many, or -errno. */
static int
signal_others(void)
{
    pid_t process = getpid(), self = (pid_t)syscall(SYS_gettid);
    DIR *d = opendir("/proc/self/task");
    struct dirent *e;
    int asked = 0;

    if (d == NULL)
        return -errno;
    while ((e = readdir(d)) != NULL) {
        pid_t tid = (pid_t)strtol(e->d_name, NULL, 10);

        if (tid > 0 && tid != self && syscall(SYS_tgkill, process, tid, THREAD_SIGNAL) == 0)
            asked++;
    }
    closedir(d);
    return asked;
}

/* In all threads, ours too. 0 or -errno. */
static int
in_every_thread(int (*act)(void))
{
    struct sigaction ours = {.sa_handler = on_thread_signal, .sa_flags = SA_RESTART}, before;
    int asked, rc;

    order.act = act;
    order.done = order.error = 0;
    if (sigaction(THREAD_SIGNAL, &ours, &before) != 0)
        return -errno;
    asked = signal_others();
    rc = asked < 0 ? asked : act();
    if (rc == 0 && !others_are_through(asked))
        rc = -ETIMEDOUT;
    sigaction(THREAD_SIGNAL, &before, NULL);
    return rc != 0 ? rc : __atomic_load_n(&order.error, __ATOMIC_RELAXED);
}

/* --- what each does --- */

/* No way to more; and what is permitted outlives a change of the user. */
static int
bar_new_ones(void)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0)
        return -errno;
    /* Without CAP_SETPCAP the bounding set stays, which no new privileges makes harmless. */
    for (unsigned i = 0; i < CAPABILITIES; i++)
        if (!(order.keep & CAP_BIT(i)))
            (void)prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    return 0;
}

static int
drop_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    uint64_t keep = order.keep;

    if (syscall(SYS_capget, &header, data) != 0)
        return -errno;
    for (unsigned i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
        data[i].permitted &= (uint32_t)(keep >> 32 * i);
        data[i].effective = data[i].permitted;
        data[i].inheritable = 0;
    }
    return syscall(SYS_capset, &header, data) == 0 ? 0 : -errno;
}

/* The C library sees to all threads in these. */
static int
become_user(const struct privilege_user *u)
{
    if (initgroups(u->name, u->gid) != 0 || setresgid(u->gid, u->gid, u->gid) != 0 ||
        setresuid(u->uid, u->uid, u->uid) != 0)
        return -errno;
    return 0;
}

int
privilege_drop(const struct privilege_user *user, uint64_t keep)
{
    int rc;

    order.keep = keep;
    rc = in_every_thread(bar_new_ones);
    if (rc == 0 && user != NULL)
        rc = become_user(user);
    if (rc == 0)
        rc = in_every_thread(drop_capabilities);
    privilege_no_dumps(); /* the change of the user has undone it */
    return rc;
}
