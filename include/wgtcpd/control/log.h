/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages for the operator: one line each, on stderr. */
#ifndef WGTCPD_CONTROL_LOG_H
#define WGTCPD_CONTROL_LOG_H

#include <stdbool.h>

/* -v: debug lines too. */
void log_init(bool verbose);

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
