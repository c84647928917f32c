/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/control/key_log.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <wgtcpd/control/config.h>

int
key_log_open(const char *path)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
    struct stat st;

    if (fd < 0)
        return -1;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() && st.st_nlink == 1 &&
        (st.st_mode & (S_IRWXG | S_IRWXO)) == 0)
        return fd;
    close(fd);
    errno = EPERM;
    return -1;
}

/* The order is Wireshark's: an ephemeral key belongs to the static keys last named, a preshared key
 * to the ephemeral one before it. */
bool
key_log_write(int fd, const struct noise_local *local, const struct noise_remote *remote,
              const uint8_t ephemeral_private[NOISE_KEY_LEN])
{
    const struct {
        const char *name;
        const uint8_t *key;
    } lines[] = {
        {"LOCAL_STATIC_PRIVATE_KEY", local->private_key},
        {"REMOTE_STATIC_PUBLIC_KEY", remote->public_key},
        {"LOCAL_EPHEMERAL_PRIVATE_KEY", ephemeral_private},
        {"PRESHARED_KEY", remote->preshared_key},
    };
    char text[512], key[45];
    size_t len = 0;
    ssize_t written;

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        config_key_format(key, lines[i].key);
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s = %s\n", lines[i].name, key);
    }
    written = write(fd, text, len);
    noise_wipe(text, sizeof(text));
    noise_wipe(key, sizeof(key));
    return written == (ssize_t)len;
}
