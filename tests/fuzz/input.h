/* SPDX-License-Identifier: BSD-3-Clause */
/* The fuzzer's bytes as a source of choices; when they run out, zeros. */
#ifndef WGTCPD_FUZZ_INPUT_H
#define WGTCPD_FUZZ_INPUT_H

#include <stddef.h>
#include <stdint.h>

struct input {
    const uint8_t *p;
    size_t left;
};

static inline uint8_t
next_byte(struct input *in)
{
    if (in->left == 0)
        return 0;
    in->left--;
    return *in->p++;
}

static inline uint32_t
next_u32(struct input *in)
{
    uint32_t v = 0;

    for (int i = 0; i < 4; i++)
        v = v << 8 | next_byte(in);
    return v;
}

#endif
