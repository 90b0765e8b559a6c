"""What commands load before they do anything: whoever types one waits for that."""

from __future__ import annotations

import subprocess
import sys

COSTLY = ("aiohttp", "aiokafka", "faust", "openai", "rapidocr", "sentry_sdk", "stripe")


def test_no_library_that_settings_switch_on_is_loaded_when_a_command_begins() -> None:
    modules = "vaultra.cli, vaultra.commands.stripe, vaultra.commands.up, vaultra.observability"
    code = f"import sys, {modules}; print(*sorted(set(sys.modules) & set({COSTLY!r})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
