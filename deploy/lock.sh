#!/usr/bin/env bash
# Writes the locked requirements anew from pyproject.toml and the .in files beside this one (make lock).
set -euo pipefail
cd "$(dirname "$0")/.."
lock() { uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url "$@"; }
lock pyproject.toml --group build -o deploy/requirements/core.txt
lock pyproject.toml --group build --group dev --extra local-llm -o deploy/requirements/dev.txt
for input in deploy/requirements/*.in; do
  lock "$input" -o "${input%.in}.txt"
done
