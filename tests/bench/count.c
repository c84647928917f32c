/* SPDX-License-Identifier: BSD-3-Clause */
#include "count.h"

#include <linux/perf_event.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CACHE_EVENT(cache)                                                                         \
    ((cache) | PERF_COUNT_HW_CACHE_OP_READ << 8 | PERF_COUNT_HW_CACHE_RESULT_MISS << 16)

static const struct {
    uint32_t type;
    uint64_t config;
} events[COUNT_EVENTS] = {
    [COUNT_CYCLES] = {PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES},
    [COUNT_INSTRUCTIONS] = {PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS},
    [COUNT_CACHE_MISSES] = {PERF_TYPE_HW_CACHE, CACHE_EVENT(PERF_COUNT_HW_CACHE_L1D)},
    [COUNT_TLB_MISSES] = {PERF_TYPE_HW_CACHE, CACHE_EVENT(PERF_COUNT_HW_CACHE_DTLB)},
    [COUNT_BRANCH_MISSES] = {PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_MISSES},
};

static struct {
    int fd[COUNT_EVENTS]; /* the first leads the group */
    bool open, enabled;
} count;

static int
open_event(unsigned i)
{
    struct perf_event_attr attr = {
        .type = events[i].type,
        .size = sizeof(attr),
        .config = events[i].config,
        .disabled = i == 0,
        .exclude_kernel = 1,
        .exclude_hv = 1,
        .read_format = PERF_FORMAT_GROUP,
    };

    return (int)syscall(SYS_perf_event_open, &attr, 0, -1, i == 0 ? -1 : count.fd[0],
                        PERF_FLAG_FD_CLOEXEC);
}

bool
count_open(void)
{
    for (unsigned i = 0; i < COUNT_EVENTS && !count.open; i++) {
        count.fd[i] = open_event(i);
        if (count.fd[i] >= 0)
            continue;
        while (i-- > 0)
            close(count.fd[i]);
        return false;
    }
    count.open = true;
    return true;
}

void
count_enable(bool on)
{
    count.enabled = on && count.open;
}

void
count_turn_begin(void)
{
    if (count.enabled)
        ioctl(count.fd[0], PERF_EVENT_IOC_ENABLE, PERF_IOC_FLAG_GROUP);
    count_sample_turn(true);
}

void
count_turn_end(void)
{
    count_sample_turn(false);
    if (count.enabled)
        ioctl(count.fd[0], PERF_EVENT_IOC_DISABLE, PERF_IOC_FLAG_GROUP);
}

struct counts
count_take(void)
{
    struct {
        uint64_t n, value[COUNT_EVENTS];
    } group;
    struct counts c = {{0}};

    if (!count.open)
        return c;
    if (read(count.fd[0], &group, sizeof(group)) == (ssize_t)sizeof(group))
        memcpy(c.of, group.value, sizeof(c.of));
    ioctl(count.fd[0], PERF_EVENT_IOC_RESET, PERF_IOC_FLAG_GROUP);
    return c;
}
