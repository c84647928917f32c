/* SPDX-License-Identifier: BSD-3-Clause */
#include "keeper_rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <wgtcpd/control/hooks.h>

/* --- what is known --- */

/* Takes the text (NULL: there was no memory for it). */
static int
add(struct config_strings *list, char *text)
{
    char **more;

    if (text == NULL)
        return -ENOMEM;
    if (config_strings_have(list, text)) {
        free(text);
        return 0;
    }
    more = reallocarray(list->items, list->n + 1, sizeof(*more));
    if (more == NULL) {
        free(text);
        return -ENOMEM;
    }
    list->items = more;
    list->items[list->n++] = text;
    return 0;
}

void
keeper_rules_clear(struct keeper_rules *r)
{
    config_strings_clear(&r->commands);
    config_strings_clear(&r->sections);
}

static int
learn_hooks(struct keeper_rules *r, const struct config_strings *hooks)
{
    int rc = 0;

    for (size_t i = 0; i < hooks->n && rc == 0; i++)
        rc = add(&r->commands, hooks_expand(hooks->items[i], r->ifname));
    return rc;
}

/* Name and lines; to be freed. NULL: no memory. */
static char *
section_text(const char *name, const struct config_strings *lines)
{
    size_t len = strlen(name) + 1;
    char *text, *at;

    for (size_t i = 0; i < lines->n; i++)
        len += strlen(lines->items[i]) + 1;
    text = malloc(len);
    if (text == NULL)
        return NULL;
    at = stpcpy(text, name);
    for (size_t i = 0; i < lines->n; i++) {
        *at++ = '\n'; /* in no line */
        at = stpcpy(at, lines->items[i]);
    }
    return text;
}

/* Calls visit for the text of each section; it takes it. Stops at the first that is not 0. */
static int
each_section(const struct config *c, int (*visit)(void *ctx, char *text), void *ctx)
{
    const struct config_port *const ports[] = {c->inner_port, c->ports};
    int rc = visit(ctx, section_text("Interface", &c->lines));

    for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++)
        for (const struct config_port *p = ports[i]; p != NULL && rc == 0; p = p->next)
            rc = visit(ctx, section_text("Port", &p->lines));
    return rc;
}

static int
learn_section(void *ctx, char *text)
{
    struct keeper_rules *r = ctx;

    return add(&r->sections, text);
}

int
keeper_rules_learn(struct keeper_rules *r, const struct config *c)
{
    const struct config_strings *hooks[] = {&c->pre_up, &c->post_up, &c->pre_down, &c->post_down};
    int rc = 0;

    for (size_t i = 0; i < sizeof(hooks) / sizeof(hooks[0]) && rc == 0; i++)
        rc = learn_hooks(r, hooks[i]);
    return rc == 0 ? each_section(c, learn_section, r) : rc;
}

/* --- what is allowed --- */

static bool
is_hook(const struct keeper_rules *r, char *const argv[], size_t n)
{
    return n == 3 && strcmp(argv[0], "sh") == 0 && strcmp(argv[1], "-c") == 0 &&
           config_strings_have(&r->commands, argv[2]);
}

/* The name of our record: the interface's, perhaps behind a prefix and a dot (dns.c). */
static bool
is_our_record(const struct keeper_rules *r, const char *name)
{
    size_t len = strlen(name), own = strlen(r->ifname);

    if (len < own || name[0] == '-' || strcmp(name + len - own, r->ifname) != 0)
        return false;
    return len == own || name[len - own - 1] == '.';
}

static bool
is_resolvconf(const struct keeper_rules *r, char *const argv[], size_t n)
{
    static const char *const options[] = {"-m", "0", "-x"};

    if (n < 3 || strcmp(argv[0], "resolvconf") != 0 || !is_our_record(r, argv[2]))
        return false;
    if (strcmp(argv[1], "-d") == 0)
        return n == 3 || (n == 4 && strcmp(argv[3], "-f") == 0);
    if (strcmp(argv[1], "-a") != 0 || n > 6)
        return false;
    for (size_t i = 3; i < n; i++)
        if (strcmp(argv[i], options[i - 3]) != 0)
            return false;
    return true;
}

bool
keeper_rules_allow_command(const struct keeper_rules *r, char *const argv[], size_t n)
{
    return is_hook(r, argv, n) || is_resolvconf(r, argv, n);
}

static int
check_section(void *ctx, char *text)
{
    const struct keeper_rules *r = ctx;
    int rc = text != NULL && config_strings_have(&r->sections, text) ? 0 : -EPERM;

    free(text);
    return rc;
}

bool
keeper_rules_allow_file(const struct keeper_rules *r, const struct config *c)
{
    /* each_section's ctx is not const for others */
    return each_section(c, check_section, (void *)(uintptr_t)r) == 0;
}
