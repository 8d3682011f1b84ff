#!/bin/bash
# Writes beside itself, builds in the guest, loads, looks, unloads.
set -e
cd "$(dirname "$0")"
date > begun.txt
make -C "/lib/modules/$(uname -r)/build" M="$PWD" modules > build.log 2>&1
modinfo ./course.ko | grep -q '^license:'
insmod ./course.ko
dmesg | grep -q 'the course begins'
lsmod | grep -q '^course '
rmmod course
mkdir -p "/lib/modules/$(uname -r)/extra"
cp course.ko "/lib/modules/$(uname -r)/extra/"
depmod
modprobe course
rmmod course
echo PASSED
