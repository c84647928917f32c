/* SPDX-License-Identifier: BSD-3-Clause */
/* What a router does to a packet on its way (RFC 1812 5.2 and 5.3, RFC 8200 3). */
#ifndef WGTCPD_WIRE_FORWARD_H
#define WGTCPD_WIRE_FORWARD_H

#include <wgtcpd/wire/ip.h>

/*
 * Checks an inner packet (it has passed inner_parse; len is its own length) as a router must, and
 * takes one from its TTL or hop limit. WGT_OK, or with the packet untouched: IP_HEADER_LENGTH,
 * IP_CHECKSUM (IPv4, with verify_checksum), IP_SOURCE (an address that no packet comes from),
 * IP_SCOPE (link-local, loopback or group addresses: never forwarded), IP_TTL (used up; its sender
 * is to be told).
 */
enum wgt_drop ip_forward(uint8_t *packet, size_t len, bool verify_checksum);

#endif
