# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# Completion of wgtcpd's command line, for bash.

_wgtcpd() {
    local word=$2 before=$3
    case $before in
    -c | --config)
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -d -- "$word"; compgen -f -X '!*.conf' -- "$word")
        ;;
    *)
        mapfile -t COMPREPLY < <(compgen -W '-c -v -h -V --config --check --verbose --help --version' -- "$word")
        ;;
    esac
}

complete -F _wgtcpd wgtcpd
