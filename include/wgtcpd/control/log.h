/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages for the operator: one line each, on stderr. Where stderr is the journal, each line opens
 * with its priority (sd-daemon(3)), so that `journalctl -p warning` tells them apart.
 */
#ifndef WGTCPD_CONTROL_LOG_H
#define WGTCPD_CONTROL_LOG_H

#include <wgtcpd/base/base.h>
#include <wgtcpd/control/config.h>

/* Looks where stderr goes. Call once, before other threads run. */
void log_init(enum log_level level);
void log_set_level(enum log_level level);

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What others can cause as often as they like is written a few times a second from each place: a
 * static object of the place, its members zero but the first. One thread's. */
struct log_limit {
    uint32_t per_second;
    uint32_t used; /* in this second */
    wgt_time since;
    uint64_t suppressed; /* not yet owned up to */
};

/* Whether a line may be written now; if so, *suppressed is how many before it were not. */
bool log_limit_pass(struct log_limit *l, wgt_time now, uint64_t *suppressed);
/* As the four above, within the limit; a line that follows suppressed ones says how many. */
void log_limited(struct log_limit *l, enum log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A public key as lines show it: its first and last four digits ("xTIB…p8Dg"). Returns text. */
enum { LOG_KEY_TEXT = 12 };
char *log_key(char text[LOG_KEY_TEXT], const uint8_t public_key[32]);

#endif
