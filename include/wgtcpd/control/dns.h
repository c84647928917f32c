/* SPDX-License-Identifier: BSD-3-Clause */
/* Name servers and search domains of the interface, by resolvconf, as wg-quick sets them. */
#ifndef WGTCPD_CONTROL_DNS_H
#define WGTCPD_CONTROL_DNS_H

#include <stdio.h>

#include <wgtcpd/control/config.h>

/* Writes the list in resolv.conf's form: a line a name server, one line of search domains. */
void dns_format(const struct config_strings *dns, FILE *to);

/*
 * Hands the list to resolvconf: it alone is to be used (-m 0 -x). Without resolvconf, or when that
 * fails, there is a warning and all goes on. true: dns_unset must take it back. meanwhile: as in
 * child_run.
 */
bool dns_set(const char *ifname, const struct config_strings *dns, void (*meanwhile)(void *ctx),
             void *ctx);
void dns_unset(const char *ifname, void (*meanwhile)(void *ctx), void *ctx);

#endif
