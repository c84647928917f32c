/* SPDX-License-Identifier: BSD-3-Clause */
/* A configuration's file: who may read it, and that it is replaced as a whole or not at all. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <wgtcpd/control/config_file.h>

#define TEXT                                                                                       \
    "[Interface]\nPrivateKey = c2FtcGxlLXByaXZhdGUta2V5LWxhcHRvcC1jbGllbnQ=\n"                     \
    "[Port]\nDevice = net_tap0\nAddress = 192.0.2.2/24\n"

static char directory[] = "/tmp/wgtcpd-test.XXXXXX", path[64], link_path[64], *said;

static int
start(void **state)
{
    (void)state;
    strcpy(directory + sizeof(directory) - 7, "XXXXXX");
    if (mkdtemp(directory) == NULL)
        return -1;
    snprintf(path, sizeof(path), "%s/wg0.conf", directory);
    snprintf(link_path, sizeof(link_path), "%s/wg1.conf", directory);
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    unlink(path);
    unlink(link_path);
    free(said);
    said = NULL;
    return rmdir(directory); /* nothing else was left in it */
}

static void
put(const char *text, mode_t mode)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void
expect_text(const char *expected)
{
    char text[1024] = "";
    FILE *f = fopen(path, "r");

    assert_non_null(f);
    text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
    fclose(f);
    assert_string_equal(text, expected);
}

static struct config *
load(const char *name)
{
    size_t len;
    FILE *errors;
    struct config *c;

    free(said);
    errors = open_memstream(&said, &len);
    c = config_load(name, errors);
    fclose(errors);
    return c;
}

static void
a_file_is_read_unless_everyone_may_read_it(void **state)
{
    static const mode_t bad[] = {0644, 0604, 0602, 0601};
    struct config *c;

    (void)state;
    put(TEXT, 0640);
    c = load(path);
    assert_non_null(c);
    assert_string_equal(said, "");
    config_free(c);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        put(TEXT, bad[i]);
        assert_null(load(path));
        assert_non_null(strstr(said, "chmod 600"));
    }
}

static void
what_is_no_file_is_refused(void **state)
{
    (void)state;
    assert_null(load(path));
    assert_non_null(strstr(said, "No such file"));
    assert_null(load(directory));
    assert_non_null(strstr(said, "regular file"));
    assert_null(load("/dev/zero"));
    assert_non_null(strstr(said, "regular file"));
    put("", 0600);
    assert_int_equal(truncate(path, (off_t)CONFIG_FILE_MAX + 1), 0); /* a hole: no disk is used */
    assert_null(load(path));
    assert_non_null(strstr(said, "regular file"));
}

static void
errors_name_file_and_line(void **state)
{
    (void)state;
    put(TEXT "Nonsense = 1\n", 0600);
    assert_null(load(path));
    assert_non_null(strstr(said, "wg0.conf:6: unknown key 'Nonsense'"));
}

static void
write_text(void *ctx, FILE *to)
{
    fputs(ctx, to);
}

static void
a_file_is_replaced_with_mode_0600(void **state)
{
    char text[] = "new\n";
    struct stat before, after;

    (void)state;
    put("old\n", 0640);
    stat(path, &before);
    assert_int_equal(config_replace(path, write_text, text), 0);
    expect_text("new\n");
    stat(path, &after);
    assert_int_equal(after.st_mode & 07777, 0600);
    assert_int_equal(after.st_uid, before.st_uid);
    assert_true(after.st_ino != before.st_ino);
}

static void
a_link_stays_a_link(void **state)
{
    char text[] = "new\n";
    struct stat st;

    (void)state;
    put("old\n", 0600);
    assert_int_equal(symlink("wg0.conf", link_path), 0);
    assert_int_equal(config_replace(link_path, write_text, text), 0);
    assert_int_equal(lstat(link_path, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    expect_text("new\n");
}

static void
fail_to_write(void *ctx, FILE *to)
{
    (void)ctx;
    fputs("half", to);
    fflush(to);
    close(fileno(to)); /* what follows meets a full disk, so to say */
    fputs("the other half", to);
}

static void
what_cannot_be_written_leaves_the_old_file(void **state)
{
    char text[] = "new\n";

    (void)state;
    assert_int_equal(config_replace(path, write_text, text), -ENOENT);
    put("old\n", 0600);
    assert_int_not_equal(config_replace(path, fail_to_write, NULL), 0);
    expect_text("old\n"); /* and nothing beside it: stop() */
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        TEST(a_file_is_read_unless_everyone_may_read_it),
        TEST(what_is_no_file_is_refused),
        TEST(errors_name_file_and_line),
        TEST(a_file_is_replaced_with_mode_0600),
        TEST(a_link_stays_a_link),
        TEST(what_cannot_be_written_leaves_the_old_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
