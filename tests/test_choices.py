r"""The verifier `choice`: which letter a text chooses, and whether it is the right one."""

import time

import pytest

from verifiers.answers import CHOICE
from verifiers.outcome import Outcome
from verifiers.verifier import Problem

FOUR = Problem("4", {"question": "Which gas?", "options": ["He", "Ne", "Ar", "Kr"], "answer": "B"})
TEN = Problem("10", {"question": "Which one?", "options": list("klmnopqrst"), "answer": "I"})

CORPUS = {
    # as asked
    "Because it is light.\nAnswer: B": "B",
    "Answer: B.": "B",
    "answer: c": "C",
    "ANSWER: D": "D",
    "Answer : A": "A",
    "Answer:B": "B",
    "Answer: $B$": "B",
    "Answer: $LETTER": None,
    "Answer: (C)": "C",
    "Answer: [C]": "C",
    "Answer: <D>": "D",
    "Answer: 'A'": "A",
    "Answer: “A”": "A",
    "Answer: `A`": "A",
    "Answer: B) Ne": "B",
    "Answer: b) Ne": "B",
    "Answer: B - Ne, of course": "B",
    "Answer: option C": "C",
    "Answer: The letter is C": "C",
    # markup
    "**Answer: B**": "B",
    "**Answer:** B": "B",
    "**Answer**: **B**": "B",
    "### Final Answer\n\n**C**": "C",
    "**Final Answer**\n\nD) Kr": "D",
    "Answer:\n\nB": "B",
    r"\boxed{B}": "B",
    r"$\boxed{\text{D}}$": "D",
    r"\[\boxed{\textbf{(C)}}\]": "C",
    r"\boxed{\mathrm{A}}": "A",
    r"\boxed{b}": "B",
    r"\boxed{B) Ne}": "B",
    r"\boxed{A. He}": "A",
    r"Answer: $\boxed{C}$": "C",
    r"\fbox{D}": "D",
    "Ａｎｓｗｅｒ：Ｂ": "B",
    "Answer：（Ｃ）": "C",
    # in a sentence
    "So the answer is (C).": "C",
    "The correct answer is therefore D": "D",
    "The answer is: **A**, since He is light.": "A",
    "the answer is most likely option B": "B",
    "The correct option is B, not A.": "B",
    "the best choice is C": "C",
    "The answer should be (d).": "D",
    "Answer: A because He is light": "A",
    "Answer: B—because it is light": "B",
    "The answer is A and the rest are wrong": "A",
    "Answer: A (He)": "A",
    "Answer: C and not D": "C",
    "Final Answer: The final answer is (C). I hope it is correct.": "C",
    "**Answer: A**\n\nExplanation: B, C and D are heavier.": "A",
    "\\boxed{C} is the answer: Ar": "C",
    "Answer: B, because A is wrong": "B",
    "The answer is B. A is wrong because C is heavier.": "B",
    # the last one counts
    "I considered answer: A but Answer: **C**": "C",
    "The answer is A. Wait, no: the answer is D.": "D",
    r"Answer: A? No. $\boxed{C}$": "C",
    "<think>Answer: A</think>\nAnswer: B": "B",
    "perhaps the answer is A</think>The answer is C": "C",
    "Answer: B\nThis answer is correct.": "B",
    "Answer: B\n\nQuestion: Which metal?\nAnswer: C": "B",
    "Answer: D\nUser: Thanks. Answer: A": "D",
    "Answer: B\nAnswer: E": "B",
    # a letter alone
    "B": "B",
    "(C)": "C",
    "It is light.\n\n**D**": "D",
    # said of the letter
    "Option B": "B",
    "**Option B**": "B",
    "Choice (C)": "C",
    "Option B: Ne": "B",
    "Option D) Kr": "D",
    "Thus, B.": "B",
    "It is B.": "B",
    "Thus, B is the correct answer.": "B",
    "So option B is correct.": "B",
    "Therefore, **B** is the right choice.": "B",
    "**B** is the correct answer: Ne": "B",
    "(D) is the answer.": "D",
    "Option C is the best answer": "C",
    "I would choose option B.": "B",
    "I'd go with C": "C",
    "My choice is D": "D",
    "The correct one is C.": "C",
    "The answer is A. Wait, B is the correct answer.": "B",
    "Option A is wrong.\n\nOption B": "B",
    "Option A: He\nOption B: Ne\nOption C: Ar\nOption D: Kr": None,
    "A is not the correct answer": None,
    "B is incorrect": None,
    "If A is the correct answer then": None,
    "A or B is correct": None,
    "Both A and B are correct": None,
    "Is B the correct answer?": None,
    "Whether B is correct depends": None,
    "C is right-handed": None,
    "I would not choose A": None,
    "Option E": None,
    "Answer: A\n\nSome may say B is correct, but no": "A",
    # no answer
    "": None,
    "I do not know.": None,
    "Answer: Both": None,
    "Answer: Both A and B": None,
    "Answer: A or B": None,
    "Answer: A, C": None,
    "The answer is A, B, and C.": None,
    "the answer is A or possibly B": None,
    "Answer: **A** and **B**": None,
    "<answer>B</answer>": "B",
    "<answer>\n(B) neon\n</answer>\nA gas": "B",
    '{"answer": "B"}': "B",
    "Answer: A and C": None,
    r"\boxed{A, B}": None,
    "Answer: A\nAnswer: B or C": None,
    "Answer: E": None,
    "Answer: None of them": None,
    "Answer: A gas is light": None,
    "The answer is a gas": None,
    "the answer is not A": None,
    "Answer: C-14": None,
    "Answer: B = 5 T": None,
    "Answer: D2O": None,
    "Answer: D₂O": None,
    r"\boxed{B^2}": None,
    r"\boxed{AB}": None,
    "Answer: Ar": None,
    "A lightbulb moment": None,
    "The options: A) He B) Ne": None,
}


def test_the_letter_that_a_text_chooses_is_found() -> None:
    found = {text: CHOICE.extract(FOUR, text) for text in CORPUS}
    wrong = {
        text: (candidate.text if candidate else None)
        for text, candidate in found.items()
        if (candidate.text if candidate else None) != CORPUS[text]
    }
    assert not wrong


def test_letters_go_as_far_as_the_options() -> None:
    expected = {
        "Answer: J": "J", "Answer: K": None, "Answer: I": "I", "Answer: I think so": None, "The answer is (i).": "I",
        "Answer: I, since": "I", "the answer is I": "I", "the answer is incorrect": None, "Answer: E": "E",
    }  # fmt: skip
    assert {text: getattr(CHOICE.extract(TEN, text), "text", None) for text in expected} == expected


def test_the_right_letter_and_an_option_of_the_same_text_are_right() -> None:
    twice = Problem("2", {"question": "?", "options": ["x", "y", "x"], "answer": "A"})
    outcomes = [CHOICE.check(twice, f"Answer: {letter}").judgement.outcome for letter in "ABC"]
    assert outcomes == [Outcome.correct, Outcome.incorrect, Outcome.correct]
    assert CHOICE.check(FOUR, "Answer: both").judgement.outcome is Outcome.no_answer


@pytest.mark.parametrize("part", ["Answer: ", "\\boxed{", "answer is the ", "*", "Answer\n", "\n#", "A or "])
def test_a_long_text_takes_time_in_proportion(part: str) -> None:
    def seconds(size: int) -> float:
        return min(timed((part * size)[:size]) for _ in range(3))

    def timed(text: str) -> float:
        begun = time.process_time()
        CHOICE.extract(FOUR, text)
        return time.process_time() - begun

    assert seconds(160_000) < 12 * max(seconds(40_000), 0.005)
