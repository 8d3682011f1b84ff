#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# In a guest everybody is root already: runs the command as it is.
while [ $# -gt 0 ]; do
	case $1 in
	-u | -g | -U | -p | -C | -D | -R | -T | -h | --user | --group | --prompt | --chdir)
		shift
		[ $# -eq 0 ] || shift
		;;
	-l | -v | -k | -K | --list | --validate) exit 0 ;;
	-i | -s | --login | --shell)
		shift
		[ $# -gt 0 ] || exec "${SHELL:-/bin/sh}"
		;;
	--)
		shift
		break
		;;
	-*) shift ;;
	[A-Za-z_]*=*)
		export "$1"
		shift
		;;
	*) break ;;
	esac
done
[ $# -gt 0 ] || exit 1
exec "$@"
