/* SPDX-License-Identifier: BSD-3-Clause */
/* wgtcpctl: looks at running daemons and steers them. */
#include <stdlib.h>
#include <string.h>

#include "ctl.h"

enum { SECONDS_MIN_MS = 100, SECONDS_MAX = 3600, ARGUMENTS_MAX = 2 };

struct arguments {
    const char *words[ARGUMENTS_MAX];
    unsigned n;
    bool json, watch;
    double seconds;
    struct capture_wish wish;
};

struct command {
    const char *name, *usage, *help;
    unsigned min, max; /* words */
    bool takes_json, takes_watch, takes_wish;
    int (*run)(const struct arguments *a);
};

/* The one that is named, or NULL: all. */
static const char *
interface_of(const struct arguments *a)
{
    return a->n == 0 || strcmp(a->words[0], "all") == 0 ? NULL : a->words[0];
}

static void
print_json(const json_t *o)
{
    json_dumpf(o, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
    putchar('\n');
}

/* --- commands that ask ---------------------------------------------------------------------------
 */

/* What becomes of one daemon's report. */
typedef void print_report(const struct out *o, const json_t *report);
typedef json_t *take_part(const json_t *report);

static json_t *
whole(const json_t *report)
{
    return json_incref((json_t *)(uintptr_t)report);
}

/* As JSON: one object for the interface that was named, an array for all. */
static int
report(const struct arguments *a, take_part *part, print_report *print)
{
    const char *named = interface_of(a);
    struct names names = {NULL, 0};
    struct out o = out_of(stdout);
    json_t *all = json_array(), *one;
    int rc = CTL_OK;

    if (named == NULL)
        names_list(&names);
    for (size_t i = 0; i < (named != NULL ? 1 : names.n); i++) {
        one = ask(named != NULL ? named : names.items[i], "show", NULL);
        if (one == NULL) {
            rc = CTL_FAILED;
            continue;
        }
        if (!a->json && json_array_size(all) > 0)
            putchar('\n');
        if (!a->json)
            print(&o, one);
        json_array_append_new(all, part(one));
        json_decref(one);
    }
    names_free(&names);
    if (a->json && (named == NULL || rc == CTL_OK))
        print_json(named == NULL ? all : json_array_get(all, 0));
    json_decref(all);
    return rc;
}

static int
run_show(const struct arguments *a)
{
    return a->watch ? watch(interface_of(a), a->seconds, a->json) : report(a, whole, show_print);
}

static int
run_drops(const struct arguments *a)
{
    return report(a, drops_of, drops_print);
}

static int
run_diagnose(const struct arguments *a)
{
    struct out o = out_of(stdout);
    json_t *answer = ask(a->words[0], "diagnose", a->n > 1 ? a->words[1] : NULL);
    bool found;

    if (answer == NULL)
        return CTL_FAILED;
    found = diagnosis_has_error(answer);
    if (a->json)
        print_json(answer);
    else
        diagnosis_print(&o, answer);
    json_decref(answer);
    return found ? CTL_FOUND : CTL_OK;
}

static int
request(const char *interface, const char *what)
{
    json_t *answer = ask(interface, what, NULL), *note;
    size_t i;

    if (answer == NULL)
        return CTL_FAILED;
    json_array_foreach(part_of(answer, "notes"), i, note)
        fprintf(stderr, "wgtcpctl: %s\n", json_string_value(note));
    json_decref(answer);
    return CTL_OK;
}

static int
run_reload(const struct arguments *a)
{
    return request(a->words[0], "reload");
}

static int
run_save(const struct arguments *a)
{
    return request(a->words[0], "save");
}

static int
run_capture(const struct arguments *a)
{
    return capture(a->words[0], a->n > 1 ? a->words[1] : "-", &a->wish);
}

static int
run_interfaces(const struct arguments *a)
{
    struct names names;

    (void)a;
    names_list(&names);
    for (size_t i = 0; i < names.n; i++)
        puts(names.items[i]);
    names_free(&names);
    return CTL_OK;
}

/* --- commands that need no daemon ----------------------------------------------------------------
 */

static int
run_check(const struct arguments *a)
{
    return file_check(a->words[0]);
}

static int
run_strip(const struct arguments *a)
{
    return file_strip(a->words[0]);
}

static int
run_genkey(const struct arguments *a)
{
    (void)a;
    return keys_generate();
}

static int
run_pubkey(const struct arguments *a)
{
    (void)a;
    return keys_public();
}

static int
run_genpsk(const struct arguments *a)
{
    (void)a;
    return keys_preshared();
}

static int run_help(const struct arguments *a);

static const struct command commands[] = {
    {"show", "[INTERFACE|all] [--json] [--watch [SECONDS]]",
     "the interface, its peers and how they do; --watch: again and again", 0, 1, true, true, false,
     run_show},
    {"drops", "[INTERFACE|all] [--json]", "what was dropped, and why", 0, 1, true, false, false,
     run_drops},
    {"diagnose", "INTERFACE [KEY|ADDRESS] [--json]",
     "what is wrong with a peer (its key, or the first characters of it, or an inner address), "
     "and what to do",
     1, 2, true, false, false, run_diagnose},
    {"reload", "INTERFACE", "read the configuration file again; undisturbed peers notice nothing",
     1, 1, false, false, false, run_reload},
    {"save", "INTERFACE", "write the present peers into the configuration file", 1, 1, false, false,
     false, run_save},
    {"capture", "INTERFACE [FILE|-] [--inner|--outer] [--count N] [--snaplen BYTES]",
     "packets as they come, into a file for tcpdump and Wireshark; --inner: those inside the "
     "tunnel, "
     "--outer: those on the wire; until ^C, or N packets",
     1, 2, false, false, true, run_capture},
    {"interfaces", "", "the names of the interfaces that run", 0, 0, false, false, false,
     run_interfaces},
    {"check", "FILE|INTERFACE", "check a configuration", 1, 1, false, false, false, run_check},
    {"strip", "FILE|INTERFACE", "print the part of a configuration that `wg` reads", 1, 1, false,
     false, false, run_strip},
    {"genkey", "", "print a new private key", 0, 0, false, false, false, run_genkey},
    {"pubkey", "", "print the public key of the private key on stdin", 0, 0, false, false, false,
     run_pubkey},
    {"genpsk", "", "print a new preshared key", 0, 0, false, false, false, run_genpsk},
    {"help", "[COMMAND]", "this text", 0, 1, false, false, false, run_help},
};
enum { N_COMMANDS = sizeof(commands) / sizeof(commands[0]) };

/* --- the command line ----------------------------------------------------------------------------
 */

static void
print_usage(FILE *to, const struct command *c)
{
    fprintf(to, "  wgtcpctl %s%s%s\n        %s\n", c->name, *c->usage != '\0' ? " " : "", c->usage,
            c->help);
}

static void
print_help(FILE *to)
{
    fputs("usage: wgtcpctl COMMAND [ARGUMENT...]\n\n", to);
    for (unsigned i = 0; i < N_COMMANDS; i++)
        print_usage(to, &commands[i]);
    fputs("\nWithout a command: show. Colours on terminals only; NO_COLOR=1 turns them off.\n"
          "Exit codes: 0 done, 1 it could not be done, 2 wrong command line or configuration,\n"
          "3 diagnose has found a mistake.\n",
          to);
}

static const struct command *
find_command(const char *name)
{
    for (unsigned i = 0; i < N_COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    fprintf(stderr, "wgtcpctl: there is no command '%s'. Try 'wgtcpctl --help'.\n", name);
    return NULL;
}

static int
run_help(const struct arguments *a)
{
    const struct command *c = a->n > 0 ? find_command(a->words[0]) : NULL;

    if (a->n > 0 && c == NULL)
        return CTL_USAGE;
    if (c != NULL)
        print_usage(stdout, c);
    else
        print_help(stdout);
    return CTL_OK;
}

static int
misuse(const struct command *c, const char *what, const char *word)
{
    fprintf(stderr, "wgtcpctl %s: %s%s%s%s\n", c->name, what, word != NULL ? " '" : "",
            word != NULL ? word : "", word != NULL ? "'" : "");
    fprintf(stderr, "usage: wgtcpctl %s%s%s\n", c->name, *c->usage != '\0' ? " " : "", c->usage);
    return CTL_USAGE;
}

static bool
take_seconds(struct arguments *a, const char *text)
{
    char *end;
    double seconds = strtod(text, &end);

    if (end == text || *end != '\0' || !(seconds * 1000 >= SECONDS_MIN_MS) || seconds > SECONDS_MAX)
        return false;
    a->seconds = seconds;
    return true;
}

/* --watch, --watch 2, --watch=2 */
static bool
is_watch(struct arguments *a, const char *word, const char *next, int *used)
{
    if (strcmp(word, "--watch") == 0) {
        if (next != NULL && take_seconds(a, next))
            *used = 2;
        a->watch = true;
    } else if (strncmp(word, "--watch=", 8) == 0) {
        a->watch = take_seconds(a, word + 8);
    }
    return a->watch;
}

/* A number from 1 on. */
static bool
take_number(unsigned *to, const char *text)
{
    char *end;
    unsigned long n = text != NULL && *text >= '0' && *text <= '9' ? strtoul(text, &end, 10) : 0;

    if (n == 0 || n > UINT32_MAX || *end != '\0')
        return false;
    *to = (unsigned)n;
    return true;
}

/* How many words it took; 0: it is none of these; -1: its number is none. */
static int
take_wish(struct capture_wish *w, const char *option, const char *next)
{
    if (strcmp(option, "--count") == 0)
        return take_number(&w->packets, next) ? 2 : -1;
    if (strcmp(option, "--snaplen") == 0)
        return take_number(&w->snaplen, next) ? 2 : -1;
    if (strcmp(option, "--inner") != 0 && strcmp(option, "--outer") != 0)
        return 0;
    w->side = option + 2;
    return 1;
}

static int
run_command(const struct command *c, int argc, char **argv)
{
    struct arguments a = {.seconds = 1, .wish.side = "all"};
    int used, wished;

    for (int i = 0; i < argc; i += used) {
        const char *next = i + 1 < argc ? argv[i + 1] : NULL;

        used = 1;
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            print_usage(stdout, c);
            return CTL_OK;
        }
        if (c->takes_json && strcmp(argv[i], "--json") == 0)
            a.json = true;
        else if (c->takes_watch && strncmp(argv[i], "--watch", 7) == 0) {
            if (!is_watch(&a, argv[i], next, &used))
                return misuse(c, "--watch takes 0.1 to 3600 seconds, not", argv[i]);
        } else if (c->takes_wish && (wished = take_wish(&a.wish, argv[i], next)) != 0) {
            if (wished < 0)
                return misuse(c, "a number from 1 on belongs behind", argv[i]);
            used = wished;
        } else if (argv[i][0] == '-' && argv[i][1] != '\0') {
            return misuse(c, "there is no option", argv[i]);
        } else if (a.n == c->max) {
            return misuse(c, "one word too many:", argv[i]);
        } else {
            a.words[a.n++] = argv[i];
        }
    }
    return a.n < c->min ? misuse(c, "something is missing", NULL) : c->run(&a);
}

int
main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "show";
    const struct command *c;

    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        name = "help";
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
        puts("wgtcpctl " WGTCPD_VERSION);
        return CTL_OK;
    }
    c = find_command(name);
    return c != NULL ? run_command(c, argc > 2 ? argc - 2 : 0, argv + 2) : CTL_USAGE;
}
