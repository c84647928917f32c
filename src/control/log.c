/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/control/log.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>

#include <wgtcpd/control/config.h>

static enum log_level wanted = LOG_LEVEL_INFO;
static bool to_journal;

static const struct {
    const char *text; /* before the line, for people */
    int priority;     /* for the journal: syslog's */
} levels[] = {
    [LOG_LEVEL_ERROR] = {"error: ", LOG_ERR},
    [LOG_LEVEL_WARNING] = {"warning: ", LOG_WARNING},
    [LOG_LEVEL_INFO] = {"", LOG_INFO},
    [LOG_LEVEL_DEBUG] = {"debug: ", LOG_DEBUG},
};

/* systemd.exec(5): JOURNAL_STREAM names device and inode of the journal's socket. Whoever redirects
 * stderr leaves it set, so it is compared. */
static bool
stderr_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    unsigned long long device, inode;
    struct stat st;
    char *end;

    if (stream == NULL)
        return false;
    device = strtoull(stream, &end, 10);
    if (*end != ':')
        return false;
    inode = strtoull(end + 1, NULL, 10);
    return fstat(fileno(stderr), &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

void
log_init(enum log_level level)
{
    wanted = level;
    to_journal = stderr_is_journal();
}

void
log_set_level(enum log_level level)
{
    wanted = level;
}

/* One write a line, so that lines of several threads don't mix. suppressed: lines like it that were
 * not written. */
__attribute__((format(printf, 3, 0))) static void
write_line(enum log_level level, uint64_t suppressed, const char *format, va_list args)
{
    char line[1024], more[48] = "";

    vsnprintf(line, sizeof(line), format, args);
    if (suppressed > 0)
        snprintf(more, sizeof(more), " (%" PRIu64 " more suppressed)", suppressed);
    if (to_journal) /* which knows our name, and the level from its priority */
        fprintf(stderr, "<%d>%s%s\n", levels[level].priority, line, more);
    else
        fprintf(stderr, "wgtcpd: %s%s%s\n", levels[level].text, line, more);
}

#define LOG_FUNCTION(name, level)                                                                  \
    void name(const char *format, ...)                                                             \
    {                                                                                              \
        va_list args;                                                                              \
                                                                                                   \
        if ((level) > wanted)                                                                      \
            return;                                                                                \
        va_start(args, format);                                                                    \
        write_line(level, 0, format, args);                                                        \
        va_end(args);                                                                              \
    }

LOG_FUNCTION(log_error, LOG_LEVEL_ERROR)
LOG_FUNCTION(log_warning, LOG_LEVEL_WARNING)
LOG_FUNCTION(log_info, LOG_LEVEL_INFO)
LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG)

bool
log_limit_pass(struct log_limit *l, wgt_time now, uint64_t *suppressed)
{
    if (now - l->since >= WGT_SEC) {
        l->since = now;
        l->used = 0;
    }
    if (l->used >= l->per_second) {
        l->suppressed++;
        return false;
    }
    l->used++;
    *suppressed = l->suppressed;
    l->suppressed = 0;
    return true;
}

void
log_limited(struct log_limit *l, enum log_level level, const char *format, ...)
{
    uint64_t suppressed;
    struct timespec ts;
    va_list args;

    if (level > wanted)
        return;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    if (!log_limit_pass(l, (wgt_time)ts.tv_sec * WGT_SEC + (wgt_time)ts.tv_nsec, &suppressed))
        return;
    va_start(args, format);
    write_line(level, suppressed, format, args);
    va_end(args);
}

char *
log_key(char text[LOG_KEY_TEXT], const uint8_t public_key[32])
{
    char full[45];

    config_key_format(full, public_key);
    snprintf(text, LOG_KEY_TEXT, "%.4s\xe2\x80\xa6%.4s", full, full + 39);
    return text;
}
