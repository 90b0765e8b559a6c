#!/usr/bin/env bash
# Makes .venv and installs one locked set of requirements into it: deploy/setup.sh core|dev
# Does nothing when the lock has not changed since the last time. Needs Python 3.11 or newer and nothing else.
# uv is told to trust what the machine trusts (--system-certs), as pip does.
set -euo pipefail
cd "$(dirname "$0")/.."
name=${1:?usage: deploy/setup.sh core|dev}
lock=deploy/requirements/$name.txt
stamp=.venv/.vaultra-$name
state=$(cat "$lock" pyproject.toml deploy/setup.sh | sha256sum | cut -d' ' -f1)
# The dev set holds the core set: what has dev needs no core.
for have in "$stamp" .venv/.vaultra-dev; do
  if [ -f "$have" ] && [ "$(sed -n "s/^$name //p" "$have")" = "$state" ]; then exit 0; fi
done

say() { printf '\033[2m· %s\033[0m\n' "$*" >&2; }

python=""
for candidate in python3.11 python3.12 python3.13 python3; do
  if command -v "$candidate" >/dev/null && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    python=$candidate
    break
  fi
done
[ -n "$python" ] || { echo "Vaultra needs Python 3.11 or newer (Debian: apt-get install python3 python3-venv)." >&2; exit 1; }

if ! .venv/bin/python -c 'import sys' >/dev/null 2>&1; then
  say "making .venv with $($python --version)"
  rm -rf .venv
  if ! "$python" -m venv .venv >/dev/null 2>&1; then
    # Debian ships python3 without ensurepip; a pip or uv outside the environment can fill it all the same.
    rm -rf .venv
    "$python" -m venv --without-pip .venv
    if ! command -v uv >/dev/null && ! "$python" -m pip --version >/dev/null 2>&1; then
      rm -rf .venv
      echo "This Python can neither make environments with pip nor has pip itself." >&2
      echo "On Debian: apt-get install python3-venv, then try again." >&2
      exit 1
    fi
  fi
fi

if command -v uv >/dev/null && uv --version >/dev/null 2>&1; then
  uv=uv
else
  uv=.venv/bin/uv
  if ! "$uv" --version >/dev/null 2>&1; then
    say "installing uv"
    if .venv/bin/python -m pip --version >/dev/null 2>&1; then
      .venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r deploy/requirements/uv.txt
    else
      "$python" -m pip --python .venv/bin/python install -q --disable-pip-version-check --require-hashes -r deploy/requirements/uv.txt
    fi
  fi
fi

say "installing $(grep -c '==' "$lock") locked packages ($name); the first time takes a minute or two"
"$uv" pip install -q --system-certs --python .venv/bin/python --require-hashes --no-deps -r "$lock"
"$uv" pip install -q --system-certs --python .venv/bin/python --no-deps --no-build-isolation -e .
{
  printf 'core %s\n' "$(cat deploy/requirements/core.txt pyproject.toml deploy/setup.sh | sha256sum | cut -d' ' -f1)"
  [ "$name" = core ] || printf '%s %s\n' "$name" "$state"
} > "$stamp"
