"""Patches: unified diffs that have to make a repository's tests pass, judged in a container that trusts nobody.

`diff` finds one in what an llm wrote, `judge` says what it is worth: `container` runs the tests, `script` has them
leave evidence, `grader` reads what they printed by the official harness' own code.
"""

from verifiers.patches.limits import PatchLimits, configure

__all__ = ["PatchLimits", "configure"]
