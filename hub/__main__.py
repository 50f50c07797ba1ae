"""`python -m hub` is `concord`."""

from hub.cli import main

main()
