/* SPDX-License-Identifier: BSD-3-Clause */
/* Private to noise and its tests. */
#ifndef NOISE_IDENTITY_H
#define NOISE_IDENTITY_H

#include <wgtcpd/noise/noise.h>

/* Sees to it that r->static_static is there: made once, it stays until our key changes, whatever
 * becomes of the message that asked for it. false: low-order key, or no identity of ours. */
bool remote_static_static(struct noise_remote *r, const struct noise_local *l);

#endif
