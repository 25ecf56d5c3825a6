#!/bin/sh
# Brings what the checkout needs into .venv: a Python that is there already, uv, and the locked packages; then compiles
# the loops of the matching engine. Does nothing, quickly, when nothing has changed since the last time.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
cache="${XDG_CACHE_HOME:-$HOME/.cache}/telemachus"
stamp="$root/.venv/.telemachus-installed"
engine=services/matching/src/matching/engine
compiled="$engine/__pycache__/.compiled"
cd "$root"

say() { printf '%s\n' "$*" >&2; }
fail() { say "$1"; say "Next: $2"; exit 1; }

# The first run would otherwise wait for the compiler. Where it fails, that run does it, and tells why it cannot.
compile() {
    [ ! -f "$compiled" ] || [ -n "$(find "$engine" -name '*.py' -newer "$compiled")" ] || return 0
    say "Compiling the matching engine (once, up to a minute)"
    if .venv/bin/python -m matching.engine >&2; then mkdir -p "$engine/__pycache__" && touch "$compiled"; fi
}

# What decides about the installed packages: the lock file, every pyproject.toml, and this script.
wanted=$(cat uv.lock pyproject.toml shared/pyproject.toml services/*/pyproject.toml deploy/*/pyproject.toml "$0" | cksum)
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && .venv/bin/python -c '' 2>/dev/null; then
    compile
    exit 0
fi

suits() { "$1" -c 'import sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))' >/dev/null 2>&1; }

python=
for candidate in ${PYTHON:-} python3.14 python3.13 python3.12 python3.11 python3 python; do
    if suits "$candidate"; then
        python=$("$candidate" -c 'import sys; print(sys.executable)')
        break
    fi
done
[ -n "$python" ] || fail "No Python from 3.11 to 3.14 was found on the PATH." \
    "install one (Debian: apt install python3 python3-venv), or say where it is: make PYTHON=/path/to/python3."

if command -v uv >/dev/null 2>&1; then
    uv=uv
else
    uv="$cache/uv/bin/uv"
    if ! "$uv" --version >/dev/null 2>&1; then
        say "Installing uv into $cache/uv"
        rm -rf "$cache/uv"
        "$python" -m venv "$cache/uv" || fail "Python could not make a virtual environment." \
            "install its venv module (Debian: apt install python3-venv)."
        "$cache/uv/bin/python" -m pip install --quiet --disable-pip-version-check 'uv>=0.9,<1' \
            || fail "pip could not install uv." "check the network or pip's index and proxy settings, then try again."
    fi
fi

say "Installing the locked packages into .venv"
UV_PYTHON_DOWNLOADS=never UV_PROJECT_ENVIRONMENT="$root/.venv" "$uv" sync --frozen --python "$python" \
    || fail "uv could not install the packages." "check the network or the package index settings, then try again."
printf '%s\n' "$wanted" >"$stamp"
rm -f "$compiled"
compile
