/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <wgtcpd/control/local_socket.h>

enum { BACKLOG = 64, KIND = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC };

static const struct sockaddr *
address_of(const struct local_socket *s)
{
    return (const struct sockaddr *)&s->address;
}

static int
try_bind(const struct local_socket *s)
{
    return bind(s->fd, address_of(s), sizeof(s->address)) == 0 ? 0 : -errno;
}

/* Nobody answers at the address, where there is a socket (connect refuses other files alike). */
static bool
is_stale(const struct local_socket *s)
{
    struct stat st;
    bool refused;
    int fd;

    if (lstat(s->address.sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
        return false;
    fd = socket(AF_UNIX, KIND, 0);
    if (fd < 0)
        return false;
    refused = connect(fd, address_of(s), sizeof(s->address)) != 0 && errno == ECONNREFUSED;
    close(fd);
    return refused;
}

static int
bind_or_replace(const struct local_socket *s)
{
    int rc = try_bind(s);

    if (rc != -EADDRINUSE || !is_stale(s))
        return rc;
    if (unlink(s->address.sun_path) != 0 && errno != ENOENT)
        return -errno;
    return try_bind(s);
}

/* The file must never be open to others, not even for a moment: hence the umask, not chmod. */
static int
make_file(const struct local_socket *s, const char *directory)
{
    mode_t before = umask(022);
    int rc = mkdir(directory, 0755) == 0 || errno == EEXIST ? 0 : -errno;

    umask(077);
    if (rc == 0)
        rc = bind_or_replace(s);
    umask(before);
    return rc;
}

static int
remember_file(struct local_socket *s)
{
    struct stat st;

    if (lstat(s->address.sun_path, &st) != 0)
        return -errno;
    s->device = st.st_dev;
    s->inode = st.st_ino;
    return 0;
}

int
local_socket_listen(struct local_socket *s, const char *directory, const char *name)
{
    int len, rc;

    *s = (struct local_socket){.fd = -1, .address.sun_family = AF_UNIX};
    len = snprintf(s->address.sun_path, sizeof(s->address.sun_path), "%s/%s.sock", directory, name);
    if (len < 0 || (size_t)len >= sizeof(s->address.sun_path))
        return -ENAMETOOLONG;
    s->fd = socket(AF_UNIX, KIND, 0);
    if (s->fd < 0)
        return -errno;
    rc = make_file(s, directory);
    if (rc == 0)
        rc = remember_file(s);
    if (rc == 0 && listen(s->fd, BACKLOG) != 0)
        rc = -errno;
    if (rc != 0)
        local_socket_close(s);
    return rc;
}

bool
local_socket_present(const struct local_socket *s)
{
    struct stat st;

    return lstat(s->address.sun_path, &st) == 0 && st.st_dev == s->device && st.st_ino == s->inode;
}

void
local_socket_close(struct local_socket *s)
{
    if (s->fd < 0)
        return;
    if (local_socket_present(s))
        unlink(s->address.sun_path);
    close(s->fd);
    s->fd = -1;
}

static bool
is_trusted(int fd)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
           (peer.uid == 0 || peer.uid == geteuid());
}

int
local_socket_accept(const struct local_socket *s)
{
    /* cppcheck-suppress nullPointer ; accept(2): no address is wanted */
    int fd = accept4(s->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd < 0)
        return -errno;
    if (is_trusted(fd))
        return fd;
    close(fd);
    return -EPERM;
}
