/* SPDX-License-Identifier: BSD-3-Clause */
/* wgtcpd: command line, configuration file, exit codes. */
#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

#include <rte_version.h>

#include <wgtcpd/control/config_file.h>
#include <wgtcpd/control/keeper.h>
#include <wgtcpd/control/log.h>
#include <wgtcpd/control/node.h>
#include <wgtcpd/control/notify.h>
#include <wgtcpd/control/privilege.h>
#include <wgtcpd/noise/noise.h>

/* 0: clean end; 1: it did not start or did not end well; 2: command line or configuration is wrong.
 */
enum { EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct options {
    const char *config;
    bool check, verbose;
};

static void
print_help(FILE *to)
{
    fputs("usage: wgtcpd -c FILE [--check] [-v]\n"
          "\n"
          "Runs a WireGuard tunnel over UDP or real TCP on DPDK ports, in the foreground.\n"
          "\n"
          "  -c, --config FILE  configuration; its name without .conf names the interface\n"
          "      --check        check the configuration and exit\n"
          "  -v, --verbose      say all, whatever LogLevel is; DPDK's messages too\n"
          "  -h, --help         this text\n"
          "  -V, --version      version and build\n"
          "\n"
          "Signals: TERM, INT end it cleanly; HUP reloads the configuration; USR1 writes peers,\n"
          "connections and counters to stderr.\n"
          "Exit codes: 0 clean end, 1 failure while starting or running, 2 wrong command line or\n"
          "configuration.\n",
          to);
}

static int
print_version(void)
{
    char error[128];

    if (noise_crypto_init(error, sizeof(error)) != 0) {
        log_error("%s", error);
        return EXIT_FAILED;
    }
    printf("wgtcpd %s (%s, aead %s)\n", WGTCPD_VERSION, rte_version(), noise_aead_name());
    return 0;
}

/* Returns -1 to go on, or the exit code. */
static int
parse_options(int argc, char **argv, struct options *o)
{
    enum { OPT_CHECK = 256 };
    static const struct option long_options[] = {
        {"config", required_argument, NULL, 'c'}, {"check", no_argument, NULL, OPT_CHECK},
        {"verbose", no_argument, NULL, 'v'},      {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},      {NULL, 0, NULL, 0},
    };

    for (int opt; (opt = getopt_long(argc, argv, "c:vhV", long_options, NULL)) != -1;) {
        switch (opt) {
        case 'c':
            o->config = optarg;
            break;
        case OPT_CHECK:
            o->check = true;
            break;
        case 'v':
            o->verbose = true;
            break;
        case 'h':
            print_help(stdout);
            return 0;
        case 'V':
            return print_version();
        default:
            fputs("Try 'wgtcpd --help'.\n", stderr);
            return EXIT_USAGE;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "wgtcpd: unexpected argument '%s'. Try 'wgtcpd --help'.\n", argv[optind]);
        return EXIT_USAGE;
    }
    if (o->config == NULL) {
        fputs("wgtcpd: no configuration: give one with -c FILE. Try 'wgtcpd --help'.\n", stderr);
        return EXIT_USAGE;
    }
    return -1;
}

int
main(int argc, char **argv)
{
    struct options o = {.config = NULL};
    int rc = parse_options(argc, argv, &o);
    struct config *c;
    char error[128];

    if (rc >= 0)
        return rc;
    log_init(o.verbose ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
    notify_init();
    privilege_no_dumps();
    privilege_lock_memory();
    c = config_load(o.config, stderr);
    if (c == NULL)
        return EXIT_USAGE;
    if (o.check) {
        printf("%s: ok\n", o.config);
        config_free(c);
        return 0;
    }
    if (!o.verbose)
        log_set_level(c->log_level);
    if (geteuid() != 0)
        log_warning("not running as root: creating interfaces needs CAP_NET_ADMIN");
    if (noise_crypto_init(error, sizeof(error)) != 0) {
        log_error("%s", error);
        rc = EXIT_FAILED;
    } else if ((rc = keeper_start(c, o.config)) != 0) {
        log_error("cannot start the process that runs hooks: %s", strerror(-rc));
        rc = EXIT_FAILED;
    } else {
        rc = node_run(c, o.config, o.verbose);
        keeper_stop();
    }
    config_free(c);
    return rc;
}
