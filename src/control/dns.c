/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/control/dns.h>

#include <stdlib.h>
#include <string.h>

#include <wgtcpd/control/child.h>
#include <wgtcpd/control/log.h>

enum { PREFIX_MAX = 32, RECORD_MAX = PREFIX_MAX + 1 + CONFIG_IFNAME_MAX + 1 };

void
dns_format(const struct config_strings *dns, FILE *to)
{
    const char *before = "search ";
    struct ip_addr a;

    for (size_t i = 0; i < dns->n; i++)
        if (ip_addr_parse(&a, dns->items[i]))
            fprintf(to, "nameserver %s\n", dns->items[i]);
    for (size_t i = 0; i < dns->n; i++)
        if (!ip_addr_parse(&a, dns->items[i])) {
            fprintf(to, "%s%s", before, dns->items[i]);
            before = " ";
        }
    if (before[1] == '\0')
        fputc('\n', to);
}

/*
 * What resolvconf calls us. Debian's orders records by names, the first pattern of this file
 * ("lo.inet*", "tun*", ...) that is a word and a star being the place of tunnels.
 */
static void
record_name(char name[RECORD_MAX], const char *ifname)
{
    FILE *f = fopen("/etc/resolvconf/interface-order", "re");
    char line[128], prefix[PREFIX_MAX + 1];
    int end;

    snprintf(name, RECORD_MAX, "%s", ifname);
    if (f == NULL)
        return;
    while (fgets(line, sizeof(line), f) != NULL) {
        end = 0;
        if (sscanf(line, "%32[A-Za-z0-9-]*%n", prefix, &end) == 1 && end > 0 &&
            strspn(line + end, " \t\r\n") == strlen(line + end)) {
            snprintf(name, RECORD_MAX, "%s.%s", prefix, ifname);
            break;
        }
    }
    fclose(f);
}

static char *
format(const struct config_strings *dns)
{
    char *text = NULL;
    size_t len;
    FILE *f = open_memstream(&text, &len);

    if (f == NULL)
        return NULL;
    dns_format(dns, f);
    if (fclose(f) == 0)
        return text;
    free(text);
    return NULL;
}

static bool
run_resolvconf(char *const argv[], const char *input, void (*meanwhile)(void *ctx), void *ctx)
{
    int rc = child_run(argv, input, meanwhile, ctx);

    if (rc == CHILD_NOT_FOUND)
        log_warning("DNS is not set up: there is no resolvconf (install openresolv, or resolvectl "
                    "under that name), or set it up in PostUp");
    else if (rc != 0)
        log_warning("DNS is not set up: resolvconf ended with %d", rc);
    return rc == 0;
}

bool
dns_set(const char *ifname, const struct config_strings *dns, void (*meanwhile)(void *ctx),
        void *ctx)
{
    char name[RECORD_MAX], program[] = "resolvconf", add[] = "-a", metric[] = "-m", zero[] = "0",
                           exclusive[] = "-x";
    char *const argv[] = {program, add, name, metric, zero, exclusive, NULL};
    char *text;
    bool set;

    if (dns->n == 0)
        return false;
    record_name(name, ifname);
    text = format(dns);
    if (text == NULL) {
        log_warning("DNS is not set up: out of memory");
        return false;
    }
    log_info("[#] resolvconf -a %s -m 0 -x", name);
    set = run_resolvconf(argv, text, meanwhile, ctx);
    free(text);
    return set;
}

void
dns_unset(const char *ifname, void (*meanwhile)(void *ctx), void *ctx)
{
    char name[RECORD_MAX], program[] = "resolvconf", delete[] = "-d", force[] = "-f";
    char *const argv[] = {program, delete, name, force, NULL};
    int rc;

    record_name(name, ifname);
    log_info("[#] resolvconf -d %s -f", name);
    rc = child_run(argv, NULL, meanwhile, ctx);
    if (rc != 0)
        log_warning("DNS is not taken back: resolvconf ended with %d", rc);
}
