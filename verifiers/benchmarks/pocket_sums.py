"""pocket-sums: arithmetic word problems of our own, from easy to nearly hopeless for a tiny LLM.

The problems are in GSM8K's format (`question`, and `answer` with worked steps that end in `#### N`). This file writes
them: a fixed seed makes the benchmark, other seeds make what pocket-monkey learns from. Problems whose worked steps
hash into the reserved eighth belong to the benchmark alone, so nothing it asks was ever trained on in any wording.

Only `Random.random()` is drawn from, whose sequence Python promises for good: the benchmark is the same everywhere.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple, TypeVar

from verifiers.answers import GSM8K_ANSWER, GSM8K_PAPER
from verifiers.answers.gsm8k import true_answer
from verifiers.benchmarks.benchmark import Benchmark, Sampling
from verifiers.benchmarks.rows import answer_of, key_of, make_problems, text_of
from verifiers.errors import UserError
from verifiers.files import Row, read_rows
from verifiers.verifier import Problem

SIZE = 100
SEED = 20240731  # the paper's first day on arXiv
LARGEST = 999_999

# fmt: off
NAMES = [
    "Ada", "Ben", "Cleo", "Dan", "Eva", "Finn", "Gus", "Hana", "Ivan", "June",
    "Kofi", "Lena", "Milo", "Nora", "Omar", "Pia", "Quin", "Rosa", "Sam", "Tara",
]
ITEMS = [
    "apples", "beads", "books", "bricks", "buttons", "cards", "coins", "cookies", "eggs", "flowers",
    "marbles", "nuts", "pears", "pencils", "pens", "plums", "shells", "stamps", "stickers", "stones",
]
# fmt: on

T = TypeVar("T")


class Sum(NamedTuple):
    """One written problem, in GSM8K's own fields."""

    question: str
    answer: str


class Step(NamedTuple):
    """What one sentence does to a quantity: the number in the sentence, the worked lines and the new quantity."""

    number: int
    lines: tuple[str, ...]
    result: int


class Pen:
    """Draws for one problem; `hardness` from 0 to 1 makes it longer and its numbers larger."""

    def __init__(self, random: Random, hardness: float) -> None:
        self.random = random
        self.hardness = hardness

    def below(self, bound: float) -> int:
        return int(self.random.random() * bound)

    def pick(self, among: Sequence[T]) -> T:
        return among[self.below(len(among))]

    def amount(self) -> int:
        """A number to start from or to add: up to 20 at hardness 0, up to 2,000 at 1."""
        return 2 + self.below(18 * 110**self.hardness)

    def factor(self) -> int:
        """A number to multiply or divide by: up to 5 at hardness 0, up to 99 at 1."""
        return 2 + self.below(4 * 24.5**self.hardness)


def add(pen: Pen, x: int) -> Step | None:
    n = pen.amount()
    return Step(n, (f"{x} + {n} = {x + n}",), x + n)


def subtract(pen: Pen, x: int) -> Step | None:
    if x < 4:
        return None
    n = 2 + pen.below(min(x - 3, pen.amount()))
    return Step(n, (f"{x} - {n} = {x - n}",), x - n)


def multiply(pen: Pen, x: int) -> Step | None:
    n = pen.factor()
    return Step(n, (f"{x} * {n} = {x * n}",), x * n)


def divide(pen: Pen, x: int) -> Step | None:
    largest = max(pen.factor(), 9)
    divisors = [n for n in range(2, largest + 1) if x % n == 0 and n < x]
    if not divisors:
        return None
    n = pen.pick(divisors)
    return Step(n, (f"{x} / {n} = {x // n}",), x // n)


def percent(pen: Pen, x: int) -> Step | None:
    shares = [n for n in (5, 10, 15, 20, 25, 30, 40, 50, 60, 75, 80, 90) if x * n % 100 == 0]
    if not shares:
        return None
    n = pen.pick(shares)
    return Step(n, (f"{x} * {n} / 100 = {x * n // 100}",), x * n // 100)


def left_over(pen: Pen, x: int) -> Step | None:
    n = 1 + pen.factor()
    if n >= x or x % n == 0:
        return None
    packed = x // n * n
    return Step(n, (f"{x // n} * {n} = {packed}", f"{x} - {packed} = {x - packed}"), x - packed)


def join(pen: Pen, x: int) -> Step | None:
    n = pen.amount()
    return Step(n, (f"{x} + {n} = {x + n}", f"{x} + {x + n} = {x + x + n}"), x + x + n)


class Sentence(NamedTuple):
    """A way to tell of an operation; where it names {other}, the story goes on with that person."""

    does: Callable[[Pen, int], Step | None]
    text: str


FIRST = (
    "{name} has {n} {items}.",
    "{name} starts with {n} {items}.",
    "{name} collects {n} {items}.",
)
SENTENCES = (
    Sentence(add, "{name} buys {n} more {items}."),
    Sentence(add, "{name} finds {n} more."),
    Sentence(add, "A friend gives {name} {n} {items}."),
    Sentence(subtract, "{name} gives away {n} {items}."),
    Sentence(subtract, "{name} loses {n} of them."),
    Sentence(subtract, "{name} sells {n} {items}."),
    Sentence(multiply, "{other} has {n} times as many {items} as {name}."),
    Sentence(multiply, "{other} collects {n} times as many."),
    Sentence(divide, "{name} shares the {items} equally among {n} friends and {other} is one of them."),
    Sentence(divide, "{name} packs the {items} equally into {n} boxes and {other} gets one box."),
    Sentence(percent, "{name} keeps only {n} percent of the {items}."),
    Sentence(left_over, "{name} packs the {items} into bags of {n} and keeps only those left over."),
    Sentence(join, "{other} has {n} more {items} than {name} and gives {name} all of them."),
)
LAST = (
    "How many {items} does {name} have?",
    "How many {items} does {name} have now?",
    "How many {items} are there for {name} in the end?",
)


def write(random: Random, hardness: float) -> Sum:
    """Write one problem of one to five steps."""
    pen = Pen(random, hardness)
    steps = min(5, 1 + pen.below(1.5 + 4 * hardness))
    name, items, x = pen.pick(NAMES), pen.pick(ITEMS), pen.amount()
    story, lines = [pen.pick(FIRST).format(name=name, items=items, n=x)], list[str]()
    while len(story) <= steps:
        sentence = pen.pick(SENTENCES)
        step = sentence.does(pen, x)
        if step is None or step.result > LARGEST:
            continue
        other = pen.pick([person for person in NAMES if person != name])
        story.append(sentence.text.format(name=name, other=other, items=items, n=step.number))
        lines += step.lines
        x = step.result
        if sentence.does in (multiply, divide):
            name = other
    story.append(pen.pick(LAST).format(name=name, items=items))
    return Sum(" ".join(story), "\n".join([*lines, f"#### {x}"]))


def reserved(written: Sum) -> bool:
    """Whether a problem's worked steps are the benchmark's own: an eighth of all, by their hash."""
    return hashlib.sha256(written.answer.encode()).digest()[0] % 8 == 0


def benchmark_sums() -> list[Sum]:
    """The benchmark: SIZE different problems of the reserved eighth, from easy to hard."""
    random, sums = Random(SEED), list[Sum]()
    for place in range(SIZE):
        while True:
            written = write(random, place / (SIZE - 1))
            if reserved(written) and written not in sums:
                break
        sums.append(written)
    return sums


def training_sums(seed: int) -> Iterator[Sum]:
    """Problems of all hardness without end, more of them easy, none with the worked steps of a reserved one."""
    random = Random(seed)
    while True:
        written = write(random, random.random() ** 2)
        if not reserved(written):
            yield written


def prompt(question: str) -> str:
    """What an llm is asked."""
    return f"Question: {question}\nAnswer:"


def load(file: Path | None) -> list[Problem]:
    """The benchmark, or problems of the same form from a file."""
    if file is None:
        return [Problem(f"sums-{place:03d}", written._asdict()) for place, written in enumerate(benchmark_sums())]

    def to_problem(row: Row, line: int) -> Problem:
        data = {"question": text_of(row, "question"), "answer": answer_of(row, "answer")}
        true_answer(data["answer"])
        return Problem(key_of(row, line, "key"), data)

    return make_problems(file, read_rows(file), to_problem)


def prompts(problems: Sequence[Problem], shots: Path | None, prefix: str | None) -> list[str]:
    """One prompt a problem; few-shot examples are of no use to an llm that was trained on this form alone."""
    if shots is not None:
        raise UserError("pocket-sums takes no --shots: its prompt has no examples.")
    return [(prefix or "") + prompt(problem.data["question"]) for problem in problems]


def every_third(problems: Sequence[Problem]) -> list[int]:
    """From easy to hard in a third of the time."""
    return list(range(0, len(problems), 3))


POCKET_SUMS = Benchmark(
    name="pocket-sums",
    about="100 arithmetic word problems of our own, from easy to nearly hopeless for a tiny llm",
    load=load,
    prompts=prompts,
    verifiers=(GSM8K_ANSWER, GSM8K_PAPER),
    sampling=Sampling(temperature=1.0, max_tokens=160),
    subsets={"demo": every_third},
    source="written by monkeys",
    licence="MIT",
)
