/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/control/log.h>

#include <stdarg.h>
#include <stdio.h>

static bool debug_wanted;

void
log_init(bool verbose)
{
    debug_wanted = verbose;
}

/* One write a line, so that lines of several threads don't mix. */
__attribute__((format(printf, 2, 0))) static void
write_line(const char *level, const char *format, va_list args)
{
    char line[1024];

    vsnprintf(line, sizeof(line), format, args);
    fprintf(stderr, "wgtcpd: %s%s\n", level, line);
}

#define LOG_FUNCTION(name, level, condition)                                                       \
    void name(const char *format, ...)                                                             \
    {                                                                                              \
        va_list args;                                                                              \
                                                                                                   \
        if (!(condition))                                                                          \
            return;                                                                                \
        va_start(args, format);                                                                    \
        write_line(level, format, args);                                                           \
        va_end(args);                                                                              \
    }

LOG_FUNCTION(log_error, "error: ", true)
LOG_FUNCTION(log_warning, "warning: ", true)
LOG_FUNCTION(log_info, "", true)
LOG_FUNCTION(log_debug, "debug: ", debug_wanted)
