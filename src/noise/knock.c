/* SPDX-License-Identifier: BSD-3-Clause */
/* The key under which SYNs to a listener are tagged: known to all who know its public key. */
#include "crypto.h"

static const char label_knock[8] = "knock---";

void
noise_knock_key(uint8_t key[NOISE_KEY_LEN], const uint8_t public_key[NOISE_KEY_LEN])
{
    noise_hash(key, label_knock, sizeof(label_knock), public_key, NOISE_KEY_LEN);
}
