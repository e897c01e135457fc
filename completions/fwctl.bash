# SPDX-License-Identifier: GPL-2.0-or-later
# Completion of fwctl for bash. Made by tools/gen-completions.py (make completions): change that.

# Members and names that only the running policy knows; nothing where it may not be asked.
_fwctl_ask() {
	"${_fwctl_program:-fwctl}" "${_fwctl_netns[@]}" --json "$@" 2>/dev/null
}

_fwctl_words() {
	local policy=${_fwctl_policy:-/etc/fwctl/policy.conf}
	case $1 in
	commands) printf '%s\n' check fmt plan apply status hits top watch show explain diff services ban unban bans renew flush help ;;
	netns) [[ -d /run/netns ]] && ls -1 /run/netns ;;
	times) printf '%s\n' 10m 1h 12h 1d 1w ;;
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
	--netns) echo netns ;;
	--color) echo words auto always never ;;
	--since | --for) echo times ;;
	--by) echo words rule source port minute ;;
	--rule | --limit | --count) echo words ;;
	--direction) echo words in out forward ;;
	--group) echo groups ;;
	esac
}

_fwctl_argument_kind() {
	case $1 in
	check | fmt | plan | apply | show | explain) echo policy ;;
	services) echo services ;;
	unban) echo members ;;
	help) echo commands ;;
	esac
}

_fwctl_options() {
	printf '%s\n' --netns --json --color --help -h --version -v
	case $1 in
	fmt) printf '%s\n' --write -w ;;
	hits) printf '%s\n' --since --by --rule --direction --limit ;;
	watch) printf '%s\n' --count ;;
	show) printf '%s\n' --nft ;;
	ban) printf '%s\n' --for --group ;;
	unban) printf '%s\n' --group ;;
	bans) printf '%s\n' --group ;;
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
