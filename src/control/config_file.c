/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/control/config_file.h>

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <wgtcpd/vault/vault.h>

enum { SIZE_MAX_BYTES = 64 << 20 };

/* Whether it may be read as a configuration; says why not. */
static bool
check_file(const char *path, const struct stat *st, FILE *errors)
{
    if (!S_ISREG(st->st_mode) || st->st_size > SIZE_MAX_BYTES)
        fprintf(errors, "%s is no configuration file: a regular file of at most 64 MiB is wanted\n",
                path);
    else if (st->st_mode & S_IRWXO)
        fprintf(errors,
                "%s holds a private key and is open to everyone (mode %04o): chmod 600 %s\n", path,
                st->st_mode & 07777, path);
    else
        return true;
    return false;
}

/* The whole file (f may be NULL, and is closed), to be freed by vault_free of *size; NULL: errors
 * says why. */
static char *
read_file(FILE *f, const char *path, size_t *len, size_t *size, FILE *errors)
{
    struct stat st;
    char *text = NULL;

    if (f == NULL || fstat(fileno(f), &st) != 0) {
        fprintf(errors, "cannot open %s: %s\n", path, strerror(errno));
    } else if (check_file(path, &st, errors)) {
        setvbuf(f, NULL, _IONBF, 0); /* no second copy of the key */
        *size = (size_t)st.st_size + 1;
        text = vault_alloc(*size);
        *len = text != NULL ? fread(text, 1, (size_t)st.st_size, f) : 0;
        if (text == NULL || ferror(f)) {
            fprintf(errors, "cannot read %s: %s\n", path, strerror(errno));
            vault_free(text, *size);
            text = NULL;
        }
    }
    if (f != NULL)
        fclose(f);
    return text;
}

static struct config *
load(FILE *f, const char *path, FILE *errors)
{
    struct config *c;
    size_t len = 0, size = 0;
    char *text = read_file(f, path, &len, &size, errors);

    if (text == NULL)
        return NULL;
    c = config_parse(path, text, len, errors);
    vault_free(text, size);
    return c;
}

struct config *
config_load(const char *path, FILE *errors)
{
    return load(fopen(path, "re"), path, errors);
}

struct config *
config_load_fd(int fd, const char *path, FILE *errors)
{
    FILE *f = NULL;

    if (fd >= 0)
        f = fdopen(fd, "r");
    else
        errno = -fd;
    return load(f, path, errors);
}

int
config_write(int fd, void (*print)(void *ctx, FILE *to), void *ctx)
{
    FILE *f = fdopen(fd, "w");
    char buffer[BUFSIZ]; /* a key goes through it: it is wiped */
    int rc = 0;

    if (f == NULL) {
        rc = -errno;
        close(fd);
        return rc;
    }
    setvbuf(f, buffer, _IOFBF, sizeof(buffer));
    print(ctx, f);
    if (ferror(f) || fflush(f) != 0 || fsync(fd) != 0)
        rc = errno != 0 ? -errno : -EIO;
    if (fclose(f) != 0 && rc == 0)
        rc = -errno;
    explicit_bzero(buffer, sizeof(buffer));
    return rc;
}

/* Best effort: the name is on the disk when its directory is. */
static void
sync_directory(char *path)
{
    int fd = open(dirname(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return;
    (void)fsync(fd);
    close(fd);
}

int
config_replace(const char *path, void (*print)(void *ctx, FILE *to), void *ctx)
{
    char real[PATH_MAX], temporary[PATH_MAX + 8];
    struct stat st;
    int fd, rc;

    if (realpath(path, real) == NULL || stat(real, &st) != 0)
        return -errno;
    snprintf(temporary, sizeof(temporary), "%s.XXXXXX", real);
    fd = mkostemp(temporary, O_CLOEXEC); /* mode 0600 */
    if (fd < 0)
        return -errno;
    rc = fchown(fd, st.st_uid, st.st_gid) == 0 ? 0 : -errno;
    if (rc == 0)
        rc = config_write(fd, print, ctx);
    else
        close(fd);
    if (rc == 0 && rename(temporary, real) != 0)
        rc = -errno;
    if (rc != 0)
        unlink(temporary);
    else
        sync_directory(real);
    return rc;
}
