r"""GPQA: questions of biology, physics and chemistry for experts, with four options.

    {"Record ID": "rec...", "Question": "Two quantum states ...", "Correct Answer": "10^-4 eV",
     "Incorrect Answer 1": "...", "Incorrect Answer 2": "...", "Incorrect Answer 3": "...", "Subdomain": "Physics"}

The four are shown in an order that depends on the question and their texts alone, stored as `options` with the right
one's letter as `answer`. Rows with options in an order of their own keep it: MMLU-Pro's (`question, options, answer`,
a letter, and `answer_index` from 0) and SuperGPQA's (`question, options, answer_letter`, and `answer`, its text).

The chat prompt is that of https://github.com/openai/simple-evals at 01ac108, common.py. Temperature 0.6, top-p 0.95
and 32,768 tokens are how DeepSeek-R1 was evaluated (arXiv 2501.12948, section 3).
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from string import ascii_uppercase
from typing import Any

from verifiers.answers.choices import CHOICE, MOST_OPTIONS
from verifiers.benchmarks.benchmark import Benchmark, Sampling
from verifiers.benchmarks.rows import hub_rows, key_of, make_problems, text_of, texts_of
from verifiers.files import Row, read_rows
from verifiers.verifier import Problem

HUB = ("Idavidrein/gpqa", "gpqa_diamond")
RIGHT = "Correct Answer"
WRONG = ("Incorrect Answer 1", "Incorrect Answer 2", "Incorrect Answer 3")
IDS = ("Record ID", "question_id", "uuid", "id")
KEPT = ("Subdomain", "category", "discipline")


def load(file: Path | None) -> list[Problem]:
    """The problems of a file, or of the public GPQA Diamond, whose terms one has to agree to on the hub."""
    rows = read_rows(file) if file else hub_rows(*HUB, "train")
    return make_problems(file, rows, _problem, judged_by=("options",))


def _problem(row: Row, line: int) -> Problem:
    question = text_of(row, "Question", "question").strip()
    if RIGHT in row:
        right = text_of(row, RIGHT).strip()
        options = shuffled(question, [right, *(text_of(row, name).strip() for name in WRONG)])
        place = options.index(right)
    else:
        options = texts_of(row, "options")
        place = _place(row, options)
    letters = ascii_uppercase[: len(options)]
    data = {
        "question": question,
        "options": options,
        "choices": "\n".join(f"{letter}) {option}" for letter, option in zip(letters, options, strict=True)),
        "letters": letters,
        "answer": letters[place],
    }
    data |= {name.lower(): row[name] for name in KEPT if isinstance(row.get(name), str)}
    return Problem(key_of(row, line, *IDS), data)


def shuffled(question: str, options: Sequence[str]) -> list[str]:
    """Options in an order by their hashes with the question, the same everywhere and for good."""
    return sorted(options, key=lambda option: hashlib.sha256(f"{question}\0{option}".encode()).digest())


def _place(row: Row, options: Sequence[str]) -> int:
    """Where the right one of given options stands, on which all fields that say it must agree."""
    if not 2 <= len(options) <= MOST_OPTIONS:
        raise ValueError(f"options must be 2 to {MOST_OPTIONS} texts, not {len(options)}")
    answer, letter, index = (row.get(name) for name in ("answer", "answer_letter", "answer_index"))
    places = set()
    if letter is not None:
        places.add(_place_of("answer_letter", letter, options))
    if answer is not None and (letter is None or answer not in options):
        places.add(_place_of("answer", answer, options))
    if index is not None:
        if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < len(options):
            raise ValueError(f"answer_index must be a whole number from 0 to {len(options) - 1}")
        places.add(index)
    if not places:
        raise KeyError("answer")
    if len(places) > 1 or (letter is not None and answer in options and options[min(places)] != answer):
        raise ValueError("its fields name different answers")
    return places.pop()


def _place_of(name: str, letter: Any, options: Sequence[str]) -> int:
    letters = tuple(ascii_uppercase[: len(options)])
    if letter not in letters:
        raise ValueError(f"{name} must be a letter from A to {letters[-1]}; answer_index counts from 0")
    return letters.index(letter)


GPQA = Benchmark(
    name="gpqa",
    about="GPQA Diamond: 198 questions for experts with four options, zero-shot, letter compared",
    load=load,
    chat=(
        "Answer the following multiple choice question. The last line of your response should be of the following "
        "format: 'Answer: $LETTER' (without quotes) where LETTER is one of {letters}. Think step by step before "
        "answering.\n\n{question}\n\n{choices}"
    ),
    verifiers=(CHOICE,),
    sampling=Sampling(temperature=0.6, max_tokens=32_768, top_p=0.95),
    source=f"https://huggingface.co/datasets/{HUB[0]}",
    licence="CC BY 4.0; its authors ask that its questions are not published in plain text",
)
