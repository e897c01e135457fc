# SPDX-License-Identifier: GPL-2.0-or-later
# Completion of fwctl for fish. Made by tools/gen-completions.py (make completions): change that.

# The command that stands on the line already, or nothing.
function __fwctl_command
    set -l skip 0
    for word in (commandline -opc)[2..-1]
        if test $skip = 1
            set skip 0
        else if contains -- $word --by --color --count --direction --for --group --limit --netns --rule --since
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
    printf '%s\n' 10m 1h 12h 1d 1w
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
complete -c fwctl -l netns -x -a '(__fwctl_netns)' -d 'work in this network namespace: a name of `ip netns`, or a path'
complete -c fwctl -l json -d 'print the result as JSON'
complete -c fwctl -l color -x -a 'auto always never' -d 'colours in the output'
complete -c fwctl -l help -s h -d 'how a command is used'
complete -c fwctl -l version -s v -d 'the version of fwctl'
complete -c fwctl -n __fwctl_needs_command -a check -d 'read, resolve and compile a policy; print errors and warnings'
complete -c fwctl -n '__fwctl_is check' -k -a '(__fish_complete_suffix .conf)'
complete -c fwctl -n __fwctl_needs_command -a fmt -d 'print the canonical layout of a policy (-w: write it back)'
complete -c fwctl -n '__fwctl_is fmt' -k -a '(__fish_complete_suffix .conf)'
complete -c fwctl -n '__fwctl_is fmt' -l write -s w -d 'write the file back'
complete -c fwctl -n __fwctl_needs_command -a plan -d 'what apply would change (exit 0: nothing, 2: changes)'
complete -c fwctl -n '__fwctl_is plan' -k -a '(__fish_complete_suffix .conf)'
complete -c fwctl -n __fwctl_needs_command -a apply -d 'make the kernel run a policy: one transaction, only what differs'
complete -c fwctl -n '__fwctl_is apply' -k -a '(__fish_complete_suffix .conf)'
complete -c fwctl -n __fwctl_needs_command -a status -d 'what runs, and the hits of every line'
complete -c fwctl -n __fwctl_needs_command -a hits -d 'who hit what, now and last week (by fwctld)'
complete -c fwctl -n '__fwctl_is hits' -l since -x -a '(__fwctl_times)' -d 'how far back: 15m, 24h, 14d'
complete -c fwctl -n '__fwctl_is hits' -l by -x -a 'rule source port minute' -d 'what is added up'
complete -c fwctl -n '__fwctl_is hits' -l rule -x -a '' -d 'only this line of the policy: 7, policy.conf:7, its label or id'
complete -c fwctl -n '__fwctl_is hits' -l direction -x -a 'in out forward' -d 'only this direction'
complete -c fwctl -n '__fwctl_is hits' -l limit -x -a '' -d 'at most so many rows'
complete -c fwctl -n __fwctl_needs_command -a top -d 'a live table of the lines and their rates'
complete -c fwctl -n __fwctl_needs_command -a watch -d 'events as they come, e.g. watch deny tcp from 192.0.2.0/24'
complete -c fwctl -n '__fwctl_is watch' -l count -x -a '' -d 'end after so many'
complete -c fwctl -n __fwctl_needs_command -a show -d 'the compiled ruleset of a policy, or what the kernel holds'
complete -c fwctl -n '__fwctl_is show' -k -a '(__fish_complete_suffix .conf)'
complete -c fwctl -n '__fwctl_is show' -l nft -d 'as `nft -f` reads it'
complete -c fwctl -n __fwctl_needs_command -a explain -d 'which line decides a packet, and why'
complete -c fwctl -n '__fwctl_is explain' -k -a '(__fish_complete_suffix .conf)'
complete -c fwctl -n __fwctl_needs_command -a diff -d 'packets that two policies decide differently (exit 2)'
complete -c fwctl -n __fwctl_needs_command -a services -d 'the catalogue: names, ports, ranges, descriptions'
complete -c fwctl -n '__fwctl_is services' -a '(__fwctl_services)'
complete -c fwctl -n __fwctl_needs_command -a ban -d 'add a member to a dynamic group'
complete -c fwctl -n '__fwctl_is ban' -l for -x -a '(__fwctl_times)' -d 'when the membership ends: 45s, 30m, 1h, 7d, 2w'
complete -c fwctl -n '__fwctl_is ban' -l group -x -a '(__fwctl_groups)' -d 'which dynamic group'
complete -c fwctl -n __fwctl_needs_command -a unban -d 'take a member out of a dynamic group'
complete -c fwctl -n '__fwctl_is unban' -a '(__fwctl_members)'
complete -c fwctl -n '__fwctl_is unban' -l group -x -a '(__fwctl_groups)' -d 'which dynamic group'
complete -c fwctl -n __fwctl_needs_command -a bans -d 'members of the dynamic groups'
complete -c fwctl -n '__fwctl_is bans' -l group -x -a '(__fwctl_groups)' -d 'which dynamic group'
complete -c fwctl -n __fwctl_needs_command -a renew -d 'compile the running policy for the present clock (by fwctl-renew.timer)'
complete -c fwctl -n __fwctl_needs_command -a flush -d 'take all that fwctl put into the kernel out again'
complete -c fwctl -n __fwctl_needs_command -a help -d 'this list'
complete -c fwctl -n '__fwctl_is help' -a 'check fmt plan apply status hits top watch show explain diff services ban unban bans renew flush help'
