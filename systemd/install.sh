#!/bin/sh
# Installs henbd for systemd, or removes it:
#   install.sh install|activate|uninstall     with $DESTDIR, $PREFIX, $PYTHON and $PIP from make
# `activate` is the part of `install` that a folder to be packed ($DESTDIR) does without.
# henbd and its libraries are in a folder of their own, apart from those of the system. The
# configuration and what is kept in /var/lib/henbd outlive an uninstall.
set -eu
cd "$(dirname "$0")/.."

root=${DESTDIR-}
prefix=${PREFIX:-/usr/local}
library=$prefix/lib/henbd
programs=$prefix/libexec/henbd
units='henbd.service henbd-guard.service henbd-firmware@.service'
rules=/etc/polkit-1/rules.d

# Copies a file of systemd/ with the paths of this installation in it: put MODE FROM TO
put() {
    mkdir -p "$(dirname "$root$3")"
    case $2 in
    man/*) "$PYTHON" systemd/manual.py "$(basename "$3")" ;;
    *)
        sed "s,@BINDIR@,$prefix/bin,g;s,@LIBEXECDIR@,$prefix/libexec,g;s,@PYTHON@,$PYTHON,g" \
            "systemd/$2"
        ;;
    esac >"$root$3"
    chmod "$1" "$root$3"
}

install_library() {
    # setuptools would install what an earlier build has left there.
    rm -rf build/lib build/bdist.* "$root$library"
    "$PIP" --quiet --disable-pip-version-check --python "$PYTHON" \
        install --no-warn-script-location --target "$root$library" .
    rm -rf "$root${library:?}/bin"
    mkdir -p "$root$prefix/bin"
    cat >"$root$prefix/bin/henbd" <<END
#!$PYTHON -I
import sys

sys.path.insert(0, "$library")
from henbd.cli import main

sys.exit(main())
END
    chmod 755 "$root$prefix/bin/henbd"
}

files() {
    "$1" 644 sysusers.conf "$prefix/lib/sysusers.d/henbd.conf"
    "$1" 644 tmpfiles.conf "$prefix/lib/tmpfiles.d/henbd.conf"
    "$1" 644 networkd.conf "$prefix/lib/systemd/networkd.conf.d/henbd.conf"
    "$1" 755 henbd-guard "$programs/guard"
    "$1" 644 strongswan.d/henbd.conf /etc/strongswan.d/henbd.conf
    "$1" 755 henbd-firmware "$programs/firmware"
    "$1" 644 stack_rule.py "$programs/stack-rule.py"
    "$1" 644 polkit.rules "$rules/50-henbd.rules"
    "$1" 644 henbd.bash "$prefix/share/bash-completion/completions/henbd"
    for page in henbd.8 henbd.toml.5; do
        "$1" 644 "man/$page.in" "$prefix/share/man/man${page##*.}/$page"
    done
    for unit in $units; do
        "$1" 644 "$unit.in" "$prefix/lib/systemd/system/$unit"
    done
}

remove() {
    rm -f "$root$3"
}

activate() {
    systemd-sysusers henbd.conf
    systemd-tmpfiles --create henbd.conf
    systemctl daemon-reload
    echo 'Next: write /etc/henbd/henbd.toml (henbd check-config FILE), and have charon read its group:'
    echo '  systemctl restart strongswan'
    echo '  systemctl enable --now henbd henbd-guard'
}

case ${1-} in
install)
    install_library
    files put
    [ -n "$root" ] || activate
    ;;
activate)
    activate
    ;;
uninstall)
    [ -n "$root" ] || systemctl disable --now henbd.service henbd-guard.service || true
    files remove
    rm -f "$root$prefix/bin/henbd" "$root$rules/51-henbd-stack.rules"
    rm -rf "$root$library" "$root$programs"
    [ -n "$root" ] || systemctl daemon-reload || true
    ;;
*)
    sed -n '2,6s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
