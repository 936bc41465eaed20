#!/bin/sh
# Sets up what the tests and the lab need on a Debian machine:
#   setup.sh python   the virtual environment .venv with henbd and its tools
#   setup.sh lab      the Debian packages of the lab (as root), and the virtual environment
#   setup.sh openwrt  those that the OpenWrt package is checked with (as root), likewise
# Doing it again costs nothing.
set -eu
cd "$(dirname "$0")/../.."

# charon-systemd needs no systemd; kmod, busybox, e2fsprogs and QEMU are for the VM (make
# test-kernel), Chromium is for the page of `henbd trace`.
lab_packages='python3-venv strongswan-swanctl charon-systemd libcharon-extra-plugins
libstrongswan-standard-plugins strongswan-pki openssl iproute2 tcpdump iputils-ping tshark dbus polkitd
nftables qemu-system-x86 busybox-static kmod e2fsprogs chromium make'
openwrt_packages='python3-venv nftables shellcheck dash busybox-static chromium openssl strongswan-pki make'

missing() {
    for package in $1; do
        dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed ||
            echo "$package"
    done
}

install_packages() {
    wanted=$(missing "$1" | tr '\n' ' ')
    [ -n "$wanted" ] || return 0
    echo "installing: $wanted"
    # charon must not be started as a service of this machine: it would take UDP port 500.
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        trap 'rm -f "$policy"' EXIT
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq update
    # shellcheck disable=SC2086
    apt-get -qq install --yes --no-install-recommends $wanted >/dev/null
}

make_environment() {
    stamp=.venv/ready
    if [ -e "$stamp" ] && [ -z "$(find setup.py -newer "$stamp")" ]; then
        return 0
    fi
    echo "making the virtual environment .venv"
    python3 -m venv .venv
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
    touch "$stamp"
}

case ${1-} in
python)
    make_environment
    ;;
lab)
    if [ "$(id -u)" != 0 ]; then
        echo "the lab needs root: it makes network namespaces and runs strongSwan in them" >&2
        exit 1
    fi
    install_packages "$lab_packages"
    make_environment
    ;;
openwrt)
    if [ "$(id -u)" != 0 ]; then
        echo "the board needs root: its scripts run in a directory that is their root" >&2
        exit 1
    fi
    install_packages "$openwrt_packages"
    make_environment
    ;;
*)
    sed -n '2,6s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
