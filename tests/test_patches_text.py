"""Diffs in what an llm wrote: found by fences or bare, repaired where that is clear, applied by real git."""

import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.shared_data import shared_rows
from verifiers.patches.diff import MOST_BYTES, extract_patch, touched_files
from verifiers.patches.hunks import HUNK
from verifiers.verifier import Candidate, Problem

PROBLEM = Problem("p", {})

ONE = """diff --git a/x.py b/x.py
index 1234567..89abcde 100644
--- a/x.py
+++ b/x.py
@@ -1,4 +1,4 @@ def f():
 one
-two
+zwei
 three
 four
"""

TWO = """--- a/y.py
+++ b/y.py
@@ -1,3 +1,4 @@
 first
+more
 second
 third
@@ -10,3 +11,2 @@
 tenth
-eleventh
 twelfth
"""

BINARY = """diff --git a/b.bin b/b.bin
index 1c8c2a1..5e1c309 100644
GIT binary patch
literal 3
Kcmb<m0RSKY9RL6T

literal 3
Kcmb<m0RSKX9RL6S

"""


def found(text: str) -> Candidate | None:
    return extract_patch(PROBLEM, text)


@pytest.mark.parametrize("diff", [ONE, TWO, ONE + TWO, BINARY, BINARY + ONE, ONE.replace("@@ -1,4", "@@ -1,9")])
def test_a_text_that_is_a_diff_stays_what_it_is_but_for_blank_lines_around_it(diff: str) -> None:
    for text in (diff, f"\n{diff}\n\n", f"{diff}\n"):
        assert found(text) == (diff, "")
    assert found(diff.rstrip("\n")) == (diff.rstrip("\n"), "")
    assert found(diff.replace("\n", "\r\n")) == (diff.replace("\n", "\r\n"), "")


@pytest.mark.parametrize("diff", [ONE, TWO, ONE + TWO, BINARY + ONE, ONE + BINARY])
@pytest.mark.parametrize(
    "around",
    [
        "{}", "Here:\n\n```diff\n{}```\nIt works.", "```patch\n{}\n\n```", "```\n{}", "~~~diff\n{}~~~",
        "<patch>\n{}</patch>",
        "````markdown\n```diff\n{}```\n````\n", "So:\n\n{}\nThat is all.", "Well\n{}",
        "1. Before\n```python\nx\n```\n\n{}\nbye",
        "```diff\n--- a/old.py\n+++ b/old.py\n@@ -1 +1 @@\n-a\n+b\n```\nNo:\n```diff\n{}```\nand\n```sh\npytest\n```",
    ],
)  # fmt: skip
def test_the_same_diff_is_the_same_candidate_however_it_is_wrapped(diff: str, around: str) -> None:
    candidate = found(around.format(diff))
    assert candidate is not None
    assert candidate.text == diff


def test_of_two_diffs_the_last_one_counts_and_a_fence_goes_before_prose() -> None:
    assert found(f"Maybe:\n{ONE}\nNo, better:\n\n{TWO}\nDone.") == (TWO, "in prose")
    assert found(f"```\n{ONE}```\nwhich replaces\n\n{TWO}\n") == (ONE, "fenced")


@pytest.mark.parametrize(
    "text",
    [
        "", "\n", "No idea.", "```diff\n```", "diff --git a/x b/x\nindex 1..2 100644\n", "--- a/x\n+++ b/x\n",
        "@@ -1,2 +1,2 @@\n-a\n+b\n", "```diff\n--- a/x\n+++ b/x\n@@ ... @@\n-a\n+b\n```", "--- a\n+++ b\n@@\n-a\n+b",
        "Binary files differ", "GIT binary patch\nliteral 3\n",
        "```diff\ndiff --git a/x b/x\nGIT binary patch\nno\n```",
    ],
)  # fmt: skip
def test_what_changes_nothing_is_no_diff(text: str) -> None:
    assert found(text) is None


@pytest.mark.parametrize(
    "headers",
    [
        "old mode 100644\nnew mode 100755\n", "new file mode 100644\nindex 0000000..e69de29\n",
        "deleted file mode 100644\nindex e69de29..0000000\n", "similarity index 100%\nrename from x\nrename to y\n",
    ],
)  # fmt: skip
def test_a_mode_a_name_and_an_empty_file_are_changes_without_a_hunk(headers: str) -> None:
    diff = f"diff --git a/x b/x\n{headers}"
    assert found(diff) == (diff, "")
    assert found(f"So\n```diff\n{diff}```") == (diff, "fenced")


WRONG = TWO.replace("-1,3 +1,4", "-1,7 +1,1").replace("-10,3 +11,2", "-10 +11,12")


@pytest.mark.parametrize("around", ["```diff\n{}```\n", "```diff\n{}\n\n```", "```diff\n{}" + ONE + "```", "Fix:\n{}"])
def test_wrong_counts_are_repaired_where_the_ends_of_hunks_are_clear(around: str) -> None:
    candidate, right = found(around.format(WRONG)), found(around.format(TWO))
    assert candidate is not None
    assert right is not None
    assert candidate == (right.text, "counts repaired")


@pytest.mark.parametrize(
    "text",
    [
        f"Fix:\n{WRONG}\nI hope it helps.", f"Fix:\n{WRONG}\n- it adds more\n- it drops one",
        f"```diff\n{WRONG}I hope it helps.\n```",
        "```diff\n" + ONE.replace("-1,4", "-1,9").replace(" three", "three") + "```",
    ],
)  # fmt: skip
def test_counts_of_a_hunk_whose_end_is_not_clear_are_no_answer(text: str) -> None:
    assert found(text) is None


def test_right_counts_end_a_hunk_in_prose_whatever_follows_a_blank_line() -> None:
    assert found(f"Fix:\n{ONE}\n- it is German now\n+ and short\n") == (ONE, "in prose")


def test_blank_context_that_lost_its_blank_belongs_to_its_hunk() -> None:
    diff = ONE.replace(" three\n four\n", "\n\n")
    assert found(diff) == (diff, "")
    assert found(diff + "\n\n") == (diff, "")
    assert found(f"```diff\n{diff}```") == (diff, "fenced")


def test_a_text_that_begins_as_a_diff_and_is_none_throughout_is_gits_to_make_sense_of() -> None:
    for text in (
        f"{ONE}and\n{TWO}",
        f"{WRONG}I hope so.\n",
        f"{BINARY[:-40]}!\n{ONE}",
        f"{ONE}bye\n".replace("\n", "\r\n"),
    ):
        assert found(text) == (text, "")
    assert found(f"{ONE}I hope so.\n") == found(f"{ONE}\n\nI hope so.\n") == (ONE, "in prose")


def test_backticks_in_a_diff_end_no_block() -> None:
    diff = ONE.replace("-two\n+zwei", "-```python\n+```py").replace(" three", " ```")
    assert found(f"```diff\n{diff}```\nbye") == (diff, "fenced")


def test_a_mail_of_git_is_cut_to_its_diff() -> None:
    mail = f"From 1234 Mon Sep 17 00:00:00 2001\nSubject: [PATCH] x\n\n---\n x.py | 2 +-\n\n{ONE}-- \n2.39.5\n"
    assert found(mail) == (ONE, "in prose")


def test_crs_of_the_text_go_and_those_of_the_content_stay() -> None:
    content = ONE.replace("two\n", "two\r\n").replace("zwei\n", "zwei\r\n")
    assert found(f"```diff\n{content}```") == (content, "fenced")
    assert found(f"Hi\n```diff\n{content}```\n".replace("\n", "\r\n")) == (content, "fenced")
    assert found(ONE.replace("\n", "\r\n")) == (ONE.replace("\n", "\r\n"), "")
    blank = ONE.replace(" three\n", "\r\n")
    assert found(f"```diff\n{blank}```") == (ONE.replace(" three\n", " \r\n"), "fenced")


def test_a_diff_may_be_large_and_not_too_large() -> None:
    lines = "+" + "x" * 99 + "\n"
    count = 10 * 2**20 // len(lines)
    large = f"--- /dev/null\n+++ b/x\n@@ -0,0 +1,{count} @@\n{lines * count}"
    assert found(large) == (large, "")
    assert found(f"So\n```\n{large}```") == (large, "fenced")
    assert found(large + lines * count) is None
    assert found(large.replace("x", "ü")) is None
    assert len(large) < MOST_BYTES


def test_paths_outside_nuls_and_lone_surrogates_are_gits_to_refuse() -> None:
    for text in (ONE.replace("x.py", "../../etc/x"), ONE.replace("zwei", "a\0b"), ONE.replace("zwei", "\ud800")):
        assert found(text) == (text, "")
        assert found(f"```\n{text}```") == (text, "fenced")


LONG = [
    "@@\n", "@@ -1,1 +1,1 @@\n", "--- a/x\n+++ b/x\n", "--- a/x\n+++ b/x\n@@ -1,9 +1,9 @@\n", "```\n", "```diff\n",
    "\n", " \n",
    "diff --git a/x b/x\n", "GIT binary patch\n", "literal 1\n", "<patch>\n", "````\n```\n", "-\n", "+\n\n", "\\\n",
    "`" * 1000,
    "-- \n", "@@ -1,999999 +1,999999 @@\n \n", "new mode 1\n", "\r\n", "@@ -1 +1 @@\n-a\n+b\n\n\n\n\n\n\n\n\n",
]  # fmt: skip


@pytest.mark.parametrize("piece", LONG)
@pytest.mark.parametrize(
    "head", ["", "--- a/x\n+++ b/x\n@@ -1,999999 +1,3 @@\n", "x\n```diff\ndiff --git a/x b/x\n--- a/x\n+++ b/x\n"]
)
def test_time_is_linear_in_a_text(piece: str, head: str) -> None:
    text = head + piece * (2**16 // len(piece)) + "end"
    begun = time.process_time()
    found(text)
    assert time.process_time() - begun < 4


@given(st.text(st.sampled_from("@ -+\\\n`~d1,a/b\r\0<>p"), max_size=300))
@settings(max_examples=60, deadline=None)
def test_no_text_raises_and_what_is_found_is_found_in_itself(text: str) -> None:
    for each in (text, ONE + text, f"```diff\n{ONE}{text}", f"--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n{text}"):
        candidate = found(each)
        if candidate is not None:
            again = found(candidate.text)
            assert again is not None
            assert again.text == candidate.text


def test_the_files_that_a_diff_touches() -> None:
    moved = "diff --git a/old b/new\nsimilarity index 90%\nrename from old\nrename to new\n"
    assert touched_files(moved + ONE + TWO + BINARY) == ["b.bin", "new", "old", "x.py", "y.py"]
    assert touched_files("--- /dev/null\n+++ b/n.py\n@@ -0,0 +1 @@\n+--- a/no\n") == ["n.py"]
    for row in shared_rows("swebench_lite/flask/rows.jsonl"):
        assert touched_files(row["patch"]) == [
            {"4045": "src/flask/blueprints.py", "5063": "src/flask/cli.py"}[row["instance_id"][-4:]]
        ]


def test_every_gold_patch_is_its_own_candidate_bare_and_fenced() -> None:
    for row in shared_rows("swebench_lite/instances.jsonl"):
        assert found(row["patch"]) == (row["patch"], "")
        assert found(f"I think so.\n\n```diff\n{row['patch']}```\n") == (row["patch"], "fenced")


LINES = st.sampled_from(
    ["", "a", "b", "  c", "\td", "```", "@@ -1 +1 @@", "-- x", "++ y", "diff --git a/x b/x", "e\r", "ü", "- z"]
)
ENDS = st.sampled_from(["", "\n", "\r\n"])
NAMES = st.sampled_from(["a.py", "b c.txt", "sub/d", "ü.md"])


def text_of(lines: list[str], end: str) -> str:
    return "\n".join(lines) + end


@st.composite
def edits(draw: st.DrawFn) -> tuple[dict[str, str], dict[str, str]]:
    """A tree of files and the same tree with some files changed in a few places, made, removed or left as they are."""
    before, after = {}, {}
    for name in draw(st.sets(NAMES, min_size=1)):
        lines = draw(st.lists(LINES, max_size=40))
        if draw(st.integers(0, 5)):
            before[name] = text_of(lines, draw(ENDS))
        if not draw(st.integers(0, 5)):
            continue
        for _ in range(draw(st.integers(0, 3))):
            at = draw(st.integers(0, len(lines)))
            lines = lines[:at] + draw(st.lists(LINES, max_size=3)) + lines[at + draw(st.integers(0, 3)) :]
        after[name] = text_of(lines, draw(ENDS))
    return before, after


def git(folder: Path, *arguments: str, given: bytes | None = None) -> bytes:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "core.autocrlf=false")
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, input=given, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def lay(folder: Path, tree: dict[str, str]) -> None:
    for name in git(folder, "ls-files", "-z").decode().split("\0")[:-1]:
        (folder / name).unlink()
    for name, text in tree.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(text.encode())
    git(folder, "add", "-A")


def spoiled(diff: str, by: Sequence[int]) -> str:
    """The diff with other counts in its hunks."""
    changes = iter(by)

    def worse(line: str) -> str:
        header = HUNK.match(line)
        if header is None:
            return line
        old, new = (max(0, int(count or 1) + next(changes, 3)) for count in header.group(2, 4))
        return f"@@ -{header[1]},{old} +{header[3]},{new} @@{line[header.end() :]}"

    return "\n".join(map(worse, diff.split("\n")))


@given(edits(), st.lists(st.integers(-4, 4), max_size=8))
@settings(max_examples=10, deadline=None)
def test_what_git_wrote_gives_the_same_tree_out_of_fences_prose_and_with_counts_spoiled(
    trees: tuple[dict[str, str], dict[str, str]], by: list[int]
) -> None:
    before, after = trees
    with TemporaryDirectory() as place:
        folder = Path(place)
        git(folder, "init", "-q")
        lay(folder, before)
        base = git(folder, "write-tree").decode().strip()
        lay(folder, after)
        wanted = git(folder, "write-tree")
        diff = git(folder, "diff", "--cached", "--binary", base).decode()
        texts = [diff, f"Look:\n\n```diff\n{diff}```\nIt works.\n", f"Look:\n{diff}\nIt works.\n"]
        texts += [texts[1].replace("\n", "\r\n"), f"```\n{spoiled(diff, by)}```\n"]
        for text in texts:
            candidate = found(text)
            if not diff:
                assert candidate is None
                continue
            assert candidate is not None
            assert candidate.text == diff or text == texts[-1]
            git(folder, "read-tree", base)
            git(folder, "apply", "--cached", "--whitespace=nowarn", given=candidate.text.encode())
            assert git(folder, "write-tree") == wanted
