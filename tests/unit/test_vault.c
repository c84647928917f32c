/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory for keys: what it is given as, where it lies, what is left of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <wgtcpd/base/sanitizer.h>
#include <wgtcpd/noise/noise.h>
#include <wgtcpd/vault/vault.h>

static const size_t sizes[] = {0, 1, 63, 64, 65, 600, 4095, 4097, 16383, 16385, 100000, 5 << 20};
enum { N_SIZES = sizeof(sizes) / sizeof(sizes[0]), SOME = 3000 };

static bool
is_zero(const uint8_t *p, size_t size)
{
    uint8_t bits = 0;

    for (size_t i = 0; i < size; i++)
        bits |= p[i];
    return bits == 0;
}

static void
gives_zeroed_and_aligned_memory(void **state)
{
    (void)state;
    for (int again = 0; again < 3; again++)
        for (size_t i = 0; i < N_SIZES; i++) {
            uint8_t *p = vault_alloc(sizes[i]);

            assert_non_null(p);
            assert_int_equal((uintptr_t)p % VAULT_ALIGNMENT, 0);
            assert_true(is_zero(p, sizes[i]));
            memset(p, 0xa5, sizes[i]);
            vault_free(p, sizes[i]);
        }
    vault_free(NULL, 64);
    assert_null(vault_alloc(SIZE_MAX));
    if (!SANITIZED) /* its C library ends the process */
        assert_null(vault_alloc(SIZE_MAX - VAULT_ALIGNMENT));
}

/* Over the ends of several regions. */
static void
pieces_do_not_overlap(void **state)
{
    static uint8_t *pieces[SOME];

    (void)state;
    for (size_t i = 0; i < SOME; i++) {
        pieces[i] = vault_alloc(100 + i % 700);
        assert_non_null(pieces[i]);
        memset(pieces[i], (int)i, 100 + i % 700);
    }
    for (size_t i = 0; i < SOME; i++) {
        for (size_t at = 0; at < 100 + i % 700; at++)
            assert_int_equal(pieces[i][at], (uint8_t)i);
        vault_free(pieces[i], 100 + i % 700);
    }
}

static unsigned
count_mappings(void)
{
    FILE *f = fopen("/proc/self/maps", "re");
    unsigned n = 0;

    assert_non_null(f);
    for (int c; (c = getc(f)) != EOF;)
        n += c == '\n';
    fclose(f);
    return n;
}

/* A hundred thousand sessions could not have three mappings each (vm.max_map_count). */
static void
sessions_share_mappings(void **state)
{
    static struct noise_keypair *sessions[SOME];
    unsigned before;

    (void)state;
    if (SANITIZED)
        skip();
    before = count_mappings();
    for (size_t i = 0; i < SOME; i++)
        assert_non_null(sessions[i] = vault_alloc(sizeof(*sessions[i])));
    assert_true(count_mappings() - before < SOME / 20);
    for (size_t i = 0; i < SOME; i++)
        vault_free(sessions[i], sizeof(*sessions[i]));
}

static void
wipes_what_is_given_back(void **state)
{
    uint8_t *p;

    (void)state;
    if (SANITIZED)
        skip();
    p = vault_alloc(512);
    assert_non_null(p);
    memset(p, 0xa5, 512);
    vault_free(p, 512);
    assert_true(is_zero(p + sizeof(void *), 512 - sizeof(void *))); /* a link lies before it */
    assert_ptr_equal(vault_alloc(512), p);
    vault_free(p, 512);
}

/* The line "VmFlags:" of the mapping that p lies in, from /proc/self/smaps. */
static void
flags_of(const void *p, char *flags, size_t size)
{
    FILE *f = fopen("/proc/self/smaps", "re");
    unsigned long from, to;
    bool inside = false;

    assert_non_null(f);
    flags[0] = '\0';
    while (fgets(flags, (int)size, f) != NULL) {
        if (sscanf(flags, "%lx-%lx ", &from, &to) == 2)
            inside = (uintptr_t)p >= from && (uintptr_t)p < to;
        else if (inside && strncmp(flags, "VmFlags:", 8) == 0)
            break;
    }
    fclose(f);
}

static void
is_neither_dumped_nor_swapped(void **state)
{
    char flags[256];

    (void)state;
    if (SANITIZED)
        skip();
    for (size_t i = 0; i < N_SIZES; i++) {
        void *p = vault_alloc(sizes[i]);

        flags_of(p, flags, sizeof(flags));
        assert_non_null(strstr(flags, " dd"));
        assert_true(!vault_is_locked() || strstr(flags, " lo") != NULL);
        vault_free(p, sizes[i]);
    }
}

/* Whether a child that does this ends by SIGSEGV. */
static bool
dies(void (*act)(void))
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        signal(SIGSEGV, SIG_DFL);
        act();
        _exit(0);
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
}

static void
run_over(void)
{
    volatile uint8_t *p = vault_alloc(100032);

    p[100032] = 1;
}

static void
stay_within(void)
{
    volatile uint8_t *p = vault_alloc(100032);

    p[100031] = 1;
}

static void
ends_at_an_inaccessible_page(void **state)
{
    (void)state;
    if (SANITIZED)
        skip();
    assert_true(dies(run_over));
    assert_false(dies(stay_within));
}

/* The last one: the limit stays. */
static void
tells_when_memory_could_not_be_locked(void **state)
{
    const struct rlimit none = {0, 0};
    void *p;

    (void)state;
    if (SANITIZED || getuid() == 0) /* CAP_IPC_LOCK knows no limit */
        skip();
    assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &none), 0);
    p = vault_alloc(100000);
    assert_non_null(p);
    assert_false(vault_is_locked());
    vault_free(p, 100000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_zeroed_and_aligned_memory),
        cmocka_unit_test(pieces_do_not_overlap),
        cmocka_unit_test(sessions_share_mappings),
        cmocka_unit_test(wipes_what_is_given_back),
        cmocka_unit_test(is_neither_dumped_nor_swapped),
        cmocka_unit_test(ends_at_an_inaccessible_page),
        cmocka_unit_test(tells_when_memory_could_not_be_locked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
