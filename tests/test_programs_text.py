"""Finding programs in texts, and comparing what they print."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifiers.programs import CODECONTESTS_CPP, CODECONTESTS_PAPER, CODECONTESTS_STRICT, HUMANEVAL
from verifiers.programs.blocks import blocks, tidy
from verifiers.programs.compare import same_as_paper, same_tokens
from verifiers.verifier import Problem

PROBLEM = Problem("p", {"description": "Add."})
ADD = Problem("add", {"prompt": "import math\n\ndef add(a, b):\n    '''Add.'''\n", "test": "", "entry_point": "add"})
CODE = "a, b = map(int, input().split())\nprint(a + b)\n"


def program(text: str) -> str | None:
    found = CODECONTESTS_PAPER.extract(PROBLEM, text)
    return found.text if found else None


FENCES = """```|```python|```py|```Python|```python3|```PYTHON|``` python|~~~|~~~py|````python|```{.python}"""


@pytest.mark.parametrize("fence", [*FENCES.split("|"), '```python title="a.py"'])
def test_a_fence_of_any_spelling_is_found(fence: str) -> None:
    closing = fence[0] * (len(fence) - len(fence.lstrip(fence[0])))
    assert program(f"Here it is:\n\n{fence}\n{CODE}{closing}\n\nDone.") == CODE


@pytest.mark.parametrize(
    ("fences", "tag"),
    [
        (
            "python|python3.12|py3.8|Python 3|pypy3|PyPy|python3-numpy|python (3.11)|ipython3|Python3 {.numbers}",
            "python",
        ),
        ("cpp|c++|C++ 17|cpp20|c++23|c++2a|gnu++17|G++|cxx|cc|C++ (GCC)|cpp title=a.cpp|{.cpp}", "cpp"),
        ("c|C|c99|c11|gnu11|ansi-c|gcc|C (gcc)", "c"),
        ("text|output", None),
        ("pseudocode|objective-c|dart|f90", None),
        ("|pass|break", ""),
    ],
)
def test_a_language_in_any_spelling_is_no_part_of_the_code(fences: str, tag: str | None) -> None:
    for fence in fences.split("|"):
        ((found, text),) = blocks(f"So:\n```{fence}\nint a;\n```\n")
        assert found == (fence if tag is None else tag)
        assert text.strip() == (f"{fence}\nint a;".strip() if tag == "" else "int a;")


@pytest.mark.parametrize("line", ["print(1)", "x = 1", "import os", "def f(): return 1", "f()"])
def test_code_on_the_line_of_a_fence_is_code(line: str) -> None:
    for fence in ("```", "```python "):
        ((_, text),) = blocks(f"{fence}{line}\nprint(2)\n```")
        assert text.strip() == f"{line}\nprint(2)"


def test_code_may_begin_on_the_line_of_the_fence_as_in_the_papers_prompt() -> None:
    assert program(f" ```{CODE.strip()}```\nQ:") == CODE


def test_an_unfinished_fence_ends_with_the_text() -> None:
    assert program(f"Sure!\n```python\n{CODE}") == CODE


def test_the_first_python_block_counts_by_the_papers_rule() -> None:
    assert program(f"```text\n1 2\n```\nso\n```python\n{CODE}```\nor\n```python\nprint(3)\n```") == CODE
    assert program("```cpp\nint main(){}\n```") == "int main(){}\n"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (f"```python\nprint(3)\n```\nThat fails. Final:\n```python\n{CODE}```", CODE),
        (f"```\nprint(3)\n```\nor\n```\n{CODE}```", CODE),
        (f"```python\nprint(3)\n```\nor\n```\n{CODE}```", CODE),
        (f"```python\n{CODE}```\nIt prints\n```\n5\n```", CODE),
        (f"```python\n{CODE}```\nIt prints\n```output\n5\n```", CODE),
        (f"```python\n{CODE}```\nIn C++:\n```cpp\nint main(){{}}\n```", CODE),
        (f"```python\n{CODE}```\nor\n```python\n\n```", CODE),
        (f"```python\n{CODE}```\nor\n```python", CODE),
        (f"```python\nprint(3)\n```\nor\n```python\n{CODE}", CODE),
        ("```\n5\n```\nor\n```\n6\n```", "6\n"),
        ("```text\n5\n```\nor\n```text\n6\n```", "6\n"),
        (CODE, CODE),
        ("```\n```", None),
    ],
)
def test_the_last_block_that_is_code_counts(text: str, wanted: str | None) -> None:
    found = CODECONTESTS_STRICT.extract(PROBLEM, text)
    assert (found and found.text) == wanted


def test_the_last_block_that_defines_the_function_counts() -> None:
    draft, final = "def add(a, b):\n    return 0\n", "def add(a, b):\n    return a + b\n"
    for text in (
        f"```python\n{draft}```\nThat fails.\n```python\n{final}```",
        f"```python\n{draft}```\n```python\n{final}```\nSo:\n```python\nadd(1, 2)\n```\n```\n3\n```",
    ):
        found = HUMANEVAL.extract(ADD, text)
        assert found == (f"import math\n\n\n{final}", "block")


def test_a_text_without_a_fence_is_a_program_if_it_reads_like_one() -> None:
    assert program(CODE) == CODE
    assert program("I cannot solve this, sorry.") is None
    assert program("") is None
    assert program("```\n```") is None


def test_one_program_has_one_spelling() -> None:
    spellings = (f"```\n{CODE}```", f"```python\r\n{CODE}\r\n```", "```\n    " + CODE.replace("\n", "\n    ") + "\n```")
    assert {program(text) for text in spellings} == {CODE}


def test_cpp_takes_the_cpp_block() -> None:
    found = CODECONTESTS_CPP.extract(PROBLEM, "```python\nprint(1)\n```\n```c++\nint main(){}\n```")
    assert found
    assert found.text == "int main(){}\n"


def test_a_completion_is_joined_to_its_prompt_and_ends_where_the_function_ends() -> None:
    found = HUMANEVAL.extract(ADD, "    return a + b\n\nprint(add(1, 2))\n")
    assert found == (str(ADD.data["prompt"]) + "    return a + b\n", "completion")


def test_a_whole_function_replaces_the_prompts_but_keeps_its_imports() -> None:
    text = "Sure:\n```python\ndef add(a, b):\n    return math.fsum([a, b])\n```\nThis adds."
    found = HUMANEVAL.extract(ADD, text)
    assert found == ("import math\n\n\ndef add(a, b):\n    return math.fsum([a, b])\n", "block")


@given(st.text(alphabet=st.sampled_from("`~ \n\tpython3+c{}.=\0\r\ud800aé:(")))
def test_no_text_makes_extraction_fail(text: str) -> None:
    for verifier in (CODECONTESTS_PAPER, CODECONTESTS_STRICT, CODECONTESTS_CPP):
        found = verifier.extract(PROBLEM, text)
        assert found is None or (found.text and "\0" not in found.text)
    HUMANEVAL.extract(ADD, text)
    for block in blocks(text):
        assert tidy(tidy(block.text)) == tidy(block.text)


def test_extraction_takes_linear_time() -> None:
    for text in ("```" * 200_000, "~~~\n" * 200_000, "```python\n" * 100_000, "def add(" * 100_000, " " * 1_000_000):
        CODECONTESTS_PAPER.extract(PROBLEM, text)
        CODECONTESTS_STRICT.extract(PROBLEM, text)
        HUMANEVAL.extract(ADD, text)


@pytest.mark.parametrize(
    ("output", "expected", "paper", "strict"),
    [
        (b"3\n", b"3\n", True, True),
        (b" 3 \r\n4\r\n", b"3 4", True, True),
        (b"YES", b"yes", True, False),
        (b"0.333333", b"0.3333333", True, False),
        (b"0.33", b"0.34", False, False),
        (b"2", b"2.0", True, False),
        (b"1e0", b"1", True, False),
        (b"3 4", b"3", False, False),
        (b"", b"", True, True),
        (b"", b"0", False, False),
        (b"1_0", b"10", False, False),  # the paper's float() takes it
        (b"nan", b"1", False, False),
        (b"inf", b"1e999", False, False),
        (b"100000000000000000000", b"100000000000000000001", False, False),
        (b"0x10", b"16", False, False),
        (b"3\xff", b"3", False, False),
        (b"3\0", b"3", False, False),
        ("٣".encode(), b"3", False, False),
        (b"1e999999999", b"1e999999998", False, False),
        (b"9" * 10_000, b"9" * 9_999 + b"8", False, False),
    ],
)
def test_output_is_compared_as_the_paper_does_or_token_by_token(
    output: bytes, expected: bytes, paper: bool, strict: bool
) -> None:
    assert (same_as_paper(output, expected), same_tokens(output, expected)) == (paper, strict)
