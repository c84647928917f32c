/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/control/config_file.h>

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whether it may be read as a configuration; says why not. */
static bool
check_file(const char *path, const struct stat *st, FILE *errors)
{
    if (!S_ISREG(st->st_mode) || st->st_size > CONFIG_FILE_MAX)
        fprintf(errors, "%s is no configuration file: a regular file of at most 1 GiB is wanted\n",
                path);
    else if (st->st_mode & S_IRWXO)
        fprintf(errors,
                "%s holds a private key and is open to everyone (mode %04o): chmod 600 %s\n", path,
                st->st_mode & 07777, path);
    else
        return true;
    return false;
}

/* A file that is being read. */
struct source {
    FILE *f;
    size_t left; /* of it: what is added meanwhile is not read */
};

static size_t
read_some(void *ctx, char *buf, size_t size)
{
    struct source *s = ctx;
    size_t n = fread(buf, 1, size < s->left ? size : s->left, s->f);

    s->left -= n;
    return n;
}

static struct config *
read_file(FILE *f, const char *path, FILE *errors)
{
    struct source s = {.f = f};
    struct config *c;
    struct stat st;

    if (fstat(fileno(f), &st) != 0) {
        fprintf(errors, "cannot open %s: %s\n", path, strerror(errno));
        return NULL;
    }
    if (!check_file(path, &st, errors))
        return NULL;
    setvbuf(f, NULL, _IONBF, 0); /* no second copy of the key */
    s.left = (size_t)st.st_size;
    c = config_parse_from(path, read_some, &s, errors);
    if (!ferror(f))
        return c;
    fprintf(errors, "cannot read %s: %s\n", path, strerror(errno));
    config_free(c);
    return NULL;
}

/* f may be NULL, and is closed. */
static struct config *
load(FILE *f, const char *path, FILE *errors)
{
    struct config *c;

    if (f == NULL) {
        fprintf(errors, "cannot open %s: %s\n", path, strerror(errno));
        return NULL;
    }
    c = read_file(f, path, errors);
    fclose(f);
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
