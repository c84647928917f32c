/* SPDX-License-Identifier: BSD-3-Clause */
/* Hexadecimal text of the known-answer tables to bytes. */
#ifndef VECTORS_HEX_H
#define VECTORS_HEX_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline unsigned
unhex_digit(char c)
{
    assert((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'));
    return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* Fills out, which has room for max bytes; returns how many there were. */
static inline size_t
unhex(uint8_t *out, size_t max, const char *text)
{
    const size_t len = strlen(text) / 2;

    assert(strlen(text) % 2 == 0 && len <= max);
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(unhex_digit(text[2 * i]) << 4 | unhex_digit(text[2 * i + 1]));
    return len;
}

#endif
