/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Handshake keys for Wireshark (KeyLog): what its WireGuard dissector reads as "WireGuard Key Log
 * file" (wg.keylog_file). Who has the file can read all traffic: off unless asked for.
 */
#ifndef WGTCPD_CONTROL_KEY_LOG_H
#define WGTCPD_CONTROL_KEY_LOG_H

#include <wgtcpd/noise/noise.h>

/*
 * The file at `path`, made with mode 0600 or added to. Its descriptor; or -1 and errno: EPERM when
 * it is no regular file, another's, or open to others, ELOOP when it is a symbolic link.
 */
int key_log_open(const char *path);

/* A handshake of ours (either role): four lines, in one write. false, and errno: not written. */
bool key_log_write(int fd, const struct noise_local *local, const struct noise_remote *remote,
                   const uint8_t ephemeral_private[NOISE_KEY_LEN]);

#endif
