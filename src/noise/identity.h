/* SPDX-License-Identifier: BSD-3-Clause */
/* Private to noise and its tests. */
#ifndef NOISE_IDENTITY_H
#define NOISE_IDENTITY_H

#include <wgtcpd/noise/noise.h>

/* Sees to it that r->static_static is there: made once, it stays until our key changes, whatever
 * becomes of the message that asked for it. false: low-order key, or no identity of ours. */
bool remote_static_static(struct noise_remote *r, const struct noise_local *l);

/* Of messages to the holder of the key, and of cookie replies from it: HASH(label || key). */
void mac1_key_of(uint8_t mac1_key[NOISE_KEY_LEN], const uint8_t public_key[NOISE_KEY_LEN]);
void cookie_key_of(uint8_t cookie_key[NOISE_KEY_LEN], const uint8_t public_key[NOISE_KEY_LEN]);

#endif
