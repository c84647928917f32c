/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Handshake initiations that cost their responder the most: mac1 is right, the rest is not.
 *
 *   initstorm ADDRESS PORT KEY RATE
 *
 * Sends RATE of them a second to ADDRESS (IPv4), from 32 ports, until SIGTERM; then it says how
 * many there were and how many cookie replies came back. KEY: the responder's public key, 64 hex
 * digits. Stands for a stranger's tool, so it shares no code with wgtcpd.
 */
#include <arpa/inet.h>
#include <blake2.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { TICKS = 1000, /* a second */ SOCKETS = 32, MESSAGES = 4096 };
enum { KEY_LEN = 32, MAC1_AT = 116, MAC_LEN = 16, INITIATION_LEN = 148, COOKIE_REPLY_LEN = 64 };

static uint8_t messages[MESSAGES][INITIATION_LEN];
static volatile sig_atomic_t stopped;

static void
on_stop(int sig)
{
    (void)sig;
    stopped = 1;
}

__attribute__((noreturn)) static void
die(const char *what)
{
    fprintf(stderr, "initstorm: %s: %s\n", what, strerror(errno));
    exit(1);
}

static bool
read_key(const char *hex, uint8_t key[KEY_LEN])
{
    if (strlen(hex) != (size_t)KEY_LEN * 2)
        return false;
    for (unsigned i = 0; i < KEY_LEN; i++)
        if (sscanf(hex + (size_t)i * 2, "%2hhx", &key[i]) != 1)
            return false;
    return true;
}

/* mac1 = MAC(HASH("mac1----" || key), all that is before it). */
static void
make_messages(const uint8_t key[KEY_LEN])
{
    uint8_t label_and_key[8 + KEY_LEN] = "mac1----", mac1_key[BLAKE2S_OUTBYTES];
    memcpy(label_and_key + 8, key, KEY_LEN);
    blake2s(mac1_key, label_and_key, NULL, sizeof(mac1_key), sizeof(label_and_key), 0);
    for (unsigned i = 0; i < MESSAGES; i++) {
        uint8_t *m = messages[i];
        if (getrandom(m + 4, MAC1_AT - 4, 0) != MAC1_AT - 4)
            die("getrandom");
        m[0] = 1;
        blake2s(m + MAC1_AT, m, mac1_key, MAC_LEN, MAC1_AT, sizeof(mac1_key));
    }
}

static int
socket_to(struct in_addr address, uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = address};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
        die("socket");
    return fd;
}

static uint64_t
take_replies(const int fds[SOCKETS])
{
    uint8_t buf[2048];
    uint64_t n = 0;
    for (unsigned i = 0; i < SOCKETS; i++)
        for (ssize_t len; (len = recv(fds[i], buf, sizeof(buf), 0)) >= 0;)
            n += len == COOKIE_REPLY_LEN;
    return n;
}

int
main(int argc, char **argv)
{
    struct in_addr to;
    uint8_t key[KEY_LEN];
    if (argc != 5 || inet_pton(AF_INET, argv[1], &to) != 1 || !read_key(argv[3], key)) {
        fputs("usage: initstorm ADDRESS PORT KEY RATE\n", stderr);
        return 2;
    }
    uint64_t rate = strtoul(argv[4], NULL, 10);
    make_messages(key);
    int fds[SOCKETS];
    for (unsigned i = 0; i < SOCKETS; i++)
        fds[i] = socket_to(to, (uint16_t)strtoul(argv[2], NULL, 10));
    struct sigaction stop = {.sa_handler = on_stop};
    sigaction(SIGTERM, &stop, NULL);

    struct timespec at;
    uint64_t sent = 0, replies = 0;
    clock_gettime(CLOCK_MONOTONIC, &at);
    for (uint64_t tick = 1; !stopped; tick++) {
        /* A full buffer counts as sent: it is for the kernel to drop. */
        for (; sent < tick * rate / TICKS; sent++)
            (void)!send(fds[sent % SOCKETS], messages[sent % MESSAGES], INITIATION_LEN, 0);
        replies += take_replies(fds);
        at.tv_nsec += 1000000000 / TICKS;
        if (at.tv_nsec >= 1000000000) {
            at.tv_nsec -= 1000000000;
            at.tv_sec++;
        }
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
    }
    fprintf(stderr, "initstorm: %" PRIu64 " initiations sent, %" PRIu64 " cookies came back\n",
            sent, replies);
    return 0;
}
