#!/bin/sh
# Runs henbd's unit tests, and those of the netlink shell, with what each release of OpenWrt carries:
# its Python, as far as this machine has it, and its libraries. The lab is not for a board.
set -eu
cd "$(dirname "$0")/../.."

# Release, Python, libraries. The snapshot has Python 3.14; 3.12 is what lies between the others.
releases='
24.10 3.11 lxml==5.4.0 pyroute2==0.7.9 requests==2.32.3 urllib3==2.5.0
25.12 3.13 lxml==6.0.2 pyroute2==0.7.9 requests==2.32.5 urllib3==2.6.3
snapshot 3.12 lxml==6.1.1 pyroute2==0.9.6 requests==2.34.2 urllib3==2.7.0
'

interpreter() {
    for candidate in "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".*/bin/python "$(command -v "python$1")"; do
        [ -x "$candidate" ] && "$candidate" -c '' 2>/dev/null && echo "$candidate" && return
    done
    return 1
}

environment() { # directory, Python, libraries
    [ -e "$1/ready" ] && [ -z "$(find setup.py "$0" -newer "$1/ready")" ] && return
    directory=$1
    "$2" -m venv --clear "$directory"
    shift 2
    "$directory/bin/python" -m pip install --quiet --disable-pip-version-check \
        --editable . hypothesis packaging pytest pytest-timeout pytest-xdist "$@"
    touch "$directory/ready"
}

echo "$releases" | while read -r release version libraries; do
    [ -n "$release" ] || continue
    if ! python=$(interpreter "$version"); then
        echo "OpenWrt $release: no Python $version here"
        continue
    fi
    echo "OpenWrt $release: Python $version, $libraries"
    # shellcheck disable=SC2086  # each word is a library
    environment ".venv/$release" "$python" $libraries
    ".venv/$release/bin/python" -m pytest -q -n 2 --ignore-glob 'tests/unit/test_lab_*' \
        tests/unit tests/simulation/test_procedures.py tests/functional/kernel/test_kernel*.py </dev/null
done
