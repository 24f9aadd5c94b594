"""`python -m cli` is `monkeys`."""

from cli import main

main()
