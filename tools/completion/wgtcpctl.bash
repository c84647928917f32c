# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# Completion of wgtcpctl's command line, for bash. Interfaces and peers are those that run.

_wgtcpctl_files() {
    compopt -o filenames 2>/dev/null
    compgen -d -- "$1"
    compgen -f -X '!*.conf' -- "$1"
    # By name, those where wgtcpctl looks for them.
    local file names=()
    for file in /etc/wireguard/*.conf; do
        [ ! -e "$file" ] || names+=("$(basename "$file" .conf)")
    done
    compgen -W "${names[*]}" -- "$1"
}

# What may stand as word number $3 (1: the first) behind the command $2; $1 is how wgtcpctl was called.
_wgtcpctl_words() {
    case $2-$3 in
    show-1 | drops-1) echo "$("$1" interfaces 2>/dev/null) all" ;;
    diagnose-1 | reload-1 | save-1 | capture-1) "$1" interfaces 2>/dev/null ;;
    diagnose-2) wg show "$4" peers 2>/dev/null ;;
    help-1) echo "$5" ;;
    esac
}

_wgtcpctl_options() {
    case $1 in
    show) echo --json --watch --help ;;
    drops | diagnose) echo --json --help ;;
    capture) echo --inner --outer --count --snaplen --help ;;
    *) echo --help ;;
    esac
}

_wgtcpctl() {
    local program=$1 word=$2 command=${COMP_WORDS[1]} interface='' place=1 i
    local commands='show drops diagnose capture reload save interfaces check strip genkey pubkey genpsk help'
    if [ "$COMP_CWORD" -eq 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W "$commands --help --version" -- "$word")
        return
    fi
    for ((i = 2; i < COMP_CWORD; i++)); do
        [[ ${COMP_WORDS[i]} != -* ]] || continue
        [ "$place" -ne 1 ] || interface=${COMP_WORDS[i]}
        place=$((place + 1))
    done
    if [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_wgtcpctl_options "$command")" -- "$word")
    elif [[ $command == check || $command == strip ]] && [ "$place" -eq 1 ]; then
        mapfile -t COMPREPLY < <(_wgtcpctl_files "$word")
    else
        mapfile -t COMPREPLY < <(
            compgen -W "$(_wgtcpctl_words "$program" "$command" "$place" "$interface" "$commands")" -- "$word"
        )
    fi
}

complete -F _wgtcpctl wgtcpctl
