/* SPDX-License-Identifier: BSD-3-Clause */
/* A configuration's file. */
#ifndef WGTCPD_CONTROL_CONFIG_FILE_H
#define WGTCPD_CONTROL_CONFIG_FILE_H

#include <wgtcpd/control/config.h>

enum { CONFIG_FILE_MAX = 1 << 30 }; /* bytes; a million peers are 120 MB */

/* Reads and parses the file. NULL: lines in errors say why; it is refused while others can read
 * the key in it. */
struct config *config_load(const char *path, FILE *errors);
/* The same of a file that was opened already, and is closed; fd may be a -errno of that. */
struct config *config_load_fd(int fd, const char *path, FILE *errors);

/*
 * Writes the file as a whole or not at all: beside it under another name, to the disk, then
 * renamed. A symbolic link stays one. The new file has the old one's owner; only he may read it.
 * print writes the text. 0 or -errno.
 */
int config_replace(const char *path, void (*print)(void *ctx, FILE *to), void *ctx);
/* Writes the text to fd and closes it. 0 or -errno. */
int config_write(int fd, void (*print)(void *ctx, FILE *to), void *ctx);

#endif
