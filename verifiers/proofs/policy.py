"""What a proof may not use, however well it elaborates."""

from dataclasses import dataclass, field
from typing import Any

AXIOMS = ("propext", "Classical.choice", "Quot.sound")
"""The three axioms of Lean's own logic; `sorryAx`, `Lean.ofReduceBool` and a proof's own are not among them."""

_NATIVE_AXIOMS = ("Lean.ofReduceBool", "Lean.ofReduceNat", "Lean.trustCompiler")

WORDS = (
    *("sorry", "admit", "stop"),
    *("run_tac", "run_conv", "by_elab", "eval%", "include_str", "unsafe", "dbg_trace", "polyrith"),
)
"""Keywords that end the check before anything is elaborated: holes, and whatever runs a program meanwhile.

They are looked for among the atoms of Lean's syntax tree: no false hits in comments, strings, names such as `hsorry`.
"""

OPTIONS = {
    "maxRecDepth": 100_000,
    "maxHeartbeats": None,
    "synthInstance.maxHeartbeats": None,
    "synthInstance.maxSize": None,
}
"""`set_option`s that a proof may use, with their largest value; time is limited by the clock, not by heartbeats."""


@dataclass(frozen=True)
class Policy:
    """The rules of a check. `native_decide` trusts the compiler besides the kernel: its proofs are not replayed."""

    native_decide: bool = False
    axioms: tuple[str, ...] = AXIOMS
    words: tuple[str, ...] = WORDS
    options: dict[str, int | None] = field(default_factory=lambda: dict(OPTIONS))
    option_prefixes: tuple[str, ...] = ("pp.", "linter.")

    def message(self) -> dict[str, Any]:
        """The rules as a worker reads them."""
        native = self.native_decide
        return {
            "axioms": [*self.axioms, *(_NATIVE_AXIOMS if native else ())],
            "native_axioms": list(_NATIVE_AXIOMS),
            "words": [*self.words, *(() if native else ("native_decide",))],
            "native_decide": native,
            "options": {name: -1 if most is None else most for name, most in self.options.items()},
            "option_prefixes": list(self.option_prefixes),
        }
