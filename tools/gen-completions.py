#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes the completions of bash, zsh and fish from the table of `fwctl help --json`: gen-completions.py FWCTL FOLDER

A command or option that is new in that table is completed without a change here, as long as it takes what others take.
"""
import json
import os
import subprocess
import sys

# What an option's argument is completed with: the word in the table -> a kind.
OPTION_KINDS = {"NAME": "netns", "GROUP": "groups", "TIME": "times"}
# The same for what a command takes, by the first of these words in its usage.
ARGUMENT_KINDS = [("POLICY", "policy"), ("WORD", "services"), ("COMMAND", "commands")]
SHORT = {"write": "w", "help": "h", "version": "v"}
TIMES = "10m 1h 12h 1d 1w"
HEAD = """{comment} SPDX-License-Identifier: GPL-2.0-or-later
{comment} Completion of fwctl for {shell}. Made by tools/gen-completions.py (make completions): change that.
"""


def argument_kind(command):
    words = command["arguments"].replace("[", " ").replace("]", " ").split()
    if "ADDR" in words:
        return "members" if command["name"] == "unban" else "none"
    for word, kind in ARGUMENT_KINDS:
        if word in words:
            return kind
    return "none"


def option_kind(option):
    argument = option["argument"]
    if argument is None:
        return None
    # N or LINE is a name for what a person thinks of
    return OPTION_KINDS[argument] if argument in OPTION_KINDS else "words " + " ".join(word for word in argument.split("|") if not word.isupper())


def spellings(option):
    """As a person may write it, long first."""
    return ["--" + option["name"]] + (["-" + SHORT[option["name"]]] if option["name"] in SHORT else [])


# bash ---------------------------------------------------------------------------------------------------------------------------------

BASH = r"""
# Members and names that only the running policy knows; nothing where it may not be asked.
_fwctl_ask() {
	"${_fwctl_program:-fwctl}" "${_fwctl_netns[@]}" --json "$@" 2>/dev/null
}

_fwctl_words() {
	local policy=${_fwctl_policy:-/etc/fwctl/policy.conf}
	case $1 in
	commands) printf '%s\n' @COMMANDS@ ;;
	netns) [[ -d /run/netns ]] && ls -1 /run/netns ;;
	times) printf '%s\n' @TIMES@ ;;
	services) _fwctl_ask services | sed -n 's/^ *"name": "\([^"]*\)",\{0,1\}$/\1/p' ;;
	members) _fwctl_ask bans | sed -n 's/^ *"address": "\([^"]*\)",\{0,1\}$/\1/p' ;;
	groups)
		_fwctl_ask bans | sed -n 's/^ *"group": "\([^"]*\)",\{0,1\}$/\1/p'
		[[ -r $policy ]] && sed -n 's/^[[:space:]]*group[[:space:]]*\([A-Za-z_][A-Za-z0-9_.+-]*\)[[:space:]]*=[[:space:]]*dynamic.*/\1/p' "$policy"
		;;
	words) shift && printf '%s\n' "$@" ;;
	esac
}

# What an option takes, or nothing where it takes none.
_fwctl_option_kind() {
	case $1 in
@OPTION_KINDS@
	esac
}

_fwctl_argument_kind() {
	case $1 in
@ARGUMENT_KINDS@
	esac
}

_fwctl_options() {
	printf '%s\n' @GLOBAL_OPTIONS@
	case $1 in
@COMMAND_OPTIONS@
	esac
}

_fwctl_files() {
	compopt -o filenames 2>/dev/null
	mapfile -t COMPREPLY < <(compgen -f -X '!*.conf' -- "$1"; compgen -d -- "$1")
	((${#COMPREPLY[@]})) || mapfile -t COMPREPLY < <(compgen -f -- "$1")
}

# The word that is being written is taken from the line: the shell cuts words at `:` and `=`, and addresses have the one, options the other.
_fwctl() {
	local line=${COMP_LINE:0:COMP_POINT} cur=${COMP_WORDS[COMP_CWORD]} word='' command='' kind='' previous='' item
	local -a words _fwctl_netns=()
	COMPREPLY=()
	read -ra words <<<"$line"
	[[ $line != *[[:space:]] ]] && word=${words[-1]} && unset 'words[-1]'
	for item in "${words[@]:1}"; do
		if [[ -n $kind ]]; then
			[[ $previous == --netns ]] && _fwctl_netns=(--netns "$item")
			kind=
			continue
		fi
		[[ $item == --netns=* ]] && _fwctl_netns=("$item")
		[[ $item == -* && $item != *=* ]] && kind=$(_fwctl_option_kind "$item") && previous=$item
		[[ $item != -* && -z $command ]] && command=$item
	done

	if [[ -z $kind && $word == --*=* ]]; then
		kind=$(_fwctl_option_kind "${word%%=*}")
		word=${word#*=}
		[[ $cur == = ]] && cur=
	elif [[ -z $kind && $word == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_fwctl_options "$command")" -- "$word")
		return
	elif [[ -z $kind ]]; then
		kind=$([[ -n $command ]] && _fwctl_argument_kind "$command" || echo commands)
	fi
	if [[ $kind == policy ]]; then
		_fwctl_files "$cur"
		return
	fi
	# shellcheck disable=SC2086 # a kind may be several words
	mapfile -t COMPREPLY < <(compgen -W "$(_fwctl_words $kind | sort -u)" -- "$word")
	[[ $word == *:* && $COMP_WORDBREAKS == *:* ]] && COMPREPLY=("${COMPREPLY[@]#"${word%"${word##*:}"}"}")
}

complete -F _fwctl fwctl
"""


def bash_case(pattern, what):
    return f"\t{pattern}) echo {what.strip()} ;;"


def bash(table):
    options = table["options"] + [option for command in table["commands"] for option in command["options"]]
    kinds = {}
    for option in options:
        if option_kind(option):
            kinds.setdefault(option_kind(option), []).extend(s for s in spellings(option) if s not in kinds.get(option_kind(option), []))
    commands = [(c["name"], argument_kind(c), [s for o in c["options"] for s in spellings(o)]) for c in table["commands"]]
    text = HEAD.format(comment="#", shell="bash") + BASH
    for mark, value in {
        "COMMANDS": " ".join(name for name, _, _ in commands),
        "TIMES": TIMES,
        "OPTION_KINDS": "\n".join(bash_case(" | ".join(names), kind) for kind, names in kinds.items()),
        "ARGUMENT_KINDS": "\n".join(bash_case(" | ".join(n for n, k, _ in commands if k == kind), kind)
                                    for kind in dict.fromkeys(k for _, k, _ in commands) if kind != "none"),
        "GLOBAL_OPTIONS": " ".join(s for o in table["options"] for s in spellings(o)),
        "COMMAND_OPTIONS": "\n".join(f"\t{name}) printf '%s\\n' {' '.join(own)} ;;" for name, _, own in commands if own),
    }.items():
        text = text.replace(f"@{mark}@", value)
    return text


# zsh ----------------------------------------------------------------------------------------------------------------------------------

ZSH = r"""
_fwctl_ask() {
	command fwctl ${netns:+--netns} $netns --json "$@" 2>/dev/null
}

_fwctl_netns() {
	local -a names=(/run/netns/*(N:t))
	_describe -t netns 'network namespace' names
}

_fwctl_times() {
	local -a times=(@TIMES@)
	_describe -t times 'time' times
}

_fwctl_services() {
	local -a names=(${(f)"$(_fwctl_ask services | sed -n 's/^ *"name": "\([^"]*\)",\{0,1\}$/\1/p')"})
	_describe -t services 'service, port or word' names
}

_fwctl_members() {
	local -a members=(${(f)"$(_fwctl_ask bans | sed -n 's/^ *"address": "\([^"]*\)",\{0,1\}$/\1/p')"})
	compadd -M 'm:{a-z}={A-Z}' -a members
}

_fwctl_groups() {
	local -aU names=(${(f)"$(_fwctl_ask bans | sed -n 's/^ *"group": "\([^"]*\)",\{0,1\}$/\1/p')"})
	[[ -r /etc/fwctl/policy.conf ]] && names+=(${(f)"$(sed -n 's/^[[:space:]]*group[[:space:]]*\([A-Za-z_][A-Za-z0-9_.+-]*\)[[:space:]]*=[[:space:]]*dynamic.*/\1/p' /etc/fwctl/policy.conf)"})
	_describe -t groups 'dynamic group' names
}

_fwctl_commands() {
	local -a commands=(
@COMMANDS@
	)
	_describe -t commands 'command' commands
}

_fwctl() {
	local curcontext=$curcontext state line
	local -A opt_args
	local -a options=(
@GLOBAL_OPTIONS@
	)

	_arguments -C $options '1:command:_fwctl_commands' '*::argument:->argument' && return
	[[ $state == argument ]] || return 1
	local netns=$opt_args[--netns]
	case $words[1] in
@CASES@
	*) _arguments $options ;;
	esac
}

_fwctl "$@"
"""
ZSH_KINDS = {"policy": "'1:policy:_files -g \"*.conf(-.)\"'", "services": "'1:word:_fwctl_services'", "members": "'1:member:_fwctl_members'",
             "commands": "'1:command:_fwctl_commands'"}


def zsh_quote(text):
    return text.replace("'", "'\\''")


def zsh_option(option):
    names, kind = spellings(option), option_kind(option)
    action = ""
    if kind:
        action = ":" + option["argument"].replace("|", " or ").lower() + ":" + (f"({kind[6:]})" if kind.startswith("words ") else "_fwctl_" + kind)
    summary = zsh_quote(option["summary"].replace("[", "(").replace("]", ")").replace(":", "\\:"))
    if len(names) == 1:
        return f"'{names[0]}{'=' if kind else ''}[{summary}]{action}'"
    return "'(" + " ".join(names) + ")'{" + ",".join(names) + "}" + f"'[{summary}]{action}'"


def zsh(table):
    cases = []
    for command in table["commands"]:
        specs = [zsh_option(option) for option in command["options"]]
        kind = argument_kind(command)
        specs += [ZSH_KINDS[kind]] if kind in ZSH_KINDS else ["'1:address:()'"] if "ADDR" in command["arguments"] else []
        if specs:
            cases.append(f"\t{command['name']}) _arguments $options {' '.join(specs)} ;;")
    text = "#compdef fwctl\n" + HEAD.format(comment="#", shell="zsh") + ZSH
    for mark, value in {
        "TIMES": TIMES,
        "COMMANDS": "\n".join("\t\t'" + zsh_quote(c["name"] + ":" + c["summary"].replace(":", "\\:")) + "'" for c in table["commands"]),
        "GLOBAL_OPTIONS": "\n".join("\t\t" + zsh_option(option) for option in table["options"]),
        "CASES": "\n".join(cases),
    }.items():
        text = text.replace(f"@{mark}@", value)
    return text


# fish ---------------------------------------------------------------------------------------------------------------------------------

FISH = r"""
# The command that stands on the line already, or nothing.
function __fwctl_command
    set -l skip 0
    for word in (commandline -opc)[2..-1]
        if test $skip = 1
            set skip 0
        else if contains -- $word @WITH_ARGUMENT@
            set skip 1
        else if not string match -q -- '-*' $word
            echo $word
            return
        end
    end
end

function __fwctl_needs_command
    test -z (__fwctl_command | string collect)
end

function __fwctl_is
    contains -- (__fwctl_command | string collect) $argv
end

function __fwctl_ask
    set -l words (commandline -opc)
    set -l netns
    for i in (seq (count $words))
        if test $words[$i] = --netns; and test $i -lt (count $words)
            set netns --netns $words[(math $i + 1)]
        else if string match -q -- '--netns=*' $words[$i]
            set netns $words[$i]
        end
    end
    command fwctl $netns --json $argv 2>/dev/null
end

function __fwctl_netns
    path basename /run/netns/* 2>/dev/null; or ls -1 /run/netns 2>/dev/null
end

function __fwctl_times
    printf '%s\n' @TIMES@
end

function __fwctl_services
    __fwctl_ask services | string replace -rf '^ *"name": "([^"]*)",?$' '$1'
end

function __fwctl_members
    __fwctl_ask bans | string replace -rf '^ *"address": "([^"]*)",?$' '$1'
end

function __fwctl_groups
    begin
        __fwctl_ask bans | string replace -rf '^ *"group": "([^"]*)",?$' '$1'
        test -r /etc/fwctl/policy.conf; and string replace -rf '^\s*group\s+([A-Za-z_][A-Za-z0-9_.+-]*)\s*=\s*dynamic.*' '$1' </etc/fwctl/policy.conf
    end | sort -u
end

complete -c fwctl -f
"""


def fish_quote(text):
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def fish_option(option, condition):
    kind = option_kind(option)
    line = "complete -c fwctl" + (f" -n {fish_quote(condition)}" if condition else "") + f" -l {option['name']}"
    line += f" -s {SHORT[option['name']]}" if option["name"] in SHORT else ""
    if kind:
        line += " -x -a " + fish_quote(kind[6:] if kind.startswith("words ") else f"(__fwctl_{kind})")
    return line + " -d " + fish_quote(option["summary"])


def fish(table):
    options = table["options"] + [option for command in table["commands"] for option in command["options"]]
    text = HEAD.format(comment="#", shell="fish") + FISH.replace(
        "@WITH_ARGUMENT@", " ".join(sorted({"--" + o["name"] for o in options if o["argument"]}))).replace("@TIMES@", TIMES)
    lines = [fish_option(option, None) for option in table["options"]]
    for command in table["commands"]:
        name, kind = command["name"], argument_kind(command)
        lines.append(f"complete -c fwctl -n __fwctl_needs_command -a {name} -d {fish_quote(command['summary'])}")
        condition = f"__fwctl_is {name}"
        if kind == "policy":
            lines.append(f"complete -c fwctl -n {fish_quote(condition)} -k -a '(__fish_complete_suffix .conf)'")
        elif kind == "commands":
            lines.append(f"complete -c fwctl -n {fish_quote(condition)} -a {fish_quote(' '.join(c['name'] for c in table['commands']))}")
        elif kind != "none":
            lines.append(f"complete -c fwctl -n {fish_quote(condition)} -a '(__fwctl_{kind})'")
        lines += [fish_option(option, condition) for option in command["options"]]
    return text + "\n".join(lines) + "\n"


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__.split("\n", maxsplit=1)[0])
    table = json.loads(subprocess.run([sys.argv[1], "help", "--json"], check=True, capture_output=True, text=True).stdout)
    os.makedirs(sys.argv[2], exist_ok=True)
    for name, text in (("fwctl.bash", bash(table)), ("_fwctl", zsh(table)), ("fwctl.fish", fish(table))):
        with open(os.path.join(sys.argv[2], name), "w", encoding="utf-8") as out:
            out.write(text)


if __name__ == "__main__":
    main()
