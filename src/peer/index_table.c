/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/peer/index_table.h>

enum { SLOTS_MIN = 256, SLOTS_MAX_BITS = 31 };

uint32_t
index_table_slots(uint32_t n)
{
    uint32_t slots = SLOTS_MIN;

    while (slots < n && slots < UINT32_C(1) << SLOTS_MAX_BITS)
        slots *= 2;
    return slots;
}

void
index_table_init(struct index_table *t, struct index_slot *slots, uint32_t n_slots)
{
    *t = (struct index_table){.slots = slots, .mask = n_slots - 1};
}
