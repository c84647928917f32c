/* SPDX-License-Identifier: BSD-3-Clause */
/* `genkey`, `pubkey`, `genpsk`: the same as wg's. */
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <wgtcpd/control/config.h>
#include <wgtcpd/noise/noise.h>

#include "ctl.h"

enum { KEY_TEXT_SIZE = 45 };

static void
warn_if_readable(void)
{
    struct stat st;

    if (fstat(STDOUT_FILENO, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & S_IRWXO) != 0)
        fputs("Warning: writing to world accessible file.\nConsider setting the umask to 077 and "
              "trying again.\n",
              stderr);
}

static int
print_key(const uint8_t key[CONFIG_KEY_LEN])
{
    char text[KEY_TEXT_SIZE];
    int rc;

    config_key_format(text, key);
    rc = puts(text) < 0 || fflush(stdout) != 0 ? ctl_fail("cannot write: %s", strerror(errno))
                                               : CTL_OK;
    explicit_bzero(text, sizeof(text));
    return rc;
}

static int
generate(bool clamp)
{
    uint8_t key[CONFIG_KEY_LEN];
    int rc;

    warn_if_readable();
    if (getrandom(key, sizeof(key), 0) != (ssize_t)sizeof(key))
        return ctl_fail("no random bytes: %s", strerror(errno));
    if (clamp)
        noise_clamp(key);
    setvbuf(stdout, NULL, _IONBF, 0); /* no second copy of the key */
    rc = print_key(key);
    explicit_bzero(key, sizeof(key));
    return rc;
}

int
keys_generate(void)
{
    return generate(true);
}

int
keys_preshared(void)
{
    return generate(false);
}

/* The key on stdin, white space around it allowed. */
static bool
read_key(uint8_t key[CONFIG_KEY_LEN])
{
    char text[KEY_TEXT_SIZE + 16], *begin = text;
    size_t len;
    bool good;

    setvbuf(stdin, NULL, _IONBF, 0);
    len = fread(text, 1, sizeof(text) - 1, stdin);
    text[len] = '\0';
    begin += strspn(begin, " \t\r\n");
    begin[strcspn(begin, " \t\r\n")] = '\0';
    good = len < sizeof(text) - 1 && config_key_parse(key, begin);
    explicit_bzero(text, sizeof(text));
    return good;
}

int
keys_public(void)
{
    uint8_t private_key[CONFIG_KEY_LEN], public_key[CONFIG_KEY_LEN];
    bool good = read_key(private_key);

    if (!good)
        return ctl_fail("no private key on stdin: 44 characters of base64, as genkey makes them");
    noise_public_key(public_key, private_key);
    explicit_bzero(private_key, sizeof(private_key));
    return print_key(public_key);
}
