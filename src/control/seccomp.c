/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/control/seccomp.h>

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <wgtcpd/base/sanitizer.h>

/* --- the lists ----------------------------------------------------------------------------------
 */

/* Of the C library, EAL and any loop. */
static const int of_all[] = {
    SCMP_SYS(brk),
    SCMP_SYS(clock_getres),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(close),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_pwait2),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(fcntl),
    SCMP_SYS(fstat),
    SCMP_SYS(futex),
    SCMP_SYS(getcpu),
    SCMP_SYS(getpid),
    SCMP_SYS(getrandom),
    SCMP_SYS(gettid),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(lseek),
    SCMP_SYS(madvise),
    SCMP_SYS(membarrier),
    SCMP_SYS(mlock),
    SCMP_SYS(mremap),
    SCMP_SYS(munlock),
    SCMP_SYS(munmap),
    SCMP_SYS(nanosleep),
    SCMP_SYS(newfstatat), /* fstat(2) of glibc */
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(rseq),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigtimedwait),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sendmmsg),
    SCMP_SYS(sendmsg),
    SCMP_SYS(sendto),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(set_tid_address),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(time),
    SCMP_SYS(write),
    SCMP_SYS(writev),
};

/* Besides: sockets, files, threads; and that a worker confines itself. */
static const int of_control[] = {
    SCMP_SYS(accept),
    SCMP_SYS(accept4),
    SCMP_SYS(access),
    SCMP_SYS(bind),
    SCMP_SYS(chmod),
    SCMP_SYS(chown),
    SCMP_SYS(connect),
    SCMP_SYS(dup),
    SCMP_SYS(dup2),
    SCMP_SYS(dup3),
    SCMP_SYS(epoll_create),
    SCMP_SYS(epoll_create1),
    SCMP_SYS(eventfd),
    SCMP_SYS(eventfd2),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(fallocate),
    SCMP_SYS(fchmod),
    SCMP_SYS(fchmodat),
    SCMP_SYS(fchown),
    SCMP_SYS(fchownat),
    SCMP_SYS(fdatasync),
    SCMP_SYS(flock),
    SCMP_SYS(fstatfs),
    SCMP_SYS(fsync),
    SCMP_SYS(ftruncate),
    SCMP_SYS(get_mempolicy),
    SCMP_SYS(getcwd),
    SCMP_SYS(getdents),
    SCMP_SYS(getdents64),
    SCMP_SYS(getegid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getgroups),
    SCMP_SYS(getpeername),
    SCMP_SYS(getppid),
    SCMP_SYS(getresgid),
    SCMP_SYS(getresuid),
    SCMP_SYS(getrlimit),
    SCMP_SYS(getrusage),
    SCMP_SYS(getsockname),
    SCMP_SYS(getsockopt),
    SCMP_SYS(getuid),
    SCMP_SYS(link),
    SCMP_SYS(linkat),
    SCMP_SYS(listen),
    SCMP_SYS(lstat),
    SCMP_SYS(mbind),
    SCMP_SYS(memfd_create),
    SCMP_SYS(mincore),
    SCMP_SYS(mkdir),
    SCMP_SYS(mkdirat),
    SCMP_SYS(mlock2),
    SCMP_SYS(msync),
    SCMP_SYS(open),
    SCMP_SYS(openat),
    SCMP_SYS(pipe),
    SCMP_SYS(pipe2),
    SCMP_SYS(pread64),
    SCMP_SYS(preadv),
    SCMP_SYS(pselect6),
    SCMP_SYS(pwrite64),
    SCMP_SYS(pwritev),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(recvmmsg),
    SCMP_SYS(rename),
    SCMP_SYS(renameat),
    SCMP_SYS(renameat2),
    SCMP_SYS(rmdir),
    SCMP_SYS(sched_get_priority_max),
    SCMP_SYS(sched_get_priority_min),
    SCMP_SYS(sched_getparam),
    SCMP_SYS(sched_getscheduler),
    SCMP_SYS(sched_setaffinity),
    SCMP_SYS(sched_setscheduler),
    SCMP_SYS(seccomp),
    SCMP_SYS(select),
    SCMP_SYS(set_mempolicy),
    SCMP_SYS(setsockopt),
    SCMP_SYS(shutdown),
    SCMP_SYS(signalfd),
    SCMP_SYS(signalfd4),
    SCMP_SYS(stat),
    SCMP_SYS(statfs),
    SCMP_SYS(statx),
    SCMP_SYS(symlink),
    SCMP_SYS(symlinkat),
    SCMP_SYS(sysinfo),
    SCMP_SYS(timerfd_create),
    SCMP_SYS(timerfd_gettime),
    SCMP_SYS(timerfd_settime),
    SCMP_SYS(umask),
    SCMP_SYS(uname),
    SCMP_SYS(unlink),
    SCMP_SYS(unlinkat),
    SCMP_SYS(utimensat),
    SCMP_SYS(wait4),
};

/* Calls that are allowed with some arguments only. One rule a line. */
struct rule {
    int call;
    struct scmp_arg_cmp when;
};

static struct scmp_arg_cmp
equal(unsigned arg, scmp_datum_t value)
{
    return (struct scmp_arg_cmp){.arg = arg, .op = SCMP_CMP_EQ, .datum_a = value};
}

static struct scmp_arg_cmp
other_than(unsigned arg, scmp_datum_t value)
{
    return (struct scmp_arg_cmp){.arg = arg, .op = SCMP_CMP_NE, .datum_a = value};
}

/* Of the bits of the mask, those of the value and no others. */
static struct scmp_arg_cmp
of_bits(unsigned arg, scmp_datum_t mask, scmp_datum_t value)
{
    return (struct scmp_arg_cmp){
        .arg = arg, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = value};
}

static int
add_rules(scmp_filter_ctx f, const struct rule *rules, size_t n)
{
    int rc = 0;

    for (size_t i = 0; i < n && rc == 0; i++)
        rc = seccomp_rule_add_array(f, SCMP_ACT_ALLOW, rules[i].call, 1, &rules[i].when);
    return rc;
}

static int
add_common_rules(scmp_filter_ctx f)
{
    const scmp_datum_t self = (scmp_datum_t)getpid();
    const struct rule rules[] = {
        {SCMP_SYS(tgkill), equal(0, self)}, /* pthread_cancel, abort */
        {SCMP_SYS(ioctl), other_than(1, TIOCSTI)},
        {SCMP_SYS(mmap), of_bits(2, PROT_EXEC, 0)},
        {SCMP_SYS(mprotect), of_bits(2, PROT_EXEC, 0)},
    };

    return add_rules(f, rules, sizeof(rules) / sizeof(rules[0]));
}

static int
add_control_rules(scmp_filter_ctx f)
{
    const scmp_datum_t thread = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD;
    const struct rule rules[] = {
        {SCMP_SYS(socket), equal(0, AF_UNIX)},
        {SCMP_SYS(socket), equal(0, AF_INET)},
        {SCMP_SYS(socket), equal(0, AF_INET6)},
        {SCMP_SYS(socket), equal(0, AF_NETLINK)},
        {SCMP_SYS(socketpair), equal(0, AF_UNIX)},
        /* Libraries that getaddrinfo loads are executable, and not writable. */
        {SCMP_SYS(mmap), of_bits(2, PROT_EXEC | PROT_WRITE, PROT_EXEC)},
        {SCMP_SYS(clone), of_bits(0, thread, thread)},
        {SCMP_SYS(prctl), equal(0, PR_SET_NAME)},
        {SCMP_SYS(prctl), equal(0, PR_SET_TIMERSLACK)},
        {SCMP_SYS(prctl), equal(0, PR_GET_NAME)},
        {SCMP_SYS(prctl), equal(0, PR_SET_NO_NEW_PRIVS)},
        {SCMP_SYS(prlimit64), equal(2, 0)}, /* reads */
    };
    /* Its flags lie in memory, where no filter sees them; the C library then takes clone. */
    int rc = seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);

    return rc == 0 ? add_rules(f, rules, sizeof(rules) / sizeof(rules[0])) : rc;
}

static int
add_list(scmp_filter_ctx f, const int *calls, size_t n)
{
    int rc = 0;

    for (size_t i = 0; i < n && rc == 0; i++)
        rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, calls[i], 0);
    return rc;
}

static int
add_role(scmp_filter_ctx f, enum seccomp_role role)
{
    int rc = add_list(f, of_all, sizeof(of_all) / sizeof(of_all[0]));

    if (rc == 0)
        rc = add_common_rules(f);
    if (rc == 0 && role == SECCOMP_CONTROL)
        rc = add_list(f, of_control, sizeof(of_control) / sizeof(of_control[0]));
    if (rc == 0 && role == SECCOMP_CONTROL)
        rc = add_control_rules(f);
    return rc;
}

/* --- a call that is on no list -------------------------------------------------------------------
 */

enum { CALLS = 512 };
static char *names[CALLS]; /* by number: the handler must not allocate */

static void
learn_names(void)
{
    for (int i = 0; i < CALLS; i++)
        if (names[i] == NULL)
            names[i] = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, i);
}

/* For a handler: nothing but our own code. */
static char *
append(char *to, const char *text)
{
    while (*text != '\0')
        *to++ = *text++;
    return to;
}

/* The call was not made. Names it, then dies of the same signal, as service managers expect. */
static void
on_refused(int sig, siginfo_t *info, void *context)
{
    int call = info->si_syscall;
    char line[256], *end = line; /* names are short */
    ssize_t rc;

    (void)context;
    end = append(end, "wgtcpd: error: seccomp refused the system call ");
    end = append(end, call >= 0 && call < CALLS && names[call] != NULL ? names[call] : "(unknown)");
    end = append(end, ": ending. Where only our list is wrong, Seccomp = log or off helps\n");
    rc = write(STDERR_FILENO, line, (size_t)(end - line));
    (void)rc;
    signal(sig, SIG_DFL);
    raise(sig);
}

static int
catch_refused(void)
{
    struct sigaction sa = {.sa_sigaction = on_refused, .sa_flags = SA_SIGINFO | SA_NODEFER};

    learn_names();
    return sigaction(SIGSYS, &sa, NULL) == 0 ? 0 : -errno;
}

/* --- loading --- */

static int
load(enum seccomp_role role, enum config_seccomp mode)
{
    scmp_filter_ctx f = seccomp_init(mode == CONFIG_SECCOMP_LOG ? SCMP_ACT_LOG : SCMP_ACT_TRAP);
    int rc;

    if (f == NULL)
        return -ENOMEM;
    /* A binary tree finds a call sooner than a list. */
    rc = seccomp_attr_set(f, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (rc == 0 && role == SECCOMP_CONTROL)
        rc = seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1);
    if (rc == 0)
        rc = add_role(f, role);
    if (rc == 0)
        rc = seccomp_load(f);
    seccomp_release(f);
    return rc;
}

int
seccomp_confine(enum seccomp_role role, enum config_seccomp mode)
{
    int rc = 0;

    if (mode == CONFIG_SECCOMP_OFF || SANITIZED)
        return 0;
    if (role == SECCOMP_CONTROL && mode == CONFIG_SECCOMP_ON)
        rc = catch_refused();
    return rc == 0 ? load(role, mode) : rc;
}
