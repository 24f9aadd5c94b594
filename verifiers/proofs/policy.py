"""What a proof may not use, however well it elaborates."""

from dataclasses import dataclass, field
from typing import Any

AXIOMS = ("propext", "Classical.choice", "Quot.sound")
"""The three axioms of Lean's own logic; `sorryAx`, `Lean.ofReduceBool` and a proof's own are not among them."""

_NATIVE_AXIOMS = ("Lean.ofReduceBool", "Lean.ofReduceNat", "Lean.trustCompiler")

WORDS = (
    *("sorry", "admit", "stop"),
    *("run_tac", "run_conv", "by_elab", "eval%", "include_str", "unsafe", "dbg_trace", "polyrith"),
    *("plausible", "slim_check", "from_lrat", "with_panel_widgets"),
)
"""Keywords that end the check before anything is elaborated: holes, and whatever runs a program meanwhile.

`plausible` runs its goal, `from_lrat` and `with_panel_widgets` their terms.

They are looked for among the tokens of the text and then, by a Lean here, among the atoms of Lean's syntax tree: no
false hits in comments, in strings or in names such as `hsorry`.
"""

_COMMANDS = """
    abbrev add_aesop_rules add_decl_doc alias assert_not_exists assert_not_imported attribute axiom
    binder_predicate builtin_dsimproc builtin_initialize builtin_simproc class coinductive compile_def
    compile_inductive declare_aesop_rule_sets declare_command_config_elab declare_config_elab
    declare_simp_like_tactic declare_syntax_cat def deprecate deriving dsimproc dsimproc_decl elab elab_rules
    elab_stx_quot end erase_aesop_rules example export extend_docs extern gen_injective_theorems grind_pattern
    grind_propagator import include inductive infix infixl infixr init_quot initialize
    initialize_simps_projections insert_to_additive_translation instance irreducible_def lemma library_note
    library_note2 local lrat_proof macro macro_rules meta mk_iff_of_inductive_prop mutual namespace noncomputable
    nonrec norm_cast_add_elim notation notation3 omit opaque open_locale partial postfix prefix private
    proof_wanted protected public recommended_spelling register_builtin_option register_hint register_label_attr
    register_option register_parser_alias register_simp_attr register_tactic_tag run_cmd run_elab run_meta section
    show_panel_widgets simproc simproc_decl structure suppress_compilation syntax tactic_extension test_extern
    theorem unif_hint universe universes unset_option unsuppress_compilation variable variable? variables whatsnew
    with_weak_namespace
"""
COMMANDS = frozenset(_COMMANDS.split())
"""Words of commands, none of which stands in a proof; `open` and `set_option` may."""

_PROGRAMS = """
    Aesop BaseIO CommandElab CommandElabM CoreM EIO Elab IO Lean MacroM Meta MetaM Qq RealWorld Tactic TacticM
    TermElab TermElabM
"""
PROGRAMS = frozenset(_PROGRAMS.split())
"""Parts of names of Lean's own programs, which no proof needs: some tactics run a definition by its name."""

CONSTANTS = frozenset(["sorryAx", "lcProof", "lcAny", "lcUnreachable", "ofReduceBool", "ofReduceNat", "trustCompiler"])
"""Last parts of names: holes, and trust in the compiler."""

_HASH_COMMANDS = """
    adaptation_note aesop allow_unused_tactic check check_failure conv count_heartbeats discr_tree_key dump eval
    exec exit explode find find_home grind guard guard_expr guard_msgs help html import_path info_trees instances
    lean lint long loogle min_imports moogle norm_num parse print push_neg reduce redundant ring ring_nf sample
    search show simp state string synth test time trans_imports unfold version where whnf widget
"""
HASH_COMMANDS = tuple(_HASH_COMMANDS.split())
"""How a command behind `#` begins; `#s` is also how Mathlib counts a set.

The token ends before the word does: Lean reads `#evalf` as `#eval f`.
"""

_CONFIGURED = """
    abel abel_nf ac_nf ac_rfl aesop apply apply_assumption apply_mod_cast apply_rules apply_rw bound bv_check
    bv_decide bv_normalize bv_omega cc change compute_degree congr constructor continuity contrapose conv convert
    convert_to cutsat decide dsimp eapply erw exact exact_mod_cast ext fapply field field_simp finiteness
    fun_cases fun_induction fun_prop gcongr grewrite grind grobner group grw induction infer_instance injection
    intro lia lift linarith linear_combination measurability module_nf move_add mvcgen nlinarith noncomm_ring
    norm_cast norm_num norm_num1 nth_rewrite nth_rw observe omega order peel polyrith positivity push_cast qify
    rcases refine rewrite rfl rify ring ring1 ring_nf rsimp rw rw_mod_cast rwa rwa_mod_cast simp simp_all
    simp_all_arith simp_arith simp_intro simp_rw simpa solve_by_elim specialize split split_ifs subst symm tauto
    trans try unfold zify
"""
CONFIGURED = frozenset(_CONFIGURED.split())
"""Tactics that a configuration may follow, also with `!` or `?`: `simp? (contextual := true) +arith`."""

CONFIGURATIONS = ("config", "simp_config")
"""Names of whole configurations, behind whatever tactic."""

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
