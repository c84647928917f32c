/* SPDX-License-Identifier: BSD-3-Clause */
/* Between the files of wgtcpctl. */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

/* 0: done; 1: it could not be done; 2: the command line or a configuration is wrong; 3: diagnose
 * has found a mistake. */
enum { CTL_OK = 0, CTL_FAILED = 1, CTL_USAGE = 2, CTL_FOUND = 3 };

/* Writes "wgtcpctl: ..." to stderr. Returns CTL_FAILED. */
int ctl_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* --- client.c: asking daemons --- */

struct names {
    char **items;
    size_t n;
};

/* Interfaces that daemons run, in alphabetical order. */
void names_list(struct names *n);
void names_free(struct names *n);

/* The daemon's answer, the caller's to json_decref. NULL: stderr says why; so it does when the
 * answer is an error. word may be NULL. */
json_t *ask(const char *interface, const char *request, const char *word);
/* The same for a request (words may be several) that is answered by a stream of other bytes: the
 * connection, of which nothing was read, the caller's to close; or -1. */
int ask_for_stream(const char *interface, const char *request, const char *words);

/* --- text.c: words and figures --- */

struct out {
    FILE *to;
    bool colour;
};

/* For a terminal in colours, unless NO_COLOR is set (no-color.org). */
struct out out_of(FILE *to);
enum style {
    STYLE_NONE,
    STYLE_INTERFACE,
    STYLE_PEER,
    STYLE_LABEL,
    STYLE_UNIT,
    STYLE_BAD,
    STYLE_GOOD
};
void out_style(const struct out *o, enum style style);
void out_styled(const struct out *o, enum style style, const char *text);
/* "  name: " */
void out_label(const struct out *o, const char *name);
/* "1.20 MiB", as wg has it; "3.60 MB/s"-like rates with "/s" behind it. */
void out_bytes(const struct out *o, double bytes, const char *behind);
/* "1 minute, 3 seconds" */
void out_duration(const struct out *o, uint64_t seconds);
/* "3.6 ms", "1.25 s" */
void out_ms(const struct out *o, double ms);

/* Members of an object; absent or of another type: "", 0, false, NULL. */
const char *text_of(const json_t *o, const char *name);
uint64_t count_of(const json_t *o, const char *name);
double number_of(const json_t *o, const char *name);
bool flag_of(const json_t *o, const char *name);
json_t *part_of(const json_t *o, const char *name);

/* --- show.c, drops.c, diagnosis.c: an answer as text --- */

void show_print(const struct out *o, const json_t *report);
void drops_print(const struct out *o, const json_t *report);
/* What of a report the drops are: {"interface", "drops", "peers": [{"public_key", "trouble"}]}. */
json_t *drops_of(const json_t *report);
/* Whether there is an error among the findings. */
bool diagnosis_print(const struct out *o, const json_t *diagnosis);
bool diagnosis_has_error(const json_t *diagnosis);

/* --- watch.c: the live view --- */

/* One frame: report now, and before (NULL: none), between them so many seconds. columns, rows: of
 * the terminal; 0: as much as there is. */
void watch_frame(const struct out *o, const json_t *now, const json_t *before, double seconds);
/* Until it is interrupted, or 'q'. interface NULL: all. */
int watch(const char *interface, double seconds, bool json);

/* --- capture.c --- */

struct capture_wish {
    const char *side;          /* "inner", "outer", "all" */
    unsigned packets, snaplen; /* 0: until a signal comes; whole packets */
};

/* Packets of the interface into a file ("-": stdout) as pcapng. */
int capture(const char *interface, const char *file, const struct capture_wish *wish);

/* --- keys.c, files.c --- */

int keys_generate(void);
int keys_public(void);
int keys_preshared(void);
int file_check(const char *file);
int file_strip(const char *file);

#endif
