/* SPDX-License-Identifier: BSD-3-Clause */
#include "jobs.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

void *
jobs_shared(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED)
        abort();
    return p;
}

bool
jobs_run(unsigned jobs, bool (*work)(void *ctx, unsigned job), void *ctx)
{
    bool good = true;
    int status;

    if (jobs <= 1)
        return work(ctx, 0);
    fflush(NULL);
    for (unsigned job = 0; job < jobs; job++) {
        pid_t pid = fork();

        if (pid < 0)
            return false;
        if (pid == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            good = work(ctx, job);
            fflush(NULL);
            _exit(good ? 0 : 1);
        }
    }
    for (unsigned job = 0; job < jobs; job++) {
        pid_t pid = wait(&status);

        if (pid >= 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
            continue;
        good = false;
        if (pid >= 0 && WIFSIGNALED(status))
            fprintf(stderr, "a process ended by signal %d\n", WTERMSIG(status));
    }
    return good;
}
