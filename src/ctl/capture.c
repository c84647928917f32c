/* SPDX-License-Identifier: BSD-3-Clause */
/* wgtcpctl capture: what a daemon captures goes to a file, block by block, until enough is there.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <wgtcpd/control/pcapng.h>

#include "ctl.h"

enum {
    CHUNK = 64 << 10,
    BLOCK_MIN = 12, /* type, length, and length again */
    BLOCK_MAX = 1 << 20,
    STATISTICS_LEN_MIN = 36, /* with the one option that the daemon writes */
    STATISTICS_DROPPED_AT = 24,
};

struct stream {
    int fd;
    FILE *to;
    uint8_t *data; /* what came and is no whole block yet */
    size_t len, room;
    uint64_t most; /* packets; 0: no limit */
    uint64_t packets, missed;
};

static volatile sig_atomic_t connection = -1; /* the one to end at a signal */

/* The daemon sends the rest, and ends. */
static void
on_signal(int which)
{
    int before = errno;

    (void)which;
    shutdown(connection, SHUT_WR);
    errno = before;
}

static void
end_at_signals(int fd)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

    connection = fd;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static uint32_t
number_at(const uint8_t *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof(v));
    return v;
}

/* --- blocks --- */

/* false: there are enough packets, this one is left out. */
static bool
count_packet(struct stream *s)
{
    if (s->most != 0 && s->packets == s->most)
        return false;
    if (++s->packets == s->most)
        shutdown(s->fd, SHUT_WR);
    return true;
}

static void
count_missed(struct stream *s, const uint8_t *block, uint32_t len)
{
    uint64_t n;

    if (len < STATISTICS_LEN_MIN)
        return;
    memcpy(&n, block + STATISTICS_DROPPED_AT, sizeof(n));
    s->missed += n;
}

static bool
take_block(struct stream *s, const uint8_t *block, uint32_t len)
{
    uint32_t type = number_at(block);

    if (type == PCAPNG_PACKET && !count_packet(s))
        return true;
    if (type == PCAPNG_STATISTICS)
        count_missed(s, block, len);
    return fwrite(block, 1, len, s->to) == len;
}

/* All that is whole. false: it cannot be written (errno), or is no capture file (EBADMSG). */
static bool
take_blocks(struct stream *s)
{
    size_t done = 0;
    uint32_t len;

    while (s->len - done >= BLOCK_MIN) {
        len = number_at(s->data + done + 4);
        if (len < BLOCK_MIN || len > BLOCK_MAX || len % 4 != 0) {
            errno = EBADMSG;
            return false;
        }
        if (len > s->len - done)
            break;
        if (!take_block(s, s->data + done, len))
            return false;
        done += len;
    }
    memmove(s->data, s->data + done, s->len - done);
    s->len -= done;
    return fflush(s->to) == 0;
}

/* --- the connection --- */

/* 1: something came; 0: the end; -1: errno. */
static int
receive(struct stream *s)
{
    ssize_t n;

    if (s->room - s->len < CHUNK) {
        uint8_t *data = realloc(s->data, s->room + 2 * CHUNK);

        if (data == NULL)
            return -1;
        s->data = data;
        s->room += 2 * CHUNK;
    }
    n = recv(s->fd, s->data + s->len, CHUNK, 0);
    if (n > 0)
        s->len += (size_t)n;
    return n > 0 ? 1 : (int)n;
}

static int
copy(struct stream *s, const char *file)
{
    int rc;

    while ((rc = receive(s)) > 0)
        if (!take_blocks(s))
            return ctl_fail("%s: %s", file,
                            errno == EBADMSG ? "the daemon sends no capture file"
                                             : strerror(errno));
    if (rc < 0)
        return ctl_fail("the daemon does not go on: %s", strerror(errno));
    fprintf(stderr, "wgtcpctl: %" PRIu64 " packets captured, %" PRIu64 " missed for want of room\n",
            s->packets, s->missed);
    return CTL_OK;
}

/* What is in it was meant for nobody else. */
static FILE *
open_file(const char *file)
{
    FILE *f = NULL;
    int fd;

    if (strcmp(file, "-") == 0) {
        if (!isatty(STDOUT_FILENO))
            return stdout;
        ctl_fail("a capture is not for terminals: name a FILE, or pipe it into `tcpdump -r -`");
        return NULL;
    }
    fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd >= 0)
        f = fdopen(fd, "w");
    if (f == NULL)
        ctl_fail("%s: %s", file, strerror(errno));
    return f;
}

int
capture(const char *interface, const char *file, const struct capture_wish *wish)
{
    struct stream s = {.most = wish->packets};
    char side[64];
    int rc = CTL_FAILED;

    s.to = open_file(file);
    if (s.to == NULL)
        return CTL_FAILED;
    snprintf(side, sizeof(side), "%s %u", wish->side, wish->snaplen);
    s.fd = ask_for_stream(interface, "capture", side);
    if (s.fd >= 0) {
        end_at_signals(s.fd);
        rc = copy(&s, file);
        close(s.fd);
    }
    if (fclose(s.to) != 0 && rc == CTL_OK)
        rc = ctl_fail("%s: %s", file, strerror(errno));
    free(s.data);
    return rc;
}
