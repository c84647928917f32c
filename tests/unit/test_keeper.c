/* SPDX-License-Identifier: BSD-3-Clause */
/* The process that runs hooks: what it runs, what it refuses, what it knows, when it ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <wgtcpd/control/child.h>
#include <wgtcpd/control/hooks.h>
#include <wgtcpd/control/keeper.h>

#define KEY "c2FtcGxlLXByaXZhdGUta2V5LWxhcHRvcC1jbGllbnQ="
#define TEXT                                                                                       \
    "[Interface]\nPrivateKey = " KEY                                                               \
    "\nPostUp = test %i = wg7\nPostUp = exit 3\nPostUp = until [ -e $GO ]; do :; done\n"           \
    "PreDown = kill -9 $$\n[Port]\nDevice = net_tap0\n"                                            \
    "Address = 192.0.2.2/24\n"

static char directory[] = "/tmp/wgtcpd-keeper.XXXXXX", path[64], record[64], go[64];
static pid_t keeper;
#define REGION_MAX (UINT64_C(1) << 28)

static void
write_file(const char *name, const char *text, mode_t mode)
{
    FILE *f = fopen(name, "we");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    assert_int_equal(chmod(name, mode), 0);
}

/* resolvconf of the test: notes how it was called and what it read. */
static void
fake_resolvconf(void)
{
    char name[64], script[128];

    snprintf(name, sizeof(name), "%s/resolvconf", directory);
    snprintf(script, sizeof(script), "#!/bin/sh\n{ echo \"$@\"; [ $1 = -d ] || cat; } >>%s\n",
             record);
    write_file(name, script, 0700);
}

static int
start(void **state)
{
    struct config *c;
    char search[128];

    (void)state;
    if (mkdtemp(directory) == NULL)
        return -1;
    snprintf(path, sizeof(path), "%s/wg7.conf", directory);
    snprintf(record, sizeof(record), "%s/record", directory);
    snprintf(go, sizeof(go), "%s/go", directory);
    setenv("GO", go, 1);
    snprintf(search, sizeof(search), "%s:/usr/bin:/bin", directory);
    setenv("PATH", search, 1);
    write_file(path, TEXT, 0600);
    fake_resolvconf();
    c = config_parse(path, TEXT, strlen(TEXT), stderr);
    if (c == NULL || keeper_start(c, path) != 0)
        return -1;
    config_free(c);
    return 0;
}

static int
end(void **state)
{
    char command[96];

    (void)state;
    snprintf(command, sizeof(command), "rm -rf %s", directory);
    return system(command);
}

static int
run(const char *program, const char *first, const char *second, const char *third)
{
    char *const argv[] = {(char *)(uintptr_t)program, (char *)(uintptr_t)first,
                          (char *)(uintptr_t)second, (char *)(uintptr_t)third, NULL};

    return child_run(argv, NULL, NULL, NULL);
}

static void
runs_the_hooks_that_the_file_has(void **state)
{
    (void)state;
    assert_int_equal(run("sh", "-c", "test wg7 = wg7", NULL), 0);
    assert_int_equal(run("sh", "-c", "exit 3", NULL), 3);
    assert_int_equal(run("sh", "-c", "kill -9 $$", NULL), 128 + SIGKILL);
}

static void
refuses_every_other_command(void **state)
{
    (void)state;
    assert_int_equal(run("sh", "-c", "true", NULL), -1);
    assert_int_equal(run("sh", "-c", "exit 3 ", NULL), -1);
    assert_int_equal(run("sh", "-c", "exit 3", "more"), -1);
    assert_int_equal(run("sh", "-x", "exit 3", NULL), -1);
    assert_int_equal(run("bash", "-c", "exit 3", NULL), -1);
    assert_int_equal(run("true", NULL, NULL, NULL), -1);
    /* and goes on */
    assert_int_equal(run("sh", "-c", "exit 3", NULL), 3);
}

static void
runs_resolvconf_for_our_record_only(void **state)
{
    char program[] = "resolvconf", add[] = "-a", name[] = "tun.wg7", metric[] = "-m", zero[] = "0",
         exclusive[] = "-x", line[64];
    char *const argv[] = {program, add, name, metric, zero, exclusive, NULL};
    FILE *f;

    (void)state;
    assert_int_equal(child_run(argv, "nameserver 203.0.113.53\n", NULL, NULL), 0);
    assert_int_equal(run("resolvconf", "-d", "wg7", "-f"), 0);
    assert_int_equal(run("resolvconf", "-d", "eth0", "-f"), -1);
    assert_int_equal(run("resolvconf", "-d", "xwg7", "-f"), -1);
    assert_int_equal(run("resolvconf", "-d", "-wg7", "-f"), -1);
    assert_int_equal(run("resolvconf", "--enable-updates", NULL, NULL), -1);
    assert_int_equal(run("resolvconf", "-a", "wg7", "-p"), -1);
    f = fopen(record, "re");
    assert_non_null(f);
    assert_non_null(fgets(line, sizeof(line), f));
    assert_string_equal(line, "-a tun.wg7 -m 0 -x\n");
    assert_non_null(fgets(line, sizeof(line), f));
    assert_string_equal(line, "nameserver 203.0.113.53\n");
    assert_non_null(fgets(line, sizeof(line), f));
    assert_string_equal(line, "-d wg7 -f\n");
    assert_null(fgets(line, sizeof(line), f));
    fclose(f);
}

static void
let_it_end(void *ctx)
{
    int fd = keeper_open_config();

    (void)ctx;
    assert_true(fd >= 0); /* a hook may have us reload */
    close(fd);
    write_file(go, "", 0600);
}

static void
the_caller_goes_on_meanwhile(void **state)
{
    char sh[] = "sh", c[] = "-c", command[] = "until [ -e $GO ]; do :; done";
    char *const argv[] = {sh, c, command, NULL};

    (void)state;
    assert_int_equal(child_run(argv, NULL, let_it_end, NULL), 0);
}

static void
hands_out_the_configuration(void **state)
{
    char text[sizeof(TEXT)] = "";
    int fd = keeper_open_config();

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(read(fd, text, sizeof(text)), sizeof(TEXT) - 1);
    assert_string_equal(text, TEXT);
    assert_true(write(fd, "x", 1) < 0);
    close(fd);
    assert_int_equal(rename(path, record), 0);
    assert_int_equal(keeper_open_config(), -ENOENT);
    assert_int_equal(rename(record, path), 0);
}

/* --- saving --- */

static void
print_string(void *ctx, FILE *to)
{
    fputs(ctx, to);
}

static int
save(const char *text)
{
    char copy[2 * sizeof(TEXT)];

    snprintf(copy, sizeof(copy), "%s", text);
    return keeper_save(print_string, copy);
}

static void
expect_file(const char *text)
{
    char is[2 * sizeof(TEXT)] = "";
    struct stat st;
    FILE *f = fopen(path, "re");

    assert_non_null(f);
    assert_true(fread(is, 1, sizeof(is) - 1, f) > 0);
    assert_int_equal(fstat(fileno(f), &st), 0);
    fclose(f);
    assert_string_equal(is, text);
    assert_int_equal(st.st_mode & 07777, 0600);
}

#define HOOKS                                                                                      \
    "PostUp = test %i = wg7\nPostUp = exit 3\nPostUp = until [ -e $GO ]; do :; done\n"             \
    "PreDown = kill -9 $$\n"
#define PORT "[Port]\nDevice = net_tap0\nAddress = 192.0.2.2/24\n"
/* No secret: the keeper may have it in memory. */
#define PEER_KEY  "cHVibGljLWtleS1vZi1hLXBlZXItaW4tdGhlLWZpbGU="
#define OTHER_KEY "b3RoZXItcHJpdmF0ZS1rZXktbGFwdG9wLWNsaWVudCE="
#define NEW_KEYS  "[Interface]\nPrivateKey = " OTHER_KEY "\nListenPort = 7\nFwMark = 0x9\n"
#define PEER      "[Peer]\nPublicKey = " PEER_KEY "\nAllowedIPs = 10.0.0.0/8\n"

static void
saves_keys_and_peers_that_are_new(void **state)
{
    static const char text[] = NEW_KEYS HOOKS PORT PEER;

    (void)state;
    assert_int_equal(save(text), 0);
    expect_file(text);
    assert_int_equal(save(TEXT), 0);
    expect_file(TEXT);
}

static void
saves_no_file_with_another_interface_or_port(void **state)
{
    static const char *const texts[] = {
        NEW_KEYS HOOKS "PostUp = id\n" PORT PEER,
        NEW_KEYS "PostUp = exit 3\n" PORT PEER,
        NEW_KEYS HOOKS "User = nobody\n" PORT,
        NEW_KEYS HOOKS "EalArgs = -d /tmp/x.so\n" PORT,
        NEW_KEYS HOOKS "KeyLog = /etc/x\n" PORT,
        NEW_KEYS HOOKS "[Port]\nDevice = net_tap1\nAddress = 192.0.2.2/24\n",
        NEW_KEYS HOOKS PORT "MTU = 1400\n",
        NEW_KEYS HOOKS PORT "[Interface]\nPreUp = id\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_int_equal(save(texts[i]), -EPERM);
        expect_file(TEXT);
    }
    assert_int_equal(save(NEW_KEYS HOOKS PORT "[Peer]\nPublicKey = 7\n"), -EINVAL);
    assert_int_equal(save(""), -EINVAL);
    expect_file(TEXT);
}

/* What root has written since, and the daemon has read. */
static void
saves_what_was_read_at_a_reload(void **state)
{
    static const char text[] = NEW_KEYS HOOKS "PostDown = id\n" PORT;

    (void)state;
    write_file(path, text, 0600);
    assert_int_equal(save(text), -EPERM);
    close(keeper_open_config());
    assert_int_equal(save(text), 0);
    assert_int_equal(save(TEXT), 0);
    expect_file(TEXT);
}

/* The only child of this process. */
static pid_t
find_keeper(void)
{
    char name[64];
    FILE *f;
    int pid = 0;

    snprintf(name, sizeof(name), "/proc/self/task/%d/children", getpid());
    f = fopen(name, "re");
    if (f == NULL || fscanf(f, "%d", &pid) != 1)
        pid = 0;
    if (f != NULL)
        fclose(f);
    return pid;
}

static bool
maps_hold(FILE *maps, int memory, const uint8_t *what, size_t len)
{
    unsigned long from, to;
    char line[512], mode[5];

    while (fgets(line, sizeof(line), maps) != NULL) {
        char *bytes;
        ssize_t n;
        bool found;

        if (sscanf(line, "%lx-%lx %4s", &from, &to, mode) != 3 || mode[1] != 'w')
            continue;
        if (to - from > REGION_MAX) /* a sanitizer's shadow */
            continue;
        bytes = malloc(to - from);
        assert_non_null(bytes);
        n = pread(memory, bytes, to - from, (off_t)from);
        found = n > 0 && memmem(bytes, (size_t)n, what, len) != NULL;
        free(bytes);
        if (found)
            return true;
    }
    return false;
}

static bool
process_holds(pid_t pid, const uint8_t *what, size_t len)
{
    char name[64];
    FILE *maps, *memory;
    bool found;

    snprintf(name, sizeof(name), "/proc/%d/maps", pid);
    maps = fopen(name, "re");
    snprintf(name, sizeof(name), "/proc/%d/mem", pid);
    memory = fopen(name, "re");
    if (maps == NULL || memory == NULL)
        skip();
    found = maps_hold(maps, fileno(memory), what, len);
    fclose(maps);
    fclose(memory);
    return found;
}

static void
has_no_key(void **state)
{
    uint8_t key[CONFIG_KEY_LEN];

    (void)state;
    keeper = find_keeper();
    assert_true(keeper > 0);
    assert_true(config_key_parse(key, KEY));
    assert_true(process_holds(keeper, (const uint8_t *)"exit 3", 6)); /* we do see its memory */
    assert_false(process_holds(keeper, key, sizeof(key)));
    assert_false(process_holds(keeper, key, sizeof(key) / 2));
    assert_true(config_key_parse(key, OTHER_KEY)); /* of a file that it saved */
    assert_false(process_holds(keeper, key, sizeof(key)));
    assert_false(process_holds(keeper, (const uint8_t *)OTHER_KEY, sizeof(OTHER_KEY) - 1));
}

static void
signals_of_a_terminal_do_not_end_it(void **state)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2};

    (void)state;
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        assert_int_equal(kill(keeper, signals[i]), 0);
    assert_int_equal(run("sh", "-c", "exit 3", NULL), 3);
}

static void
ends_when_the_daemon_does(void **state)
{
    (void)state;
    keeper_stop();
    assert_int_not_equal(kill(keeper, 0), 0);
    assert_false(keeper_is_up());
    /* programs are now run by ourselves */
    assert_int_equal(run("sh", "-c", "exit 4", NULL), 4);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_the_hooks_that_the_file_has),
        cmocka_unit_test(refuses_every_other_command),
        cmocka_unit_test(runs_resolvconf_for_our_record_only),
        cmocka_unit_test(the_caller_goes_on_meanwhile),
        cmocka_unit_test(hands_out_the_configuration),
        cmocka_unit_test(saves_keys_and_peers_that_are_new),
        cmocka_unit_test(saves_no_file_with_another_interface_or_port),
        cmocka_unit_test(saves_what_was_read_at_a_reload),
        cmocka_unit_test(has_no_key),
        cmocka_unit_test(signals_of_a_terminal_do_not_end_it),
        cmocka_unit_test(ends_when_the_daemon_does),
    };

    return cmocka_run_group_tests(tests, start, end);
}
