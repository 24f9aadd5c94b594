"""ProofNet: theorems of undergraduate mathematics in Lean 4, to be proved.

    {"id": "Rudin|exercise_1_1a", "nl_statement": "If $r$ is rational ...", "lean4_src_header": "import Mathlib ...",
     "lean4_formalization": "theorem exercise_1_1a (x : ℝ) (y : ℚ) : Irrational x → Irrational (x + y) :="}
    {"name": "exercise_1_1a", "split": "valid", "informal_prefix": "/-- If $r$ ...-/", "header": "import Mathlib ...",
     "formal_statement": "theorem exercise_1_1a ... :="}

The first is ProofNet#, the corrected port on the hub; the second is the file of DeepSeek-Prover-V1.5. Its names are not
unique: the second problem of a name has the key NAME-2. Exercises that ask for data (a `def`), not for a proof, are
left out. Raw prompt, temperature and top-p are those of https://github.com/deepseek-ai/DeepSeek-Prover-V1.5 at 2c4ba91,
prover/utils.py and configs/sampling.py; the chat prompt is DeepSeek-Prover-V2's, as are 8,192 tokens.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from verifiers.benchmarks.benchmark import Benchmark, Sampling
from verifiers.benchmarks.minif2f import CHAT, theorem_problem
from verifiers.benchmarks.rows import hub_rows, make_problems
from verifiers.errors import UserError
from verifiers.files import Row, read_rows
from verifiers.proofs import LEAN_WHOLE
from verifiers.verifier import Problem

HUB = "PAug/ProofNetSharp"
SPLITS = ("valid", "test")

_DATA = re.compile(r"\s*(?:noncomputable\s+)?(?:def|abbrev|instance)\b")


def load(file: Path | None) -> list[Problem]:
    """The theorems of a file, or of both splits of the public set."""
    return make_problems(file, read_rows(file) if file else _hub(), _numbered())


def _hub() -> Iterator[Row]:
    for split in SPLITS:
        yield from ({**row, "split": split} for row in hub_rows(HUB, None, split))


def _asks_for_data(row: Mapping[str, object]) -> bool:
    formal = row.get("lean4_formalization") or row.get("formal_statement")
    return isinstance(formal, str) and bool(_DATA.match(formal))


def _numbered() -> Callable[[Row, int], Problem | None]:
    """Makes problems; one that shares its name with others before it has its number among them in its key."""
    found: dict[str, list[str]] = {}

    def problem(row: Row, line: int) -> Problem | None:
        if _asks_for_data(row):
            return None
        made = theorem_problem(_with_prefix(row), line)
        others = found.setdefault(made.key, [])
        if made.content_hash in others:
            raise ValueError(f"{made.key} is there twice")
        others.append(made.content_hash)
        return made if len(others) == 1 else Problem(f"{made.key}-{len(others)}", made.data)

    return problem


def _with_prefix(row: Row) -> Row:
    """A row with its statement in words as Lean's comment, as the other form has it."""
    words = row.get("nl_statement")
    return row if not isinstance(words, str) else {"informal_prefix": f"/-- {words.strip()} -/\n", **row}


def prompts(problems: Sequence[Problem], shots: Path | None, prefix: str | None) -> list[str]:
    """Raw completion prompts that end in `:= by`, as DeepSeek-Prover-V1.5 was asked without a chain of thought."""
    if shots is not None:
        raise UserError("ProofNet's prompt has no examples: give a text before it with --prompt-file, not --shots.")
    before = f"{prefix.rstrip()}\n\n\n" if prefix and prefix.strip() else ""
    return [
        f"{before}Complete the following Lean 4 code:\n\n```lean4\n{problem.data['header']}\n"
        f"{problem.data.get('informal_prefix', '')}{problem.data['statement']} := by\n"
        for problem in problems
    ]


def split(name: str) -> Callable[[Sequence[Problem]], list[int]]:
    """The problems of a split."""

    def chosen(problems: Sequence[Problem]) -> list[int]:
        places = [index for index, problem in enumerate(problems) if problem.data.get("split") == name]
        if not places:
            raise UserError(f"The subset {name} needs problems whose field split is {name}; there is none.")
        return places

    return chosen


PROOFNET = Benchmark(
    name="proofnet",
    about="ProofNet: theorems of undergraduate mathematics in Lean 4 to be proved, zero-shot",
    load=load,
    chat=CHAT,
    prompts=prompts,
    verifiers=(LEAN_WHOLE,),
    sampling=Sampling(temperature=1.0, max_tokens=8_192, top_p=0.95, stop=("```",)),
    subsets={name: split(name) for name in SPLITS},
    source=f"https://huggingface.co/datasets/{HUB}",
    licence="MIT",
    known={
        "exercise_11_4_1b": "in DeepSeek-Prover-V1.5's file its theorem is not what its text says",
        "exercise_11_4_6b": "in DeepSeek-Prover-V1.5's file its theorem is not what its text says",
    },  # https://github.com/deepseek-ai/DeepSeek-Prover-V1.5/issues/18
)
