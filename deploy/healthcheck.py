"""The image's health check: does this service's own port answer `/healthz`? Exit code 0 or 1.

Liveness alone. What a service needs of others (`/readyz`) is no reason to restart it.
"""

from __future__ import annotations

import os
import sys
import urllib.error
import urllib.request

_TIMEOUT = 4.0


def main() -> int:
    url = f"http://127.0.0.1:{os.environ.get('VAULTRA_PORT', '8321')}/healthz"
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT) as answer:
            return 0 if answer.status == 200 else 1
    except (OSError, urllib.error.HTTPError) as error:
        print(f"{url}: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
