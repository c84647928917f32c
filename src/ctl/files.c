/* SPDX-License-Identifier: BSD-3-Clause */
/* `check` and `strip`: configuration files. */
#include <limits.h>
#include <string.h>

#include <wgtcpd/control/config_file.h>

#include "ctl.h"

/* As wg-quick has it: a name alone is that interface's file. */
static const char *
path_of(const char *file, char path[PATH_MAX])
{
    size_t len = strlen(file);

    if (strchr(file, '/') != NULL || (len > 5 && strcmp(file + len - 5, ".conf") == 0))
        return file;
    snprintf(path, PATH_MAX, "/etc/wireguard/%.64s.conf", file);
    return path;
}

int
file_check(const char *file)
{
    char path[PATH_MAX];
    struct config *c = config_load(path_of(file, path), stderr);

    if (c == NULL)
        return CTL_USAGE;
    printf("%s: ok\n", path_of(file, path));
    config_free(c);
    return CTL_OK;
}

static void
print_key(const char *name, const uint8_t key[CONFIG_KEY_LEN])
{
    char text[45];

    config_key_format(text, key);
    printf("%s = %s\n", name, text);
    explicit_bzero(text, sizeof(text));
}

static void
strip_interface(const struct config *c)
{
    puts("[Interface]");
    if (c->has_private_key)
        print_key("PrivateKey", c->private_key);
    if (c->listen_port != 0)
        printf("ListenPort = %u\n", c->listen_port);
    if (c->fwmark != 0)
        printf("FwMark = 0x%x\n", c->fwmark);
}

static void
strip_peer(const struct config_peer *p)
{
    char text[IP_TEXT_MAX];
    bool v6 = p->endpoint.host != NULL && strchr(p->endpoint.host, ':') != NULL;

    puts("\n[Peer]");
    print_key("PublicKey", p->public_key);
    if (p->preshared_key != NULL)
        print_key("PresharedKey", p->preshared_key);
    for (size_t i = 0; i < p->n_allowed_ips; i++)
        printf("AllowedIPs = %s\n", ip_prefix_format(text, &p->allowed_ips[i]));
    if (p->endpoint.host != NULL)
        printf(v6 ? "Endpoint = [%s]:%u\n" : "Endpoint = %s:%u\n", p->endpoint.host,
               p->endpoint.port);
    if (p->persistent_keepalive != 0)
        printf("PersistentKeepalive = %u\n", p->persistent_keepalive);
}

/* What `wg setconf` and `wg syncconf` read. */
int
file_strip(const char *file)
{
    char path[PATH_MAX];
    struct config *c = config_load(path_of(file, path), stderr);

    if (c == NULL)
        return CTL_USAGE;
    setvbuf(stdout, NULL, _IOLBF, 0);
    strip_interface(c);
    for (const struct config_peer *p = c->peers; p != NULL; p = p->next)
        strip_peer(p);
    config_free(c);
    return CTL_OK;
}
