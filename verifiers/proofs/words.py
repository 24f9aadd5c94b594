"""A check of a proof's words, for a Lean whose syntax trees cannot be seen."""

import re

from verifiers.proofs.comments import comment_end
from verifiers.proofs.policy import OPTIONS

_PLAIN = re.compile(r'--[^\n]*|"(?:\\.|[^"\\])*"|/-', re.DOTALL)
_SIGNS = re.compile(r"\+\s*native\b|\bnative\s*:=|\beval%")
_WORD = re.compile(r"#?«?[^\W\d][\w.'!?]*»?|#\w+")

_COMMANDS = """
    abbrev add_decl_doc alias assert_not_exists attribute axiom builtin_dsimproc builtin_initialize builtin_simproc
    class compile_inductive constant declare_syntax_cat def deriving dsimproc elab elab_rules end example export
    extern gen_injective_theorems import include inductive infix infixl infixr init_quot initialize instance
    irreducible_def lemma library_note local macro macro_rules mutual namespace noncomputable notation notation3 omit
    opaque open_locale partial postfix prefix private protected public run_cmd run_elab run_meta scoped section simproc
    structure syntax theorem unif_hint universe universes unsafe variable variables
"""
_HOLES = "sorry admit stop sorryAx lcProof ofReduceBool ofReduceNat native_decide trustCompiler"
_PROGRAMS = "run_tac by_elab include_str dbg_trace unsafeCast polyrith"
_FORBIDDEN = frozenset(f"{_COMMANDS} {_HOLES} {_PROGRAMS}".split())
_FORBIDDEN_ENDINGS = frozenset(_HOLES.split())


def forbidden_word(text: str) -> str | None:
    """The first word, outside comments and strings, with which a proof could do more than prove; None if it has none.

    Stricter than Lean's own tree: a hypothesis named `stop` is refused too. Never let through: a new command, a
    hole, a program run while elaborating, an option besides the resource limits.
    """
    text = _without_comments(text)
    words: list[str] = _WORD.findall(text)
    for word, following in zip(words, [*words[1:], ""], strict=False):
        plain = word.replace("«", "").replace("»", "")
        if word.startswith("#") or plain in _FORBIDDEN or plain.rpartition(".")[2] in _FORBIDDEN_ENDINGS:
            return word
        if word == "set_option" and following not in OPTIONS:
            return f"set_option {following}"
    sign = _SIGNS.search(text)
    return sign[0] if sign else None


def _without_comments(text: str) -> str:
    """The text with comments and strings as blanks; from an unclosed comment on it is kept, to be refused for that."""
    kept, place = [], 0
    while token := _PLAIN.search(text, place):
        kept.append(text[place : token.start()])
        place = token.end()
        if token[0] == "/-":
            end = comment_end(text, place)
            if end is None:
                break
            place = end
    return " ".join([*kept, text[place:]])
