"""`python -m filmpulse.cli`."""

from filmpulse.cli import main

main()
