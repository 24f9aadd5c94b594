"""What an answer sets before its theorem goes with the proof, and never with the statement."""

from typing import Any

import pytest

from tests.kimina_stand_in import AXIOMS, messages, stand_in
from tests.proof_tables import CHAT, CHATS, HEADER, SIGNATURE, problem
from verifiers.outcome import Outcome
from verifiers.proofs import LEAN_WHOLE
from verifiers.proofs.backend import use
from verifiers.proofs.helpers import Proof
from verifiers.proofs.preamble import preamble


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("open Finset Nat in\n", ("open Finset",)),
        ("open Real in open scoped Topology in\n", ("open Real", "open scoped Topology")),
        ("open Lean Elab\nnamespace Foo\nopen Foo\n", ()),
        ("open the brackets\nWe open Finset.\n", ()),
        ("set_option maxHeartbeats 400000 in\n", ("set_option maxHeartbeats 400000",)),
        ("set_option maxHeartbeats 400000\nset_option maxHeartbeats 0 in\n", ("set_option maxHeartbeats 0",)),
        ("set_option maxHeartbeats 100\nset_option autoImplicit true\n", ()),
        ("set_option maxRecDepth 1000000 in\n", ("set_option maxRecDepth 100000",)),
    ],
)
def test_namespaces_and_raised_limits_are_read(text: str, wanted: tuple[str, ...]) -> None:
    assert preamble(text, HEADER) == wanted
    assert preamble(text, f"{HEADER}open Finset Real\nopen scoped Topology\nset_option maxHeartbeats 0\n") == tuple(
        command for command in wanted if "maxRecDepth" in command
    )


@pytest.mark.parametrize("form", CHATS)
def test_the_proof_of_a_chat_prover_is_found_with_what_it_sets(form: str) -> None:
    for file in CHAT:
        candidate = LEAN_WHOLE.extract(problem(), form.replace("{}", file))
        assert candidate is not None
        proof = Proof.read(candidate.text, "t")
        assert proof.block.endswith("omega"), file
        assert Proof.read(proof.text("t"), "t") == proof
        assert ("maxHeartbeats" in file) is any("maxHeartbeats" in helper for helper in proof.helpers)


def test_a_server_elaborates_the_statement_outside_what_an_answer_opens() -> None:
    seen: list[str] = []

    def answer(request: dict[str, Any]) -> tuple[int, str]:
        seen.append(request["snippets"][0]["code"])
        return messages(("info", 0, AXIOMS), stripped=0)(request)

    text = f"open Finset\nset_option maxHeartbeats 400000 in\n{SIGNATURE} := by\n  omega"
    with stand_in() as kimina:
        kimina(answer)
        candidate = LEAN_WHOLE.extract(problem(), text)
        assert candidate is not None
        assert LEAN_WHOLE.judge(problem(), candidate.text).outcome is Outcome.correct
        use(None)
    ((_, _, after),) = [code.partition("end OfTheSample\n\n") for code in seen]
    assert after == (
        f"set_option maxHeartbeats 400000 in\n{SIGNATURE} :=\nopen Finset in\nby\n  omega\n\n#print axioms t\n"
    )
