# SPDX-License-Identifier: MIT OR Apache-2.0
#
# The part of the kernel's top Makefile that builds a folder of modules, for an
# environment that holds what that Makefile exports.

.PHONY: modules
modules:
	@$(MAKE) -f $(srctree)/scripts/Makefile.build obj=. need-builtin=1 need-modorder=1
	@$(MAKE) -f $(srctree)/scripts/Makefile.modpost
	@$(MAKE) -f $(srctree)/scripts/Makefile.modfinal
