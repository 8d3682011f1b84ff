# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Prints what a folder's Kbuild file builds, without building it: one line for
# each module with its parts, one for each folder below.

include $(objtree)/include/config/auto.conf
include $(kbuild_file)

name = $(patsubst %.o,%,$(1))
parts = $($(1)-y) $($(1)-objs) $($(1)-m)
$(foreach entry,$(filter-out %/,$(obj-m)),$(info ringside: module $(call name,$(entry)) $(call parts,$(call name,$(entry)))))
$(foreach entry,$(filter %/,$(obj-m) $(obj-y)) $(subdir-m) $(subdir-y),$(info ringside: folder $(entry)))

.PHONY: ringside-nothing
ringside-nothing: ;
