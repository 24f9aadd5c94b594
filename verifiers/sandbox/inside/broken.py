"""Whose fault it is where tests come to no verdict."""

OURS, THEIRS = b"<", b">"
"""What the tests' side writes where its own work begins, and where the candidate's does."""


MOST_OF_ANSWERS = 5.0
"""CPU seconds that a candidate's answers may take to be read until all that follows is its own fault."""


class Broken(BaseException):
    """The tests themselves cannot be run; its text says why. No `except Exception` of theirs swallows it."""
