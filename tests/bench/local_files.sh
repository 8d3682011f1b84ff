# SPDX-License-Identifier: MIT OR Apache-2.0
# Runs in a guest: times programs from the host's files and from copies of the
# same files in the guest's own memory, in turns. Prints `PLACE PROGRAM SECONDS`.
set -e
python=$(readlink -f /usr/bin/python3)
gcc=$(readlink -f /usr/bin/gcc)
own=/run/own-files
work=$PWD
mkdir -p "$own/usr/bin" "$own/tmp" "$own/work" /tmp/work
printf '#include <stdio.h>\nint main(void) { return puts("small") < 0; }\n' > /tmp/work/small.c
cp /tmp/work/small.c "$own/work"
copy() {
    for file in "$@"; do
        mkdir -p "$own$(dirname "$file")"
        cp -L "$file" "$own$file"
    done
}
program() {
    # shellcheck disable=SC2046
    copy "$1" $(ldd "$1" | grep -o '/[^ ]*')
}
program "$python"
program "$gcc"
program "$($gcc -print-prog-name=cc1)"
assembler=$(readlink -f "$(command -v "$($gcc -print-prog-name=as)")")
program "$assembler"
ln -sf "$assembler" "$own/usr/bin/as"
# shellcheck disable=SC2046
copy $($gcc -M /tmp/work/small.c | tr -d '\\' | tr ' ' '\n' | grep '^/usr')
modules=$("$python" -I -c 'import sys; print("\n".join(m.__file__ for m in list(sys.modules.values()) if getattr(m, "__file__", None)))')
for module in $modules; do
    copy "$module"
    cache=$(dirname "$module")/__pycache__/$(basename "$module" .py).cpython-*.pyc
    # shellcheck disable=SC2086
    copy $cache 2> /dev/null || true
done
cd /
TIMEFORMAT=%R
for _ in 1 2 3 4 5 6; do
    for place in host own; do
        if [ $place = host ]; then root=/; source=/tmp/work; else root=$own; source=/work; fi
        echo "$place python $({ time chroot $root "$python" -I -c 1 2> /dev/null; } 2>&1)"
        echo "$place gcc $({ time chroot $root "$gcc" -c $source/small.c -o $source/small.o; } 2>&1)"
    done
done
cd "$work"
