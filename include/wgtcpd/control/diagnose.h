/* SPDX-License-Identifier: BSD-3-Clause */
/* Tells the usual mistakes apart, with what shows them and what to do. */
#ifndef WGTCPD_CONTROL_DIAGNOSE_H
#define WGTCPD_CONTROL_DIAGNOSE_H

#include <jansson.h>

#include <wgtcpd/control/snapshot.h>

/*
 * `who`: a public key or the beginning of one (at least DIAGNOSE_KEY_MIN characters), or an inner
 * address, then the peer that has it in its allowed IPs is meant; NULL: all peers. Returns
 *
 *   {"interface": ..., "peers": [{"public_key": ..., "findings": [finding, ...]}, ...],
 *    "findings": [...]}                       those that are about no peer
 *
 * with a finding {"id": ..., "severity": "error" | "warning" | "ok", "text": ..., "evidence":
 * [...], "advice": [...]}. The caller's to json_decref. NULL: no such peer; error_text says what
 * would be right.
 */
enum { DIAGNOSE_KEY_MIN = 4, DIAGNOSE_ERROR_MAX = 160 };
json_t *diagnose(const struct snapshot *s, const struct allowedips *allowed_ips, const char *who,
                 char error_text[DIAGNOSE_ERROR_MAX]);

#endif
