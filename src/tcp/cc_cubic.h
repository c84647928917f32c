/* SPDX-License-Identifier: BSD-3-Clause */
/* The equations of CUBIC (RFC 9438 4.2), apart so that they can be tested. Windows in bytes; times
 * in steps of 2^-12 s, up to 128 s. */
#ifndef WGTCPD_SRC_TCP_CC_CUBIC_H
#define WGTCPD_SRC_TCP_CC_CUBIC_H

#include "internal.h"

/* The largest number whose cube is not above x. */
uint32_t tcp_cubic_root(uint64_t x);
uint32_t tcp_cubic_k(uint32_t w_max, uint32_t cwnd_epoch, uint32_t mss);
uint32_t tcp_cubic_window(uint32_t t, uint32_t k, uint32_t w_max, uint32_t mss);

#endif
