"""`python -m vaultra.cli`."""

from vaultra.cli import main

main()
