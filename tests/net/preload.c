/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What an attacker would do who runs code in the daemon: LD_PRELOADed into it, a thread waits until
 * the file WGTCPD_PRELOAD_GO is there, then runs a program in the daemon's place, as shell code
 * does. For t_privilege.sh.
 */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static void *
intrude(void *go)
{
    const struct timespec ms = {.tv_nsec = 10000000};
    char program[] = "/bin/true", *argv[] = {program, NULL};

    while (access(go, F_OK) != 0)
        nanosleep(&ms, NULL);
    execve(program, argv, environ);
    return NULL;
}

__attribute__((constructor)) static void
enter(void)
{
    char *go = getenv("WGTCPD_PRELOAD_GO");
    pthread_t t;

    if (go != NULL)
        pthread_create(&t, NULL, intrude, go);
}
