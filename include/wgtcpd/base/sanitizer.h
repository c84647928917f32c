/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether a sanitizer is compiled in: it traces the process at its end, and has system calls of
 * its own. */
#ifndef WGTCPD_BASE_SANITIZER_H
#define WGTCPD_BASE_SANITIZER_H

#if defined(__SANITIZE_ADDRESS__)
enum { SANITIZED = 1 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif
#else
enum { SANITIZED = 0 };
#endif

#endif
