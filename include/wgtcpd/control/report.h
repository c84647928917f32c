/* SPDX-License-Identifier: BSD-3-Clause */
/* A snapshot as JSON. Names are lower_snake_case, units stand in them; secrets are never in it. */
#ifndef WGTCPD_CONTROL_REPORT_H
#define WGTCPD_CONTROL_REPORT_H

#include <jansson.h>

#include <wgtcpd/control/snapshot.h>

/* The interface, its peers and every counter that is not zero. The caller's to json_decref; NULL:
 * no memory. */
json_t *report_show(const struct snapshot *s, const struct allowedips *allowed_ips);
/* The list of its peers alone, which is the last member of the whole. */
json_t *report_peers(const struct snapshot *s, const struct allowedips *allowed_ips);

/* Short names of troubles, as they stand in reports: "initiations_unanswered". Static storage. */
const char *report_peer_trouble_name(enum peer_trouble which);
const char *report_handshake_trouble_name(enum handshake_trouble which);

#endif
