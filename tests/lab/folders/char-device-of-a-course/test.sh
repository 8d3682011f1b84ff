#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A course's check: build, load, make the node, write, read, unload.
set -e
cd "$(dirname "$0")"
sudo dmesg -c > /dev/null
make > build.log 2>&1
make install >> build.log
lsmod | grep -q '^chardrv ' || { echo "not in lsmod"; exit 1; }
major=$(awk '$2 == "chardrv" { print $1 }' /proc/devices)
sudo rm -f /dev/chardrv
sudo mknod -m 666 /dev/chardrv c "$major" 0
echo hello | sudo tee /dev/chardrv > /dev/null
[ "$(timeout 10 cat /dev/chardrv)" = hello ] || { echo "read something else"; exit 1; }
dmesg | tail -n 5 | grep -q '6 bytes written' || { echo "not in the log"; exit 1; }
sudo -u root rmmod chardrv
if grep -qw chardrv /proc/devices; then echo "still there"; exit 1; fi
dmesg | grep -q unloaded
make clean >> build.log
ls *.ko 2> /dev/null && exit 1
echo PASSED
