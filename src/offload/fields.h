/* SPDX-License-Identifier: BSD-3-Clause */
/* Where fields lie in headers that are rewritten in place. */
#ifndef OFFLOAD_FIELDS_H
#define OFFLOAD_FIELDS_H

#include <wgtcpd/base/base.h>

/* RFC 791 3.1 */
enum {
    IPV4_TOS_AT = 1,
    IPV4_LENGTH_AT = 2,
    IPV4_ID_AT = 4,
    IPV4_FLAGS_AT = 6,
    IPV4_TTL_AT = 8,
    IPV4_CHECKSUM_AT = 10,
    IPV4_ADDRESSES_AT = 12,
    IPV4_ADDRESSES_LEN = 8,
};

/* RFC 8200 3 */
enum {
    IPV6_LENGTH_AT = 4,
    IPV6_HOP_LIMIT_AT = 7,
    IPV6_ADDRESSES_AT = 8,
    IPV6_ADDRESSES_LEN = 32,
};

/* RFC 9293 3.1 */
enum {
    TCP_SEQ_AT = 4,
    TCP_ACK_AT = 8,
    TCP_FLAGS_AT = 13,
    TCP_WINDOW_AT = 14,
    TCP_CHECKSUM_AT = 16,
    TCP_URGENT_AT = 18,
};

/* RFC 768 */
enum { UDP_LENGTH_AT = 4, UDP_CHECKSUM_AT = 6 };

#endif
