/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the cycles of the worker's turns go: the kernel notes the instruction pointer every so many
 * cycles, addr2line tells whose code it is. */
#include <dlfcn.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"
#include "count.h"

enum {
    PERIOD = 50021, /* cycles: an interrupt then takes a hundredth of them */
    PAGES = 64,     /* of the kernel's buffer; a power of two */
    SPOTS = 1 << 16,
    NAMES = 1024,
    FUNCTIONS_TOLD = 24,
    NAME_LEN = 64,
};

struct spot {
    uint64_t ip; /* 0: none */
    uint32_t n;
    uint64_t offset; /* in the program's file; 0: it is in a library */
};

struct name {
    char room[NAME_LEN], function[NAME_LEN];
    uint32_t n;
};

static struct {
    int fd;
    bool enabled;
    struct perf_event_mmap_page *page;
    size_t size; /* of the buffer behind it */
    uint32_t n;
    struct spot spots[SPOTS];
    struct name names[NAMES];
    unsigned n_names;
} sample;

bool
count_sample_open(void)
{
    struct perf_event_attr attr = {
        .type = PERF_TYPE_HARDWARE,
        .size = sizeof(attr),
        .config = PERF_COUNT_HW_CPU_CYCLES,
        .sample_period = PERIOD,
        .sample_type = PERF_SAMPLE_IP,
        .disabled = 1,
        .exclude_kernel = 1,
        .exclude_hv = 1,
    };
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    void *p;

    sample.fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
    if (sample.fd < 0)
        return false;
    sample.size = PAGES * page;
    p = mmap(NULL, page + sample.size, PROT_READ | PROT_WRITE, MAP_SHARED, sample.fd, 0);
    if (p == MAP_FAILED)
        return false;
    sample.page = p;
    return true;
}

void
count_sample_enable(bool on)
{
    sample.enabled = on;
}

void
count_sample_turn(bool begins)
{
    if (sample.enabled)
        ioctl(sample.fd, begins ? PERF_EVENT_IOC_ENABLE : PERF_EVENT_IOC_DISABLE, 0);
}

static void
note(uint64_t ip)
{
    uint32_t at = (uint32_t)(ip * UINT64_C(0x9e3779b97f4a7c15) >> 48) % SPOTS;

    while (sample.spots[at].n > 0 && sample.spots[at].ip != ip)
        at = (at + 1) % SPOTS;
    sample.spots[at].ip = ip;
    sample.spots[at].n++;
    sample.n++;
}

void
count_sample_collect(void)
{
    const uint8_t *data = (const uint8_t *)sample.page + sample.page->data_offset;
    uint64_t head = __atomic_load_n(&sample.page->data_head, __ATOMIC_ACQUIRE);
    uint64_t tail = sample.page->data_tail;

    while (tail < head) {
        struct {
            struct perf_event_header header;
            uint64_t ip;
        } record;

        /* Records are multiples of 8 bytes and may go round the end. */
        for (unsigned i = 0; i < sizeof(record); i += 8)
            memcpy((uint8_t *)&record + i, data + (tail + i) % sample.size, 8);
        if (record.header.type == PERF_RECORD_SAMPLE && sample.n < SPOTS / 2)
            note(record.ip);
        tail += record.header.size;
    }
    __atomic_store_n(&sample.page->data_tail, tail, __ATOMIC_RELEASE);
}

/* --- names --------------------------------------------------------------------------------------
 */

static void
add_name(const char *room, const char *function, uint32_t n)
{
    struct name *e = sample.names;

    for (unsigned i = 0; i < sample.n_names; i++, e++)
        if (strncmp(e->room, room, NAME_LEN - 1) == 0 &&
            strncmp(e->function, function, NAME_LEN - 1) == 0) {
            e->n += n;
            return;
        }
    if (sample.n_names == NAMES)
        return;
    sample.n_names++;
    snprintf(e->room, sizeof(e->room), "%s", room);
    snprintf(e->function, sizeof(e->function), "%s", function);
    e->n = n;
}

/* ".../src/ROOM/file.c:12": the room; a bench's own file: "bench". */
static void
room_of(const char *file, char room[NAME_LEN])
{
    const char *src = strstr(file, "/src/"), *bench = strstr(file, "tests/bench/");
    const char *begin = src != NULL ? src + 5 : file;

    if (bench != NULL)
        snprintf(room, NAME_LEN, "bench");
    else if (src != NULL)
        snprintf(room, NAME_LEN, "%.*s", (int)strcspn(begin, "/"), begin);
    else
        snprintf(room, NAME_LEN, "other");
}

static void
name_library(const struct spot *s)
{
    const char *base;
    Dl_info info;

    if (dladdr((void *)(uintptr_t)s->ip, &info) == 0 || info.dli_fname == NULL) {
        add_name("other", "?", s->n);
        return;
    }
    base = strrchr(info.dli_fname, '/');
    base = base != NULL ? base + 1 : info.dli_fname;
    add_name(base, info.dli_sname != NULL ? info.dli_sname : "?", s->n);
}

static bool
find_offset(struct spot *s, const void *program)
{
    Dl_info info;

    if (dladdr((void *)(uintptr_t)s->ip, &info) == 0 || info.dli_fbase != program)
        return false;
    s->offset = s->ip - (uint64_t)(uintptr_t)info.dli_fbase;
    return true;
}

static uint32_t
samples_at(uint64_t offset)
{
    for (unsigned i = 0; i < SPOTS; i++)
        if (sample.spots[i].n > 0 && sample.spots[i].offset == offset)
            return sample.spots[i].n;
    return 0;
}

/* addr2line -a -f -i: an address, then pairs of lines, function and place, inlined ones first; the
 * last pair is the function that was compiled. */
static void
read_names(FILE *f)
{
    char line[512], function[512] = "?", room[NAME_LEN] = "other";
    uint32_t n = 0;
    bool is_function = true;

    while (fgets(line, sizeof(line), f) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "0x", 2) == 0) {
            if (n > 0)
                add_name(room, function, n);
            n = samples_at(strtoull(line, NULL, 16));
            is_function = true;
            continue;
        }
        if (is_function)
            snprintf(function, sizeof(function), "%s", line);
        else
            room_of(line, room);
        is_function = !is_function;
    }
    if (n > 0)
        add_name(room, function, n);
}

static void
name_program(const char *addresses)
{
    char program[256], command[512];
    ssize_t len = readlink("/proc/self/exe", program, sizeof(program) - 1);
    FILE *f;

    if (len < 0)
        bench_die("/proc/self/exe cannot be read");
    program[len] = '\0';
    snprintf(command, sizeof(command), "addr2line -a -f -i -e '%s' <'%s'", program, addresses);
    f = popen(command, "r"); /* NOLINT(cert-env33-c): a developer's tool */
    if (f == NULL)
        bench_die("addr2line does not run (Debian: binutils)");
    read_names(f);
    pclose(f);
}

static void
name_all(void)
{
    char path[] = "/tmp/bench-samples.XXXXXX";
    int fd = mkstemp(path);
    FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;
    Dl_info own;

    if (f == NULL || dladdr((void *)(uintptr_t)count_sample_open, &own) == 0)
        bench_die("samples cannot be named");
    for (unsigned i = 0; i < SPOTS; i++) {
        struct spot *s = &sample.spots[i];

        if (s->n > 0 && find_offset(s, own.dli_fbase))
            fprintf(f, "0x%lx\n", (unsigned long)s->offset);
        else if (s->n > 0)
            name_library(s);
    }
    fclose(f);
    name_program(path);
    unlink(path);
}

/* --- telling ------------------------------------------------------------------------------------
 */

static int
more_first(const void *a, const void *b)
{
    const struct name *x = a, *y = b;

    return (x->n < y->n) - (x->n > y->n);
}

static void
tell_rooms(double clocks)
{
    static struct name rooms[NAMES];
    unsigned n = 0;

    for (unsigned i = 0; i < sample.n_names; i++) {
        unsigned at = 0;

        while (at < n && strcmp(rooms[at].room, sample.names[i].room) != 0)
            at++;
        if (at == n)
            rooms[n++] = (struct name){.n = 0};
        memcpy(rooms[at].room, sample.names[i].room, NAME_LEN);
        rooms[at].n += sample.names[i].n;
    }
    qsort(rooms, n, sizeof(rooms[0]), more_first);
    for (unsigned i = 0; i < n; i++)
        printf("    %7.0f %5.1f %%  %s\n", clocks * rooms[i].n / sample.n,
               100.0 * rooms[i].n / sample.n, rooms[i].room);
}

void
count_sample_tell(double clocks)
{
    if (sample.n == 0)
        return;
    name_all();
    printf("  by room, of %u samples:\n", sample.n);
    tell_rooms(clocks);
    qsort(sample.names, sample.n_names, sizeof(sample.names[0]), more_first);
    printf("  by function:\n");
    for (unsigned i = 0; i < sample.n_names && i < FUNCTIONS_TOLD; i++)
        printf("    %7.0f %5.1f %%  %s %s\n", clocks * sample.names[i].n / sample.n,
               100.0 * sample.names[i].n / sample.n, sample.names[i].room,
               sample.names[i].function);
    memset(sample.spots, 0, sizeof(sample.spots));
    memset(sample.names, 0, sizeof(sample.names));
    sample.n_names = sample.n = 0;
}
