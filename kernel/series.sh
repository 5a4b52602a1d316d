# SPDX-License-Identifier: GPL-2.0
# What the scripts beside this one share; they read it with `.`, with $here the folder they are in.

tarball=${SENDZC_LINUX_SOURCE:-/usr/src/linux-source-6.12.tar.xz}

# A new tree, in the current folder, with the series and what the laboratory adds.
unpack_with_series() {
	tar -xf "$tarball" --strip-components=1
	apply_series
}

apply_series() {
	for patch in "$here"/patches/*.patch "$here"/lab/*.patch; do patch -p1 -s -F0 <"$patch"; done
}

configure() {
	make -s tinyconfig
	scripts/kconfig/merge_config.sh -m .config "$here/config/base.config" >/dev/null
	make -s olddefconfig
}
