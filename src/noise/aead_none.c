/* SPDX-License-Identifier: BSD-3-Clause */
/* Stands in for aead_boringssl.c in a build without BoringSSL. */
#include "aead.h"

const struct aead_backend *
aead_boringssl_load(const char *path)
{
    (void)path;
    return NULL;
}

const char *
aead_boringssl_path(void)
{
    return NULL;
}
