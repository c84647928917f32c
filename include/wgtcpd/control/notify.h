/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What systemd, or whoever else started us with Type=notify, is told of our state: sd_notify(3) and
 * its watchdog, by the datagrams that its manual describes. Without NOTIFY_SOCKET nothing happens.
 */
#ifndef WGTCPD_CONTROL_NOTIFY_H
#define WGTCPD_CONTROL_NOTIFY_H

#include <wgtcpd/base/base.h>

/* Takes NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID out of the environment, so that no child
 * speaks in our name. Call once, early. */
void notify_init(void);

/* READY=1, after the start and after each reload. */
void notify_ready(void);
/* RELOADING=1; notify_ready follows. */
void notify_reloading(void);
/* STOPPING=1 */
void notify_stopping(void);
/* STATUS=, a line for `systemctl status`. */
void notify_status(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* How often the watchdog wants to hear of us at least; 0: there is none. */
wgt_time notify_watchdog_interval(void);
/* WATCHDOG=1, if what we watch has moved on since the last call: turns is its count, *seen what it
 * was then. Returns whether it has. */
bool notify_watchdog(uint64_t *seen, uint64_t turns);

#endif
