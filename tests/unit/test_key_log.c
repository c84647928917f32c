/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The key log: who it may be written to, and that an overheard handshake and its data open with
 * nothing but the log, as Wireshark opens them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <wgtcpd/control/config.h>
#include <wgtcpd/control/key_log.h>

#include "test_noise_util.h"

static char directory[64], path[96];

static int
make_directory(void **state)
{
    (void)state;
    strcpy(directory, "/tmp/wgtcpd-keylog.XXXXXX");
    if (mkdtemp(directory) == NULL)
        return -1;
    snprintf(path, sizeof(path), "%s/keys", directory);
    return 0;
}

static int
remove_directory(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(directory);
}

/* --- the file ----------------------------------------------------------------------------------
 */

static void
it_is_made_for_its_owner_alone_and_added_to(void **state)
{
    int fd = key_log_open(path);
    struct stat st;

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(write(fd, "one\n", 4), 4);
    close(fd);
    fd = key_log_open(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "two\n", 4), 4);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_size, 8);
    close(fd);
}

static void
refuse(int why)
{
    errno = 0;
    assert_int_equal(key_log_open(path), -1);
    assert_int_equal(errno, why);
}

static void
a_file_that_others_may_read_is_refused(void **state)
{
    (void)state;
    assert_true(close(open(path, O_CREAT | O_WRONLY, 0600)) == 0);
    chmod(path, 0640);
    refuse(EPERM);
    chmod(path, 0602);
    refuse(EPERM);
}

static void
a_link_a_second_name_and_a_pipe_are_refused(void **state)
{
    char other[128];

    (void)state;
    snprintf(other, sizeof(other), "%s/other", directory);
    assert_true(close(open(other, O_CREAT | O_WRONLY, 0600)) == 0);
    assert_int_equal(symlink(other, path), 0);
    refuse(ELOOP);
    unlink(path);
    assert_int_equal(link(other, path), 0);
    refuse(EPERM);
    unlink(path);
    unlink(other);
    assert_int_equal(mkfifo(path, 0600), 0);
    refuse(ENXIO); /* and does not wait for a reader */
    unlink(path);
    assert_int_equal(mkdir(path, 0700), 0);
    refuse(EISDIR);
    rmdir(path);
}

/* --- what it is good for -----------------------------------------------------------------------
 */

/* What Wireshark has: the packets, and the last four lines of a log. */
struct overheard {
    uint8_t initiation[MESSAGE_INITIATION_LEN], response[MESSAGE_RESPONSE_LEN];
    uint8_t from_initiator[48], from_responder[48];
};

struct logged {
    struct noise_local local;
    struct noise_remote remote;
    uint8_t ephemeral[NOISE_KEY_LEN];
};

static void
read_log(struct logged *out)
{
    static const char *const names[] = {"LOCAL_STATIC_PRIVATE_KEY", "REMOTE_STATIC_PUBLIC_KEY",
                                        "LOCAL_EPHEMERAL_PRIVATE_KEY", "PRESHARED_KEY"};
    uint8_t keys[4][NOISE_KEY_LEN];
    char name[64], text[64];
    FILE *f = fopen(path, "r");

    assert_non_null(f);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        assert_int_equal(fscanf(f, "%63s = %63s\n", name, text), 2);
        assert_string_equal(name, names[i]);
        assert_true(config_key_parse(keys[i], text));
    }
    assert_int_equal(fgetc(f), EOF);
    fclose(f);
    noise_local_init(&out->local, keys[0]);
    assert_int_equal(noise_remote_init(&out->remote, keys[1], keys[3]), WGT_OK);
    memcpy(out->ephemeral, keys[2], NOISE_KEY_LEN);
}

static void
seal_text(struct noise_keypair *k, uint8_t message[48], const char text[16])
{
    memcpy(message + 16, text, 16);
    assert_true(noise_seal(k, message, 16));
}

static void
expect_text(struct noise_keypair *k, const uint8_t message[48], const char text[16])
{
    uint8_t copy[48];

    memcpy(copy, message, sizeof(copy));
    assert_int_equal(noise_open(k, copy, sizeof(copy)), WGT_OK);
    assert_memory_equal(copy + 16, text, 16);
}

/* A handshake of the two, and a word of each. */
static void
talk(struct party *i, struct party *r, struct overheard *o)
{
    const struct vector_handshake *v = &vector_handshakes[0];
    struct noise_keypair *k_i = calloc(1, sizeof(*k_i)), *k_r = calloc(1, sizeof(*k_r));

    introduce_vector(i, r, v);
    initiate_vector(i, v, o->initiation);
    assert_int_equal(consume_initiation(r, start, o->initiation), WGT_OK);
    respond_vector(r, v, o->response, k_r);
    assert_int_equal(noise_response_consume(&i->remote, &i->local, start, o->response, k_i),
                     WGT_OK);
    seal_text(k_i, o->from_initiator, "said by the one.");
    seal_text(k_r, o->from_responder, "and by the other");
    free(k_i);
    free(k_r);
}

static void
log_keys(const struct party *p, const char *ephemeral_text)
{
    uint8_t ephemeral[NOISE_KEY_LEN];
    int fd = key_log_open(path);

    unhex_key(ephemeral, ephemeral_text);
    noise_clamp(ephemeral);
    assert_true(fd >= 0);
    assert_true(key_log_write(fd, &p->local, &p->remote, ephemeral));
    close(fd);
}

static void
the_initiators_log_opens_its_session(void **state)
{
    const struct vector_handshake *v = &vector_handshakes[0];
    uint8_t tai64n[NOISE_TIMESTAMP_LEN], again[MESSAGE_INITIATION_LEN];
    struct noise_keypair *k = calloc(1, sizeof(*k));
    struct party i, r;
    struct overheard o;
    struct logged l;

    (void)state;
    talk(&i, &r, &o);
    log_keys(&i, v->e_i);
    read_log(&l);
    unhex(tai64n, sizeof(tai64n), v->tai64n);
    assert_int_equal(noise_initiation_create(&l.remote, &l.local, start, tai64n, l.ephemeral,
                                             v->initiator_index, again),
                     WGT_OK);
    assert_memory_equal(again, o.initiation, sizeof(again));
    assert_int_equal(noise_response_consume(&l.remote, &l.local, start, o.response, k), WGT_OK);
    expect_text(k, o.from_responder, "and by the other");
    free(k);
}

static void
the_responders_log_opens_its_session(void **state)
{
    const struct vector_handshake *v = &vector_handshakes[0];
    uint8_t again[MESSAGE_RESPONSE_LEN];
    struct noise_keypair *k = calloc(1, sizeof(*k));
    struct noise_initiation in;
    struct party i, r;
    struct overheard o;
    struct logged l;

    (void)state;
    talk(&i, &r, &o);
    log_keys(&r, v->e_r);
    read_log(&l);
    assert_int_equal(noise_initiation_open(&l.local, o.initiation, &in), WGT_OK);
    assert_int_equal(noise_initiation_accept(&l.remote, &l.local, start, &in), WGT_OK);
    assert_int_equal(noise_response_create(&l.remote, &l.local, start, l.ephemeral,
                                           v->responder_index, again, k),
                     WGT_OK);
    assert_memory_equal(again, o.response, sizeof(again));
    expect_text(k, o.from_initiator, "said by the one.");
    free(k);
}

static void
what_cannot_be_written_is_told(void **state)
{
    struct party i, r;
    int fd = open("/dev/full", O_WRONLY);

    (void)state;
    introduce_vector(&i, &r, &vector_handshakes[0]);
    assert_true(fd >= 0);
    assert_false(key_log_write(fd, &i.local, &i.remote, i.local.private_key));
    assert_int_equal(errno, ENOSPC);
    close(fd);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_is_made_for_its_owner_alone_and_added_to, make_directory,
                                        remove_directory),
        cmocka_unit_test_setup_teardown(a_file_that_others_may_read_is_refused, make_directory,
                                        remove_directory),
        cmocka_unit_test_setup_teardown(a_link_a_second_name_and_a_pipe_are_refused, make_directory,
                                        remove_directory),
        cmocka_unit_test_setup_teardown(the_initiators_log_opens_its_session, make_directory,
                                        remove_directory),
        cmocka_unit_test_setup_teardown(the_responders_log_opens_its_session, make_directory,
                                        remove_directory),
        cmocka_unit_test(what_cannot_be_written_is_told),
    };

    return cmocka_run_group_tests(tests, load_crypto, NULL);
}
