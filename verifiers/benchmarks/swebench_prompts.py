"""What an llm is asked of SWE-bench: the issue alone, or with the files that the right patch touches (the oracle).

The words are those of https://github.com/SWE-bench/SWE-bench at v5.0.2 (MIT), swebench/inference/make_datasets/
create_instance.py, `prompt_style_3`, in which the leader board's own llms were asked. A chat has no code to show, and
asks for the patch in a fence.
"""

from collections.abc import Mapping, Sequence

from verifiers.patches.oracle import files_of
from verifiers.verifier import Problem

CHAT = (
    "You will be provided with an issue statement explaining a problem to resolve in the repository {repo}.\n"
    "<issue>\n{problem_statement}\n</issue>\n\n"
    "I need you to solve the provided issue by generating a single patch file that I can apply directly to this "
    "repository using git apply. A single patch file can contain changes to multiple files. Please respond with a "
    "single patch file, a unified diff in a code block, as in this example:\n"
    "```diff\n--- a/file.py\n+++ b/file.py\n@@ -1,2 +1,2 @@\n def f():\n-    return 1\n+    return 2\n```"
)

_PREMISE = "You will be provided with a partial code base and an issue statement explaining a problem to resolve."
_EXAMPLE = (
    "Here is an example of a patch file. It consists of changes to the code base. It specifies the file names, the "
    "line numbers of each change, and the removed and added lines. A single patch file can contain changes to multiple "
    "files."
)
_INSTRUCTION = (
    "I need you to solve the provided issue by generating a single patch file that I can apply directly to this "
    "repository using git apply. Please respond with a single patch file in the format shown above."
)

_PATCH = """--- a/file.py
+++ b/file.py
@@ -1,27 +1,35 @@
 def euclidean(a, b):
-    while b:
-        a, b = b, a % b
-    return a
+    if b == 0:
+        return a
+    return euclidean(b, a % b)
 
 
 def bresenham(x0, y0, x1, y1):
     points = []
     dx = abs(x1 - x0)
     dy = abs(y1 - y0)
-    sx = 1 if x0 < x1 else -1
-    sy = 1 if y0 < y1 else -1
-    err = dx - dy
+    x, y = x0, y0
+    sx = -1 if x0 > x1 else 1
+    sy = -1 if y0 > y1 else 1
 
-    while True:
-        points.append((x0, y0))
-        if x0 == x1 and y0 == y1:
-            break
-        e2 = 2 * err
-        if e2 > -dy:
+    if dx > dy:
+        err = dx / 2.0
+        while x != x1:
+            points.append((x, y))
             err -= dy
-            x0 += sx
-        if e2 < dx:
-            err += dx
-            y0 += sy
+            if err < 0:
+                y += sy
+                err += dx
+            x += sx
+    else:
+        err = dy / 2.0
+        while y != y1:
+            points.append((x, y))
+            err -= dx
+            if err < 0:
+                x += sx
+                err += dy
+            y += sy
 
+    points.append((x, y))
     return points"""

_FOLDER = "/testbed"
_READMES = ("README", "README.md", "README.rst", "README.txt")

LONGEST_FILE = 256 * 2**10
"""Characters of a file that are shown; of a longer one its first lines."""


def oracle_prompts(problems: Sequence[Problem]) -> list[str]:
    """One prompt a problem: the row's own column where it has one, else made of files out of the problem's image."""
    return [problem.data.get("oracle") or _of_image(problem.data) for problem in problems]


def _of_image(data: Mapping[str, str | list[str]]) -> str:
    paths = [*_READMES, *data["gold_files"]]
    files = files_of(str(data["image"]), _FOLDER, paths)
    texts = {path: held.decode("utf-8", "replace") for path, held in files.items()}
    readmes = {path: text for path, text in texts.items() if path in _READMES}
    return oracle_prompt(
        str(data["problem_statement"]), readmes, {path: texts[path] for path in texts.keys() - readmes}
    )


def oracle_prompt(issue: str, readmes: Mapping[str, str], files: Mapping[str, str]) -> str:
    """Style 3 of an issue and files by their paths."""
    code = ["<code>", _numbered(readmes), _numbered(files), "</code>"]
    lines = [_PREMISE, "<issue>", issue, "</issue>", "", *code, "", _EXAMPLE, "<patch>", _PATCH, "</patch>", ""]
    return "\n".join([*lines, _INSTRUCTION, "Respond below:"])


def _numbered(files: Mapping[str, str]) -> str:
    """Files, each line with its number."""
    shown = []
    for path, text in sorted(files.items()):
        if len(text) > LONGEST_FILE:
            text = text[: text.rfind("\n", 0, LONGEST_FILE)] + "\n[...]"
        lines = "\n".join(f"{number} {line}" for number, line in enumerate(text.split("\n"), 1))
        shown.append(f"[start of {path}]\n{lines}\n[end of {path}]\n")
    return "".join(shown).strip("\n")
