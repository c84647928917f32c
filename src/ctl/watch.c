/* SPDX-License-Identifier: BSD-3-Clause */
/* `show --watch`: what moves, once a second. */
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "ctl.h"

/* --- a frame --- */

struct span_of_time {
    const json_t *before, *now;
    double seconds; /* 0: nothing is known of before */
};

/* A second, of a counter that only grows; after a restart it has begun anew. */
static double
rate_of(const struct span_of_time *t, const char *name)
{
    uint64_t now = count_of(t->now, name), before = count_of(t->before, name);

    if (t->before == NULL || t->seconds <= 0 || now < before)
        return 0;
    return (double)(now - before) / t->seconds;
}

static struct span_of_time
part_in_time(const struct span_of_time *t, const char *name)
{
    return (struct span_of_time){part_of(t->before, name), part_of(t->now, name), t->seconds};
}

static const json_t *
peer_of_key(const json_t *report, const char *key)
{
    json_t *peer;
    size_t i;

    json_array_foreach(part_of(report, "peers"), i,
                       peer) if (strcmp(text_of(peer, "public_key"), key) == 0) return peer;
    return NULL;
}

static uint64_t
all_drops(const json_t *report)
{
    json_t *item;
    uint64_t sum = 0;
    size_t i;

    json_array_foreach(part_of(report, "drops"), i, item) sum += count_of(item, "count");
    return sum;
}

static void
print_rate(const struct out *o, const char *label, double rate)
{
    fprintf(o->to, "  %s %.*f", label, rate < 10 && rate > 0 ? 1 : 0, rate);
    out_styled(o, STYLE_UNIT, "/s");
}

static void
print_interface(const struct out *o, const struct span_of_time *t)
{
    struct span_of_time packets = part_in_time(t, "packets");
    uint64_t drops = all_drops(t->now), before = all_drops(t->before);

    out_styled(o, STYLE_INTERFACE, text_of(t->now, "interface"));
    fprintf(o->to, "  port %" PRIu64 ", up ", count_of(t->now, "listening_port"));
    out_duration(o, count_of(t->now, "uptime_s"));
    fputs("\n  packets:", o->to);
    print_rate(o, "outer in", rate_of(&packets, "outer_received"));
    print_rate(o, "out", rate_of(&packets, "outer_sent"));
    print_rate(o, "inner in", rate_of(&packets, "inner_received"));
    print_rate(o, "out", rate_of(&packets, "inner_sent"));
    print_rate(o, "dropped",
               t->seconds > 0 && drops >= before ? (double)(drops - before) / t->seconds : 0);
    fprintf(o->to, " (%" PRIu64 " in all)\n", drops);
}

static void
print_bytes(const struct out *o, const char *label, double bytes, const char *behind)
{
    fprintf(o->to, "  %s ", label);
    out_bytes(o, bytes, behind);
}

static void
print_connection(const struct out *o, const struct span_of_time *t)
{
    fputs("  rtt ", o->to);
    out_ms(o, number_of(t->now, "rtt_ms"));
    print_bytes(o, "cwnd", (double)count_of(t->now, "cwnd_bytes"), "");
    print_bytes(o, "flying", (double)count_of(t->now, "in_flight_bytes"), "");
    print_rate(o, "again", rate_of(t, "segments_retransmitted"));
    print_rate(o, "early", rate_of(t, "early_delivered"));
}

static void
print_peer(const struct out *o, const struct span_of_time *t)
{
    struct span_of_time connection = part_in_time(t, "connection");
    const json_t *queue = part_of(t->now, "queue");
    const char *endpoint = text_of(t->now, "endpoint");

    out_styled(o, STYLE_PEER, text_of(t->now, "public_key"));
    fprintf(o->to, "  %s %s", text_of(t->now, "transport"),
            *endpoint != '\0' ? endpoint : "(no endpoint)");
    if (connection.now != NULL)
        fprintf(o->to, " %s", text_of(connection.now, "state"));
    if (part_of(t->now, "handshake_age_ms") != NULL)
        fprintf(o->to, "  handshake %.0f s ago", number_of(t->now, "handshake_age_ms") / 1000);
    fputs("\n ", o->to);
    print_bytes(o, "in", rate_of(t, "received_bytes"), "/s");
    print_bytes(o, "out", rate_of(t, "sent_bytes"), "/s");
    if (connection.now != NULL)
        print_connection(o, &connection);
    fprintf(o->to, "  queue %" PRIu64 ", ", count_of(queue, "packets"));
    out_ms(o, number_of(queue, "delay_ms"));
    fputc('\n', o->to);
}

void
watch_frame(const struct out *o, const json_t *now, const json_t *before, double seconds)
{
    struct span_of_time t = {before, now, before != NULL ? seconds : 0};
    json_t *peer;
    size_t i;

    print_interface(o, &t);
    json_array_foreach(part_of(now, "peers"), i, peer)
    {
        struct span_of_time p = {peer_of_key(before, text_of(peer, "public_key")), peer, t.seconds};

        print_peer(o, &p);
    }
}

/* --- the terminal --- */

struct screen {
    bool is_terminal;
    int signals;
    struct termios before;
    int rows, columns;
};

static void
measure(struct screen *s)
{
    struct winsize size;

    s->rows = 24;
    s->columns = 80;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0) {
        s->rows = size.ws_row;
        s->columns = size.ws_col;
    }
}

/* Single keys, unseen; Ctrl-C still interrupts, and nothing leaves the screen half-way. */
static void
take_keyboard(struct screen *s)
{
    struct termios raw;

    if (tcgetattr(STDIN_FILENO, &s->before) != 0) {
        s->before.c_cflag = 0;
        return;
    }
    raw = s->before;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    raw.c_cc[VSUSP] = _POSIX_VDISABLE;
    tcsetattr(STDIN_FILENO, TCSANOW, &raw);
}

static void
screen_open(struct screen *s, bool may_take_terminal)
{
    static char errors[1024];
    sigset_t set;

    s->is_terminal = may_take_terminal && isatty(STDOUT_FILENO) && isatty(STDIN_FILENO);
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGWINCH);
    sigprocmask(SIG_BLOCK, &set, NULL);
    s->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (!s->is_terminal)
        return;
    setvbuf(stderr, errors, _IOFBF, sizeof(errors)); /* shown when the screen is itself again */
    take_keyboard(s);
    fputs("\033[?1049h\033[?25l", stdout); /* another screen, without a cursor */
}

static void
screen_close(struct screen *s)
{
    if (s->is_terminal) {
        fputs("\033[?25h\033[?1049l", stdout);
        fflush(stdout);
        if (s->before.c_cflag != 0)
            tcsetattr(STDIN_FILENO, TCSANOW, &s->before);
        fflush(stderr);
    }
    close(s->signals);
}

/* One line of so many columns at most; colours take none. Returns what is behind it. */
static const char *
put_line(const char *text, int columns)
{
    for (int column = 0; *text != '\0' && *text != '\n'; text++) {
        if (*text == '\033') {
            for (; *text != '\0' && *text != 'm'; text++)
                putchar(*text);
            putchar('m');
        } else if (column++ < columns) {
            putchar(*text);
        }
    }
    return *text == '\n' ? text + 1 : text;
}

static void
screen_draw(struct screen *s, const char *text)
{
    if (!s->is_terminal) {
        fputs(text, stdout);
        fflush(stdout);
        return;
    }
    measure(s);
    fputs("\033[H", stdout);
    for (int row = 0; row < s->rows && *text != '\0'; row++) {
        if (row > 0)
            fputs("\r\n", stdout);
        text = put_line(text, s->columns);
        fputs("\033[0m\033[K", stdout);
    }
    fputs("\033[J", stdout);
    fflush(stdout);
}

enum wish { WISH_NONE, WISH_DRAW, WISH_END };

static enum wish
read_signal(const struct screen *s)
{
    struct signalfd_siginfo info;

    if (read(s->signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
        return WISH_NONE;
    return info.ssi_signo == SIGWINCH ? WISH_DRAW : WISH_END;
}

static enum wish
read_key(void)
{
    char key;

    return read(STDIN_FILENO, &key, 1) != 1 || key == 'q' || key == 'Q' ? WISH_END : WISH_NONE;
}

static enum wish
screen_wait(const struct screen *s, double seconds)
{
    struct pollfd fds[] = {{.fd = s->signals, .events = POLLIN},
                           {.fd = s->is_terminal ? STDIN_FILENO : -1, .events = POLLIN}};
    int rc = poll(fds, 2, (int)(seconds * 1000));

    if (rc < 0)
        return WISH_END;
    if (fds[0].revents != 0)
        return read_signal(s);
    return fds[1].revents != 0 ? read_key() : WISH_NONE;
}

/* --- asking again and again --- */

static double
clock_seconds(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Reports by interface. NULL: a daemon does not answer (stderr). */
static json_t *
take_reports(const char *interface)
{
    struct names names = {NULL, 0};
    json_t *all = json_object(), *one = NULL;

    if (interface != NULL) {
        one = ask(interface, "show", NULL);
        json_object_set_new(all, interface, one);
    } else {
        names_list(&names);
        for (size_t i = 0; i < names.n; i++)
            if ((one = ask(names.items[i], "show", NULL)) != NULL)
                json_object_set_new(all, names.items[i], one);
        names_free(&names);
    }
    if (interface != NULL && one == NULL) {
        json_decref(all);
        return NULL;
    }
    return all;
}

static void
print_lines(FILE *to, json_t *all)
{
    const char *name;
    json_t *report;

    json_object_foreach(all, name, report)
    {
        json_dumpf(report, to, JSON_COMPACT | JSON_REAL_PRECISION(12));
        fputc('\n', to);
    }
}

static void
print_frames(const struct out *o, json_t *all, const json_t *before, double seconds)
{
    const char *name;
    json_t *report;

    json_object_foreach(all, name, report)
    {
        watch_frame(o, report, part_of(before, name), seconds);
        fputc('\n', o->to);
    }
    if (json_object_size(all) == 0)
        fputs("no wgtcpd runs\n", o->to);
}

static void
draw(struct screen *s, json_t *all, const json_t *before, double seconds, bool json)
{
    char *text = NULL;
    size_t size;
    struct out o = out_of(stdout);

    o.to = open_memstream(&text, &size);
    if (o.to == NULL)
        return;
    if (json)
        print_lines(o.to, all);
    else
        print_frames(&o, all, before, seconds);
    fclose(o.to);
    if (json)
        fputs(text, stdout);
    else
        screen_draw(s, text);
    fflush(stdout);
    free(text);
}

int
watch(const char *interface, double seconds, bool json)
{
    struct screen screen = {.is_terminal = false};
    json_t *before = NULL, *now;
    double then = 0, at;
    enum wish wish = WISH_NONE;

    now = take_reports(interface);
    if (now == NULL)
        return CTL_FAILED;
    screen_open(&screen, !json);
    while (now != NULL && wish != WISH_END) {
        at = clock_seconds();
        draw(&screen, now, before, at - then, json);
        while ((wish = screen_wait(&screen, seconds)) == WISH_DRAW)
            draw(&screen, now, before, at - then, json);
        json_decref(before);
        before = now;
        then = at;
        now = wish == WISH_END ? NULL : take_reports(interface);
    }
    json_decref(before);
    json_decref(now);
    screen_close(&screen);
    return wish == WISH_END ? CTL_OK : CTL_FAILED;
}
