/* SPDX-License-Identifier: BSD-3-Clause */
/* What reaches stderr, and how. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <wgtcpd/control/log.h>

static int real_stderr = -1, captured = -1;
static char said[4096];

/* stderr is a file from now on. */
static int
begin_capture(void **state)
{
    FILE *f = tmpfile();

    (void)state;
    if (f == NULL)
        return -1;
    real_stderr = dup(STDERR_FILENO);
    captured = dup(fileno(f));
    fclose(f);
    return dup2(captured, STDERR_FILENO) < 0 ? -1 : 0;
}

static int
end_capture(void **state)
{
    (void)state;
    dup2(real_stderr, STDERR_FILENO);
    close(real_stderr);
    close(captured);
    unsetenv("JOURNAL_STREAM");
    return 0;
}

/* All that was written so far, and forget it. */
static const char *
lines(void)
{
    ssize_t n = pread(captured, said, sizeof(said) - 1, 0);

    said[n > 0 ? n : 0] = '\0';
    assert_int_equal(ftruncate(captured, 0), 0);
    lseek(captured, 0, SEEK_SET);
    return said;
}

static void
say_all(void)
{
    log_error("one %d", 1);
    log_warning("two");
    log_info("three");
    log_debug("four");
}

static void
a_level_has_its_lines_and_those_of_graver_ones(void **state)
{
    (void)state;
    log_init(LOG_LEVEL_DEBUG);
    say_all();
    assert_string_equal(lines(), "wgtcpd: error: one 1\nwgtcpd: warning: two\nwgtcpd: three\n"
                                 "wgtcpd: debug: four\n");
    log_set_level(LOG_LEVEL_INFO);
    say_all();
    assert_string_equal(lines(), "wgtcpd: error: one 1\nwgtcpd: warning: two\nwgtcpd: three\n");
    log_set_level(LOG_LEVEL_WARNING);
    say_all();
    assert_string_equal(lines(), "wgtcpd: error: one 1\nwgtcpd: warning: two\n");
    log_set_level(LOG_LEVEL_ERROR);
    say_all();
    assert_string_equal(lines(), "wgtcpd: error: one 1\n");
}

/* systemd.exec(5) */
static void
the_journal_gets_priorities(void **state)
{
    char stream[64];
    struct stat st;

    (void)state;
    assert_int_equal(fstat(STDERR_FILENO, &st), 0);
    snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
             (unsigned long long)st.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    log_init(LOG_LEVEL_DEBUG);
    say_all();
    assert_string_equal(lines(), "<3>one 1\n<4>two\n<6>three\n<7>four\n");
}

static void
who_redirects_stderr_gets_plain_lines(void **state)
{
    static const char *const streams[] = {"1:2", "", "x", "1"};

    (void)state;
    for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++) {
        setenv("JOURNAL_STREAM", streams[i], 1);
        log_init(LOG_LEVEL_INFO);
        log_info("three");
        assert_string_equal(lines(), "wgtcpd: three\n");
    }
}

static void
a_limit_lets_some_a_second_pass_and_counts_the_rest(void **state)
{
    struct log_limit l = {.per_second = 3};
    wgt_time now = 1000 * WGT_SEC;
    uint64_t suppressed;

    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_true(log_limit_pass(&l, now, &suppressed));
        assert_int_equal(suppressed, 0);
    }
    for (int i = 0; i < 7; i++)
        assert_false(log_limit_pass(&l, now + WGT_SEC - 1, &suppressed));
    assert_true(log_limit_pass(&l, now + WGT_SEC, &suppressed));
    assert_int_equal(suppressed, 7);
    assert_true(log_limit_pass(&l, now + WGT_SEC, &suppressed));
    assert_int_equal(suppressed, 0);
}

static void
a_line_after_suppressed_ones_says_so(void **state)
{
    static struct log_limit l = {.per_second = 1};

    (void)state;
    log_init(LOG_LEVEL_INFO);
    l.suppressed = 41;
    log_limited(&l, LOG_LEVEL_INFO, "peer %s", "x");
    log_limited(&l, LOG_LEVEL_INFO, "peer %s", "y");
    assert_string_equal(lines(), "wgtcpd: peer x (41 more suppressed)\n");
}

static void
lines_below_the_level_use_up_no_limit(void **state)
{
    static struct log_limit l = {.per_second = 1};

    (void)state;
    log_init(LOG_LEVEL_INFO);
    log_limited(&l, LOG_LEVEL_DEBUG, "not wanted");
    log_limited(&l, LOG_LEVEL_INFO, "wanted");
    assert_string_equal(lines(), "wgtcpd: wanted\n");
}

static void
a_key_is_shown_by_its_ends(void **state)
{
    uint8_t key[32] = {0xc5, 0x32, 0x01, [31] = 0x38};
    char text[LOG_KEY_TEXT];

    (void)state;
    assert_string_equal(log_key(text, key), "xTIB\xe2\x80\xa6"
                                            "AADg");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_level_has_its_lines_and_those_of_graver_ones,
                                        begin_capture, end_capture),
        cmocka_unit_test_setup_teardown(the_journal_gets_priorities, begin_capture, end_capture),
        cmocka_unit_test_setup_teardown(who_redirects_stderr_gets_plain_lines, begin_capture,
                                        end_capture),
        cmocka_unit_test(a_limit_lets_some_a_second_pass_and_counts_the_rest),
        cmocka_unit_test_setup_teardown(a_line_after_suppressed_ones_says_so, begin_capture,
                                        end_capture),
        cmocka_unit_test_setup_teardown(lines_below_the_level_use_up_no_limit, begin_capture,
                                        end_capture),
        cmocka_unit_test(a_key_is_shown_by_its_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
