/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/base/drop.h>

#include <stddef.h>

/* Upper-case enumerator names, lowered here once so that the list needs no second spelling. */
static char drop_names[WGT_DROP_COUNT][32];

static const char *const drop_enumerators[WGT_DROP_COUNT] = {
#define WGT_DROP_NAME(name, text) #name,
    WGT_DROP_LIST(WGT_DROP_NAME)
#undef WGT_DROP_NAME
};

static const char *const drop_texts[WGT_DROP_COUNT] = {
#define WGT_DROP_TEXT(name, text) text,
    WGT_DROP_LIST(WGT_DROP_TEXT)
#undef WGT_DROP_TEXT
};

__attribute__((constructor)) static void
lower_names(void)
{
    for (size_t i = 0; i < WGT_DROP_COUNT; i++) {
        const char *from = drop_enumerators[i];

        for (size_t j = 0; j + 1 < sizeof(drop_names[i]) && from[j] != '\0'; j++)
            drop_names[i][j] =
                from[j] >= 'A' && from[j] <= 'Z' ? (char)(from[j] - 'A' + 'a') : from[j];
    }
}

const char *
wgt_drop_name(enum wgt_drop reason)
{
    return (unsigned)reason < WGT_DROP_COUNT ? drop_names[reason] : "unknown";
}

const char *
wgt_drop_text(enum wgt_drop reason)
{
    return (unsigned)reason < WGT_DROP_COUNT ? drop_texts[reason] : "unknown reason";
}
