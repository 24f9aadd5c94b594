r"""The paper's reading of MATH answers: Minerva's normalisation, as the LM Evaluation Harness has it.

Rules from appendix D of Lewkowycz et al. 2022 (arXiv 2206.14858), by way of
https://github.com/EleutherAI/lm-evaluation-harness/blob/0348ed975af5b6788c275445197287dd91acb221/lm_eval/tasks/minerva_math/utils.py
Their faults are kept, since this is how the paper graded: the last `=` counts, and "3 apples" loses its "a".
"""

import re

_BEFORE, _AFTER = "Final Answer: The final answer is", " I hope it is correct"

_REPLACED = (
    ("an ", ""),
    ("a ", ""),
    (".$", "$"),
    (r"\$", ""),
    (r"\ ", ""),
    (" ", ""),
    ("mbox", "text"),
    (r",\text{and}", ","),
    (r"\text{and}", ","),
    (r"\text{m}", r"\text{}"),
)
_UNITS = (
    "square ways integers dollars mph inches ft hours km units \\ldots sue points feet minutes digits cents "
    "degrees cm gm pounds meters meals edges students childrentickets multiples"
)
_REMOVED = (
    *_UNITS.split(),
    *(r"\text{s}", r"\text{.}", "\\text{\ns}", r"\text{}^2", r"\text{}^3", "\\text{\n}", r"\text{}"),
    *(r"\mathrm{th}", r"^\circ", r"^{\circ}", r"\;", r",\!", "{,}", '"', r"\dots"),
)
_REWRITTEN = (
    (re.compile(r"(.*?)(\$)(.*?)(\$)(.*)"), r"$\3$"),
    (re.compile(r"(\\text\{)(.*?)(\})"), r"\2"),
    (re.compile(r"(\\textbf\{)(.*?)(\})"), r"\2"),
    (re.compile(r"(\\overline\{)(.*?)(\})"), r"\2"),
    (re.compile(r"(\\boxed\{)(.*)(\})"), r"\2"),
    (re.compile(r"(frac)([^{])(.)"), r"frac{\2}{\3}"),
    (re.compile(r"(sqrt)([^{])"), r"sqrt{\2}"),
)


def final_answer(text: str) -> str | None:
    """What stands between "Final Answer: The final answer is" and ". I hope it is correct."; None without it.

    What r"Final Answer: The final answer is(.*?). I hope it is correct." finds, in linear time.
    """
    for line in (text + "I hope it is correct.").split("\n") if _BEFORE in text else ():
        start = line.find(_BEFORE)
        end = line.find(_AFTER, start + len(_BEFORE) + 1, -1) if start >= 0 else -1
        if end >= 0:
            return line[start + len(_BEFORE) : end - 1].strip()
    return None


def normalize(answer: str) -> str:
    """One spelling for answers that Minerva's rules take to be the same."""
    answer = answer.split("=")[-1]
    for before, after in _REPLACED:
        answer = answer.replace(before, after)
    for removed in _REMOVED:
        answer = answer.replace(removed, "")
    for pattern, replacement in _REWRITTEN:
        answer = pattern.sub(replacement, answer)
    answer = answer.replace("$", "")
    return answer.replace(",", "") if answer.replace(",", "").isdigit() else answer


def last_boxed(text: str) -> str | None:
    r"""What the last `\boxed{...}`, `\boxed x` or `\fbox{...}` of a solution holds; None without one."""
    if r"\boxed " in text:
        return text.rpartition(r"\boxed ")[2].partition("$")[0]
    start = text.rfind(r"\boxed{")
    if start < 0:
        start = text.rfind(r"\fbox{")
    if start < 0:
        return None
    opening, depth = text.index("{", start), 0
    for index in range(opening, len(text)):
        depth += {"{": 1, "}": -1}.get(text[index], 0)
        if depth == 0:
            return text[opening + 1 : index]
    return None
