"""What a proof may and may not say, and the forms in which an answer holds one: for every back end the same tables."""

from verifiers.verifier import Problem

HEADER = "import Init\nopen Nat\n"
"""One header for nearly all, since a Lean takes half a minute to start in the tests."""

SIGNATURE = "theorem t (n : Nat) (h : n % 5 = 3) : (2 * n) % 5 = 1"
CHAIN = "theorem t (a b c : Nat) (h : a = b) (g : b = c) : a = c"


def problem(statement: str = SIGNATURE) -> Problem:
    return Problem("t", {"header": HEADER, "statement": statement})


ALLOWED = (
    "omega",
    "-- sorry\nomega",
    "/- axiom foo : False /- sorry -/ -/ omega",
    "have hsorry := h\nhave admit_ := hsorry\nomega",
    "have h' := h\nhave _c := 'a'\nomega",
    "have h' := h; have _c := '\"'; omega",
    "have _c := '\\''\nomega",
    'have _s := "sorry"\nomega',
    'have _s := r"\\"\nomega',
    'have _s := r#"a"sorry"b"#\nomega',
    'have _s := s!"{n} and sorry {n + 1}"\nomega',
    'have _s := s!"{s!"{n}"}"\nomega',
    "have «sorry not» := h\nomega",
    "set_option maxRecDepth 2000 in\nomega",
    "set_option maxRecDepth 2_000 in\nomega",
    "set_option maxHeartbeats 400000 in omega",
    "set_option linter.all false in\nomega",
    "open Nat in omega",
    "simp (config := { failIfUnchanged := false }) at h\nomega",
    "have := h; simp (config := { decide := true, zeta := false }) at this\nomega",
    "have := h; simp (maxSteps := 100000) -zeta +arith at this\nomega",
    "have := Eq.refl (a := n)\nomega",
    "exact (fun (k : Nat) (e : k % 5 = 3) => by omega : ∀ k : Nat, k % 5 = 3 → (2 * k) % 5 = 1) n h",
)
"""Proofs of SIGNATURE that pass, each on a Lean without Mathlib."""

REFUSED = (
    "sorry",
    "exact (sorry)",
    "first | decide | sorry",
    "exact sorryAx _ true",
    "exact «sorryAx» _ true",
    "exact _root_.sorryAx _ true",
    "stop",
    "admit",
    "λsorry",
    "exact 5sorry",
    "have x := '\"'; exact sorry; have y := '\"'",
    "have x := '\\''\nsorry\nhave y := '\\''",
    'have x := r"\\"; exact sorry; have y := "',
    'have x := r#"""#; exact sorry; have y := "',
    'have x := s!"{ (sorry : Nat) }"\nomega',
    'have x := s!"a{s!"{ (sorry : Nat) }"}"\nomega',
    'have x := m!"{ sorry }"\nomega',
    'have x := f!"{ sorry }"\nomega',
    'have x := s!"{ "\\"" }{ sorry }"\nomega',
    'throwError "{ sorry }"',
    'throwError "{" sorry "}"',
    'have x := «a"»; sorry; have y := «"»',
    "exact «a»'\"' sorry '\"'",
    "exact ∑'\"' sorry '\"'",
    "exact 1_0'\"' sorry '\"'",
    "exact é'\"' sorry '\"'",
    "exact x <-- sorry\nomega",
    "exact n //- sorry -/ n",
    "-/ sorry /-",
    "simp /- unclosed sorry",
    'simp "unclosed sorry',
    'simp r#"unclosed sorry"',
    "native_decide",
    "decide +native",
    "decide + native",
    "decide (native := true)",
    "decide (config := {native := true})",
    "exact Lean.ofReduceBool _ _ rfl",
    "exact lcProof",
    "exact unsafe (unsafeCast trivial)",
    "exact unsafeCast trivial",
    "run_tac pure ()",
    "conv => run_conv pure ()",
    "exact by_elab return default",
    "exact eval% 1",
    'have s := include_str "/etc/passwd"',
    'have x := dbg_trace "x"; 3',
    "omega\naxiom foo : False",
    "omega\n#print axioms t",
    "omega\n#exit",
    "omega\n#eval 1",
    'omega\nelab "#print" "axioms" x:ident : command => pure ()',
    "omega\nend Foo",
    'omega\nlocal notation "4" => 5',
    "omega\ninstance : Inhabited Nat := ⟨0⟩",
    "omega\n@[simp] theorem u : 1 = 1 := rfl",
    "omega\nprivate def x := 1",
    "omega\nattribute [simp] Nat.add_comm",
    "omega\ninitialize pure ()",
    "set_option debug.skipKernelTC true in omega",
    "set_option debug.terminalTacticsAsSorry true in\nomega",
    "set_option warn.sorry false in simp",
    "set_option maxRecDepth 10000000 in omega",
    "set_option maxRecDepth 10_000_000 in omega",
    "set_option maxRecDepth 0xFFFFFFFF in omega",
    "set_option exponentiation.threshold 1000000000 in omega",
    "simp (config := foo) at h",
    "simp (config := { maxSteps := unsafeIO 3 }) at h",
    "simp (config := { maxSteps := f 3 }) at h",
    "simp (config := { decide }) at h",
    "simp (config := by exact {}) at h",
    "simp (config := let x := 3; {}) at h",
    "simp (maxSteps := f 3) at h",
    "simp (zeta := false) (maxSteps := (f 3)) at h",
    "simp +arith (maxSteps := f) at h",
    "simp only (maxSteps := 3) at h; omega (config := g)",
    "omega (splitDisjunctions := b)",
    "decide (kernel := b)",
    "rw (occs := .f) [h]",
    "exact id (config := g)",
    "grind (splits := x)",
    "omega\n#evalf 1",
    'omega\n#evalIO.println "x"',
    "omega\n#print_axioms t",
    "have x := f ∘Lsorry",
    "exact x →Lby_elab return default",
    "let rec @[instance] one : OfNat Nat 5 := ⟨4⟩\nomega",
    "exact f\nwhere @[command_elab Lean.Parser.Command.printAxioms] f : Nat := 0",
    "omega\n@[instance]",
    "plausible",
    "slim_check",
    'exact (from_lrat "" "")',
    "with_panel_widgets [f x] omega",
    "aesop (add safe foo) (simp_config := f x)",
    "simp («config» := f x) at h",
    "simp_all? (maxSteps := f 3)",
    "grw (config := f) [h]",
    "decide +«native»",
    "/--/ sorry -/\nomega",
    "omega\nwith_weak_namespace Foo theorem u : 1 = 1 := rfl",
    "omega\nsimproc_decl f (1 + 1) := fun _ => pure .continue",
)
"""Texts that no back end may accept as a proof of anything, and that no server is sent."""

PROGRAMS = (
    "have e : IO Unit := pure ()",
    "have e := IO.println 3",
    "open Lean in omega",
    "open Lean Elab Tactic in omega",
    "let e : Lean.Elab.Tactic.TacticM Unit := pure ()\nomega",
    "have e : «Lean».Name := default\nomega",
    "aesop (add safe tactic Aesop.foo)",
)
"""Texts that name Lean's own programs: its tree shows nothing wrong in them, and no back end is shown one."""

FENCES = (
    "```lean4\n{}```", "Sure! Here it is.\n```lean\n{}```\nThis uses omega.", "The proof:\n\n```\n{}```",
    "```tactics\n{}```\n<|im_end|>", "<think>Perhaps ```lean\nsimp\n```</think>\nThus\n```lean4\n{}```",
    "1. First:\n   ```lean4\n   sorry\n   ```\n2. Then:\n\n```lean4\n{}```\n", "```lean4\n{}", "Here:\n~~~lean\n{}~~~",
    "Out:\n```text\nnothing\n```\nProof:\n```lean\n{}```\nRun:\n```bash\nlean x.lean\n```",
    "<|start|>assistant\nNo:\n```lean4\nsimp\n```\nBut:\n```lean4\n{}```",
)  # fmt: skip
"""Forms of an answer whose proof stands in a fence."""

FENCED = (
    "omega\n",
    "  omega\n",
    "by omega\n",
    ":= by omega\n",
    ":=by\n omega\n",
    " by\n    omega\n",
    ":=\nby\n  omega\n",
)
"""What such a fence may hold, each to be read as `omega`."""

HEADS = (
    "theorem t(n : Nat) (h : n % 5 = 3) : X", "theorem t{n : Nat} : X", "theorem t: X", "theorem t⟨x⟩ : X",
    "theorem t\n  (n : Nat)\n  (h : n % 5 = 3) :\n  X", "theorem «t» (n : Nat) : X", "lemma t (n : Nat) : X",
    "@[simp] theorem t (n : Nat): X", "@[simp]\ntheorem t : X", "private theorem t : X", "protected lemma t : X",
    "/-- Doc with theorem t : X := by sorry -/\ntheorem t : X", "theorem theorem6 (n : Nat) : X", "example : X",
    "lemma foo : X", "theorem foo.bar' : X", "import Mathlib\nopen Nat\n\ntheorem t : X", "theorem t.{u} : X",
    "set_option maxHeartbeats 400000 in\ntheorem t : X", "open Nat in theorem t : X",
    "theorem t : let y := 3; y = 3 ∧ X", "theorem t (x : Nat := 3) : X",
    "theorem t' : 1 = 1 := by rfl\n\ntheorem t : X",
)  # fmt: skip
"""Beginnings of a theorem that an answer proves, by the name of the problem's, `t`, or by another."""

THEOREMS = (
    "```lean4\n{} := by\n  omega\n```", "{} := by omega",
    "```lean\n{} :=\nby\n  omega\n```\nSo theorem t is proved: x := 3.",
    "Proof.\n```\n{} := by\n  omega\n```\ntheorem t follows: done.",
    "```lean4\n{} := by\n  have a := 1\n  sorry\n```\nIn full:\n```lean4\n{} := by\n  omega\n```",
    "```lean4\n{} := by\n  omega\n```\nIt was:\n```lean4\ntheorem t : X := by\n  sorry\n```",
    "We show that theorem t : it is := easy.\n\n```lean4\n{} := by\n  omega\n```",
)  # fmt: skip
"""Forms of an answer that states what it proves."""

AFTER = (
    "\n\ntheorem u : 1 = 2 := by\n  rfl", "\n\nlemma u : 1 = 2 := rfl", "\n\nexample : 1 = 2 := rfl",
    "\n\n#print axioms t", "\n\n#eval 1", "\n#check t", "\n\nend Foo", "\n\nend", "\n\ndef x := 3",
    "\n\nopen Nat\n\ntheorem u : 1 = 1 := rfl", "\n\n/-- doc -/\nlemma u : 1 = 1 := rfl", "\n\nvariable (x : Nat)",
    "\n\n@[simp] theorem u : 1 = 1 := rfl", "\n\nset_option pp.all true\n#print t", "\n\ninstance : Foo := ⟨0⟩",
    "\n\nnamespace X\ntheorem u : 1 = 1 := rfl\nend X", "\n\nThis completes the proof.", "\nSo we are done.",
    "\n\nThe proof uses `omega`, which is complete.\n\n- first\n- second", "\n\n### Explanation\nWe use omega.",
    "\n\n**Note**: nothing", "\n\n1. We use omega.", "\n\n$n$ is done.", "\n\n\\boxed{done}", "\n\nI hope this helps!",
    "\n\n证明完毕。", "\n\nwhich completes the proof.", "\n<|eot_id|>", "<|im_end|>", "\n<|endoftext|>garbage", "</s>",
    "\n</s>", "<|end_of_text|>", "<｜end▁of▁sentence｜>", "\n[/INST]", "<end_of_turn>", "\n</answer>", "\n```",
    "\n```\nThe proof is by omega.",
    "\n)\n```\nWrite a lean4 proof\n```import Mathlib\ntheorem u :=\nby (\n  rfl\n)\n```",
)  # fmt: skip
"""What may follow a proof."""

REALIGNED = (
    (CHAIN, "rw [h]\n  exact g\n)\n```"),
    (CHAIN, "subst h\n  subst g\n  rfl"),
    (CHAIN, "have h2 : a = c := by\n    rw [h]; exact g\n  exact h2"),
    (CHAIN, "have h2 : a = c := by rw [h]; exact g\n  exact h2"),
    (CHAIN, "have h2 : a = c := by\n  rw [h]\n  exact g\nexact h2"),
    (CHAIN, "calc a = b := h\n  _ = c := g"),
    (CHAIN, "calc a = b := h\n    _ = c := g\n  "),
    (CHAIN, "cases h with\n  | refl => exact g"),
    (CHAIN, "```lean4\nrw [h]\n  exact g\n```"),
    (CHAIN, "theorem t : a = c := by rw [h]\n  exact g"),
    (CHAIN, " rw [h]\nexact g"),
    (CHAIN, "show a = c\n  rw [h]\n    \n  exact g"),
    ("theorem t (a b : Nat) (h : a = b) (g : b = 1) : a = b ∧ b = 1", "constructor\n  · exact h\n  · exact g"),
    ("theorem t (a b : Nat) (h : a = b) (g : b = 1) : a = b ∧ b = 1", "refine ⟨?_, ?_⟩\n  · exact h\n  · exact g\n)"),
    ("theorem t (n : Nat) : 0 + n = n", "induction n with\n  | zero => simp\n  | succ k ih => omega"),
    ("theorem t : ∀ x : Nat, x = 1 → x = 1", "intro x hx\n  exact hx"),
    ("theorem t (p : Prop) : p ∨ ¬ p", "by_cases hp : p\n  · exact Or.inl hp\n  · exact Or.inr hp"),
)
"""Statements and answers whose first line has lost its blanks, or looks so; all are proofs."""

_INSTANCE = "OfNat Nat 5 := ⟨4⟩\ntheorem t : X := by\n  have := aux\n  rfl"

_AUX = "lemma aux (n : Nat) (h : n % 5 = 3) : n = 5 * (n/5) + 3 := by omega\n\n"
_USES = f"{SIGNATURE} := by\n  have := aux n h\n  omega\n"
_BEFORE = (
    _AUX, f"@[simp] {_AUX}", f"private {_AUX}", f"/-- doc -/\n{_AUX}", f"import Mathlib\n\nopen Nat\n\n{_AUX}",
    f"noncomputable {_AUX}", f"lemma bad : 1 = 2 := by sorry\n\n{_AUX}", f"-- one\n{_AUX}-- two\n",
    f"lemma aux (n : Nat) : n = 2 := by sorry\n\n{_AUX}", f"{_AUX}#check aux\n\n", f"section\n{_AUX}end\n\n",
    f"lemma aux0 (n : Nat) : n = n := by\n  rfl\n\n{_AUX.replace('omega', 'have := aux0 n; omega')}",
    f"theorem t : 1 = 1 := rfl\n\n{_AUX}", _AUX.replace("lemma", "theorem").replace("omega", "\n  omega"),
    _AUX.replace("omega", f"have := h\n{' ' * _AUX.index('omega')}omega"),
)  # fmt: skip

HELPED = (
    *(f"```lean4\n{before}{_USES}```" for before in _BEFORE),
    f"{_AUX}{_USES}",
    f"Plan.\n\n```lean4\n{_AUX}{_USES.replace('theorem t', 'theorem theorem6')}```\nDone.",
    "```lean4\ndef f (n : Nat) : Nat := 2 * n\n\nlemma f_eq (n : Nat) : f n = 2 * n := rfl\n\ntheorem t : X := by\n"
    "  have := f_eq n\n  omega\n```",
    "```lean4\ndef f : Nat → Nat\n  | 0 => 0\n  | n+1 => f n + 2\n\nlemma f_eq (n : Nat) : f n = 2 * n := by\n"
    "  induction n with\n  | zero => rfl\n  | succ k ih => simp [f, ih]; omega\n\ntheorem t : X := by\n"
    "  have := f_eq n\n  omega\n```",
)
"""Answers that prove SIGNATURE with declarations before the theorem."""

CHAT = (
    "import Mathlib\nimport Aesop\n\nset_option maxHeartbeats 400000\n\nopen BigOperators Real Nat Topology Rat\n\n"
    f"{SIGNATURE} := by\n  omega",
    f"set_option maxHeartbeats 0 in\nopen Nat in\n{SIGNATURE} := by\n  omega",
    f"open Nat Finset in\n/-- A doc. -/\n{SIGNATURE} := by\n  -- first\n  omega\n\n#check t\n#print axioms t",
    f"namespace Foo\n\nopen Foo\n\nlemma aux : 1 = 1 := rfl\n\n{SIGNATURE} := by\n  have := aux\n  omega\n\nend Foo",
    f"section\nopen scoped List\nopen Option (some)\nvariable {{x : Nat}}\n\n{SIGNATURE} := by\n  omega\nend",
    f"import Mathlib\nset_option maxRecDepth 1000000 in\nset_option autoImplicit false\n{SIGNATURE} := by omega",
    f"open Lean Elab\n\n{SIGNATURE} := by\n  omega",
)
"""Files with which chat provers answer; each proves SIGNATURE, in any Lean that knows the tactics."""

CHATS = (
    f"### Detailed Proof\n\n1. Use omega.\n\n### Step 1: Sketch\n\n```lean4\n{SIGNATURE} := by\n"
    "  have h1 : n % 5 = 3 := by sorry\n  sorry\n```\n\n### Complete Lean 4 Proof\n\n```lean4\n{}\n```",
    "<think>\nTry `simp`:\n```lean4\ntheorem t : X := by simp\n```\nNo.\n</think>\n\n```lean4\n{}\n```\n\nThis works.",
    "# Solution\n\n```tactics\nintro h\nnlinarith\n```\n\n```lean4\n{}\n```<|im_end|>",
    "```lean4\n{}",
)  # fmt: skip
"""Forms of their answers."""

NOT_HELPED = (
    "lemma aux : False := by\n  sorry\n\ntheorem t : X := by\n  exact aux.elim",
    "axiom aux : False\n\ntheorem t : X := by\n  exact aux.elim",
    "lemma aux : (2:Nat) = 3 := by\n  native_decide\n\ntheorem t : X := by\n  simp at aux",
    "lemma aux : (2:Nat) = 3 := by\n  omega\n\ntheorem t : X := by\n  exact absurd aux (by simp)",
    "def Nat.add (a b : Nat) : Nat := 4\n\ntheorem t : X := by\n  exact (rfl : Nat.add 2 2 = 4)",
    "def HAdd.hAdd (a b : Nat) : Nat := 5\n\ntheorem t : X := by\n  show HAdd.hAdd 2 2 = 5\n  rfl",
    "theorem _root_.aux : 1 = 1 := rfl\n\ntheorem t : X := by\n  simp [aux]",
    "instance aux : OfNat Nat 5 := ⟨4⟩\ntheorem t : X := by\n  have := aux\n  rfl",
    "@[instance] def aux : HAdd Nat Nat Nat := ⟨fun _ _ => 5⟩\ntheorem t : X := by\n  have := aux\n  rfl",
    f"def aux : Nat := 0\nwhere @[instance] foo : {_INSTANCE}",
    f"def aux : Nat := 0\nwhere\n  @[instance] foo : {_INSTANCE}",
    f"def aux : Nat :=\n  let rec @[instance] foo : {_INSTANCE.replace('⟩', '⟩; 0', 1)}",
    f"def aux0 := 0\n@[instance]\ndef aux : {_INSTANCE}",
    f"def aux0 := 0 @[instance]\ndef aux : {_INSTANCE.replace('aux', 'aux0; have := aux')}",
    "theorem «_root_».aux : 1 = 1 := rfl\n\ntheorem t : X := by\n  simp [aux]",
    "def aux : Lean.Elab.Tactic.TacticM Unit := pure ()\n\ntheorem t : X := by\n  aesop (add safe tactic aux)",
    'local notation "aux" => 3\ntheorem t : X := by\n  have := aux\n  rfl',
    "unsafe def aux : False := aux\ntheorem t : X := by\n  exact aux.elim",
    "partial def aux (n : Nat) : (2:Nat) + 2 = 5 := aux n\ntheorem t : X := by\n  exact aux 1",
    "@[simp] theorem aux : (4:Nat) = 5 := by\n  simp\ntheorem t : X := by\n  simp",
    "def aux := 1\nend OfTheSample\naxiom foo : False\nnamespace OfTheSample\n"
    "theorem t : X := by\n  exact (foo, aux).1.elim",
    "def aux := 1 deriving Repr\ntheorem t : X := by\n  simp [aux]",
    "theorem aux : 1 = 1 := by rfl /-\n-/ axiom foo : False\ntheorem t : X := by\n  exact (foo, aux).1.elim",
)
"""Files that prove nothing of 2 + 2 = 5 with what stands before the theorem."""
