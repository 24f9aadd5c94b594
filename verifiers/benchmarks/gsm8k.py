"""GSM8K: 1,319 grade-school word problems with a number for an answer, five-shot as in the paper.

    {"question": "Weng earns $12 an hour ...", "answer": "Weng earns 12/60 = $<<12/60=0.2>>0.2 ...\\n#### 10"}

Prompts, settings and the subset follow "Large Language Monkeys" (arXiv 2407.21787, appendix A) and its code,
https://github.com/ScalingIntelligence/large_language_monkeys at ed2bdb0, llmonk/generate/gsm8k.py. In a chat the
question is asked as Qwen2.5-Math asks it (STEP_BY_STEP); the paper's own verifier, which reads `#### N` alone, finds
no answer to that.
"""

from collections.abc import Sequence
from pathlib import Path
from random import Random

from verifiers.answers import GSM8K_ANSWER, GSM8K_MATH_VERIFY, GSM8K_PAPER
from verifiers.answers.gsm8k import true_answer
from verifiers.benchmarks.benchmark import Benchmark, Sampling
from verifiers.benchmarks.rows import answer_of, hub_rows, key_of, make_problems, text_of
from verifiers.benchmarks.template import STEP_BY_STEP
from verifiers.errors import UserError
from verifiers.files import Row, read_rows
from verifiers.verifier import Problem

HUB = ("openai/gsm8k", "main")
SHOTS = 5
TRAIN, TEST = 7473, 1319
"""Problems in the public sets: the paper's few-shot draws and its subset depend on these numbers alone."""


def load(file: Path | None) -> list[Problem]:
    """The problems of a file, or of the public test set."""
    return make_problems(file, read_rows(file) if file else hub_rows(*HUB, "test"), _problem)


def _problem(row: Row, line: int) -> Problem:
    data = {"question": text_of(row, "question"), "answer": answer_of(row, "answer")}
    true_answer(data["answer"])
    return Problem(key_of(row, line, "id", "name"), data)


def prompts(problems: Sequence[Problem], shots: Path | None, prefix: str | None) -> list[str]:
    """Raw completion prompts: five worked examples, drawn anew for each problem, and the question."""
    if prefix is not None:
        before = [prefix.rstrip("\n") + "\n\n" if prefix.strip() else ""] * len(problems)
    else:
        train = _train(shots)
        draws, _ = paper_draw(len(problems), len(train))
        before = ["".join(train[index] for index in draw) for draw in draws]
    return [
        f"{examples}Question: {problem.data['question']}\nAnswer:"
        for examples, problem in zip(before, problems, strict=True)
    ]


def _train(shots: Path | None) -> list[str]:
    examples = make_problems(shots, read_rows(shots) if shots else hub_rows(*HUB, "train", "--shots"), _problem)
    if len(examples) < SHOTS:
        raise UserError(f"{shots} holds {len(examples)} examples; the prompt needs {SHOTS}.")
    return [f"Question: {example.data['question']}\nAnswer: {example.data['answer']}\n\n" for example in examples]


def paper_draw(problems: int, train: int) -> tuple[list[list[int]], list[int]]:
    """What the paper's scripts draw: each problem's example indices, then the order of the problems."""
    random = Random(0)
    draws = [random.sample(range(train), SHOTS) for _ in range(problems)]
    order = list(range(problems))
    random.shuffle(order)
    return draws, order


def monkeys_subset(problems: Sequence[Problem]) -> list[int]:
    """The paper's 128 problems: the test set, shuffled by the generator that had drawn the examples."""
    if len(problems) != TEST:
        raise UserError(
            f"The subset monkeys needs the whole GSM8K test set of {TEST} problems; here are {len(problems)}."
        )
    return paper_draw(TEST, TRAIN)[1][:128]


GSM8K = Benchmark(
    name="gsm8k",
    about="GSM8K: 1,319 grade-school word problems, five-shot, final number compared",
    load=load,
    chat="{question}\n" + STEP_BY_STEP,
    prompts=prompts,
    verifiers=(GSM8K_ANSWER, GSM8K_PAPER, GSM8K_MATH_VERIFY),
    sampling=Sampling(temperature=0.6, max_tokens=512, stop=("Q:", "Question:")),
    subsets={"monkeys": monkeys_subset},
    source="https://huggingface.co/datasets/openai/gsm8k",
    licence="MIT",
)
