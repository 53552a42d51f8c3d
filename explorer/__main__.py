"""`python -m explorer` is `token-explorer`."""

from explorer.cli import main

main()
