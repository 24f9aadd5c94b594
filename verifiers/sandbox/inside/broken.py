"""Whose fault it is where tests come to no verdict."""

OURS, THEIRS = b"<", b">"
"""What the tests' side writes where its own work begins, and where the candidate's does."""


class Broken(BaseException):
    """The tests themselves cannot be run; its text says why. No `except Exception` of theirs swallows it."""
