/* SPDX-License-Identifier: BSD-3-Clause */
/* What tests of the TCP transport stand on: time, chance, packets, and events that nobody heeds. */
#ifndef WGTCPD_TEST_TRANSPORT_RIG_H
#define WGTCPD_TEST_TRANSPORT_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <wgtcpd/noise/noise.h>
#include <wgtcpd/transport/tcp.h>

#include "eal_rig.h"

static struct rte_mempool *pool;
static wgt_time now;
static uint64_t prng;

static inline bool
rig_start(const char *program, unsigned packets, uint16_t room)
{
    char error[128];

    if (noise_crypto_init(error, sizeof(error)) != 0)
        return false;
    pool = eal_rig_start(program, "128", packets, room);
    return pool != NULL;
}

static inline void
entropy(void *ctx, void *buf, size_t len)
{
    uint8_t *p = buf;

    (void)ctx;
    while (len-- > 0) {
        prng = prng * UINT64_C(6364136223846793005) + 1442695040888963407;
        *p++ = (uint8_t)(prng >> 56);
    }
}

static inline uint64_t
wall_seconds(void *ctx)
{
    (void)ctx;
    return 1767225600 + now / WGT_SEC;
}

/* A packet that is sent leaves at once: the connection may own it, too. */
static inline struct rte_mbuf *
take_off_the_wire(struct rte_mbuf *m)
{
    struct rte_mbuf *copy = rte_pktmbuf_alloc(pool);

    assert_non_null(copy);
    memcpy(rte_pktmbuf_append(copy, rte_pktmbuf_data_len(m)), rte_pktmbuf_mtod(m, void *),
           rte_pktmbuf_data_len(m));
    rte_pktmbuf_free(m);
    return copy;
}

static inline void
ignore_established(void *ctx, wgt_time at, struct tcp_flow *f)
{
    (void)ctx;
    (void)at;
    (void)f;
}

static inline void
ignore_path_lost(void *ctx, wgt_time at, struct path_user *u, const struct tcp_flow *f)
{
    (void)f;
    (void)ctx;
    (void)at;
    (void)u;
}

static inline enum path_turn
ignore_writable(void *ctx, wgt_time at, struct path_user *u)
{
    (void)ctx;
    (void)at;
    (void)u;
    return PATH_DONE;
}

#endif
