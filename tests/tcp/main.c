/* SPDX-License-Identifier: BSD-3-Clause */
/* Plays scripts: tcp_scripts [-v] [-n NAME] FILE... */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "script.h"

static struct script script;
static bool verbose;
static const char *only;
static unsigned played, failed;

static void
finish(bool begun)
{
    if (!begun)
        return;
    played++;
    script_end(&script);
    if (verbose)
        script_show(&script, stdout);
    if (!script.failed)
        return;
    failed++;
    printf("FAILED %s:%u: %s: %s\n", script.file, script.line, script.name, script.failure);
}

/* The name of the script that the line begins, or NULL. */
static char *
begins(char *line)
{
    char *name;

    if (strncmp(line, "test ", 5) != 0)
        return NULL;
    name = line + 5 + strspn(line + 5, " \t");
    name[strcspn(name, " \t\n#")] = '\0';
    return name;
}

static bool
play(const char *file)
{
    FILE *f = fopen(file, "r");
    bool begun = false;
    char *line = NULL, *name;
    size_t room = 0;

    if (f == NULL) {
        perror(file);
        return false;
    }
    for (unsigned number = 1; getline(&line, &room, f) >= 0; number++) {
        name = begins(line);
        if (name != NULL) {
            finish(begun);
            begun = only == NULL || strcmp(only, name) == 0;
            if (begun && verbose)
                printf("%s\n", name);
            script_begin(&script, file, name);
        } else if (begun) {
            script_line(&script, number, line);
        }
    }
    finish(begun);
    free(line);
    fclose(f);
    return true;
}

int
main(int argc, char **argv)
{
    for (int c; (c = getopt(argc, argv, "vn:")) != -1;) {
        if (c == 'v')
            verbose = true;
        else if (c == 'n')
            only = optarg;
        else
            return 2;
    }
    for (int i = optind; i < argc; i++)
        if (!play(argv[i]))
            return 2;
    printf("%u scripts played, %u failed\n", played, failed);
    return failed > 0 || played == 0;
}
