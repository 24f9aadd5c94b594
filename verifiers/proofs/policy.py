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

They are looked for among the tokens of the text and then, by a Lean here, among the atoms of Lean's syntax tree: no
false hits in comments, in strings or in names such as `hsorry`.
"""

_COMMANDS = """
    abbrev add_decl_doc alias assert_not_exists attribute axiom builtin_dsimproc builtin_initialize builtin_simproc
    class compile_inductive declare_syntax_cat def deriving dsimproc elab elab_rules end example export extern
    gen_injective_theorems import include inductive infix infixl infixr init_quot initialize instance
    irreducible_def lemma library_note local macro macro_rules mutual namespace noncomputable notation notation3
    omit opaque open_locale partial postfix prefix private protected public run_cmd run_elab run_meta section
    simproc structure syntax theorem unif_hint universe universes variable variables
"""
COMMANDS = frozenset(_COMMANDS.split())
"""Words of commands, none of which stands in a proof; `open` and `set_option` may."""

CONSTANTS = frozenset(["sorryAx", "lcProof", "lcAny", "lcUnreachable", "ofReduceBool", "ofReduceNat", "trustCompiler"])
"""Last parts of names: holes, and trust in the compiler."""

_HASH_COMMANDS = """
    check check_failure conv count_heartbeats discr_tree_key eval exit explode find find_home guard guard_expr
    guard_msgs help html import_path instances lint loogle min_imports moogle norm_num print push_neg reduce ring
    ring_nf search simp synth test time version where whnf widget
"""
HASH_COMMANDS = frozenset(_HASH_COMMANDS.split())
"""What `#` may be followed by in a command; `#s` is also how Mathlib counts a set."""

_CONFIGURED = """
    abel abel_nf aesop apply apply? apply_assumption apply_rules bv_decide change congr conv constructor contrapose
    convert convert_to decide dsimp dsimp! dsimp? erw exact exact? ext field_simp fun_prop gcongr grind grind?
    induction infer_instance intro linarith linear_combination measurability module_nf nlinarith norm_cast norm_num
    norm_num1 omega polyrith positivity push_cast rcases refine rewrite rfl ring ring1 ring_nf rw rwa rw? simp simp!
    simp? simp_all simp_all! simp_all? simp_all_arith simp_arith simpa simpa! simpa? simp_rw solve_by_elim split
    split_ifs subst tauto unfold zify
"""
CONFIGURED = frozenset(_CONFIGURED.split())
"""Tactics that a configuration may follow: `simp (contextual := true) +arith`."""

TACTICS_IN_BRACKETS = ("discharger", "disch")
"""Names in such brackets that stand before a tactic, which is no term that Lean would run."""

CONSTRUCTORS = frozenset(["all", "pos", "neg", "none", "default", "reducible", "instances"])
"""Names that a configuration may use behind a dot: `{occs := .pos [1]}`."""

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
            "words": self.forbidden_words(),
            "constructors": sorted(CONSTRUCTORS),
            "tactics_in_brackets": list(TACTICS_IN_BRACKETS),
            "native_decide": native,
            "options": {name: -1 if most is None else most for name, most in self.options.items()},
            "option_prefixes": list(self.option_prefixes),
        }

    def forbidden_words(self) -> list[str]:
        """Keywords that no proof may use."""
        return [*self.words, *(() if self.native_decide else ("native_decide",))]

    def may_set(self, option: str, value: float) -> bool:
        """Whether a proof may set an option to a value, 0 for what is no number."""
        if option in self.options:
            most = self.options[option]
            return most is None or value <= most
        return option.startswith(self.option_prefixes)
