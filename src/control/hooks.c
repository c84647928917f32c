/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/control/hooks.h>

#include <stdlib.h>
#include <string.h>

#include <wgtcpd/control/child.h>
#include <wgtcpd/control/log.h>

char *
hooks_expand(const char *command, const char *ifname)
{
    size_t n = strlen(command), name_len = strlen(ifname), room = n * (name_len + 1) + 1;
    char *out = malloc(room), *to = out;

    if (out == NULL)
        return NULL;
    for (const char *p = command; *p != '\0';) {
        if (p[0] == '%' && p[1] == 'i') {
            to = stpcpy(to, ifname);
            p += 2;
        } else {
            *to++ = *p++;
        }
    }
    *to = '\0';
    return out;
}

static int
run(char *command, void (*meanwhile)(void *ctx), void *ctx)
{
    char sh[] = "sh", c[] = "-c";
    char *const argv[] = {sh, c, command, NULL};
    int rc;

    log_info("[#] %s", command);
    rc = child_run(argv, NULL, meanwhile, ctx);
    if (rc <= 0)
        return rc;
    log_error("hook failed (%s %d): %s", rc < 128 ? "exit code" : "signal",
              rc < 128 ? rc : rc - 128, command);
    return -1;
}

int
hooks_run(const struct config_strings *commands, const char *ifname, void (*meanwhile)(void *ctx),
          void *ctx)
{
    for (size_t i = 0; i < commands->n; i++) {
        char *command = hooks_expand(commands->items[i], ifname);
        int rc = command != NULL ? run(command, meanwhile, ctx) : -1;

        free(command);
        if (rc != 0)
            return rc;
    }
    return 0;
}
