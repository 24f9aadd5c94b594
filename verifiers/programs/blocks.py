"""Finding a program in what an LLM wrote: fenced blocks of any spelling, or a text that is code itself."""

import re
from typing import NamedTuple

PYTHON_TAGS = frozenset(("", "python"))
CPP_TAGS = frozenset(("", "cpp", "c"))
_FAMILIES = {
    "python": re.compile(r"i?py(?:thon)?[\d.]*(?:-\w+)?|pycon|pypy[\d.]*|sage"),
    "cpp": re.compile(r"(?:c\+\+|gnu\+\+|g\+\+|cpp|cxx|cc|hpp)(?:\d\w)?"),
    "c": re.compile(r"c(?:\d\w)?|gnu\d\w|ansi-?c|gcc|h"),
}
"""Language -> how fences name it, with the version or not."""
_OTHERS = (
    "bash sh shell console text txt plaintext output input json yaml java javascript js typescript ts rust go csharp "
    "c# kotlin ruby php sql html css latex tex markdown md diff haskell scala swift pascal perl r matlab lua"
)
_OTHER_TAGS = frozenset(_OTHERS.split())
_STATEMENTS = frozenset(("pass", "return", "break", "continue", "try", "else", "finally", "raise", "yield"))
_FENCE = re.compile(r"(`{3,})|^[ \t]{0,12}(~{3,})", re.MULTILINE)  # tildes only where a line begins
_TAG = re.compile(r"[ \t]*(?:\{?\.?(?P<tag>[A-Za-z][\w+#.-]{0,15})\}?(?=[\s`]|$))?")
_NO_CODE = re.compile(r"\s*(?:[\w.-]+=|[\d.]+\s*$|\([^()]*\)\s*$|\{[^{}]*\}\s*$)")
"""What may stand behind a language: attributes as in ```python title="main.py", a version, a remark."""
_CODE_LINE = re.compile(
    r"[ \t]*(?:(?:import|from|def|class|for|while|if|return|try:|with|print|async|lambda|@|#!)\b"
    r"|[A-Za-z_][\w.\[\]]{0,60}(?:, ?[A-Za-z_]\w{0,60}){0,9} ?(?:[-+*/]?=[^=]|\())"
)


class Block(NamedTuple):
    """A fenced block: its language, `python`, `cpp`, `c` or another's name in lower case, "" if none, and its text."""

    tag: str
    text: str


def blocks(text: str) -> list[Block]:
    """Every fenced block, in order; the last may be unfinished. Code may begin on the line of the fence itself."""
    fenced = []
    at = 0
    while opening := _FENCE.search(text, at):
        fence = opening[1] or opening[2]
        tag, inside = _tag(text, opening.end())
        closing = _closing(text, inside, fence)
        end = len(text) if closing is None else closing
        fenced.append(Block(tag, text[inside:end]))
        if closing is None:
            break
        at = closing + len(fence)
    return fenced


def _tag(text: str, at: int) -> tuple[str, int]:
    """The language a fence names, in one spelling, and where the code begins."""
    word = _TAG.match(text, at)
    tag = (word["tag"] or "").lower() if word else ""
    if not word or not tag:
        return "", at
    line_end = text.find("\n", word.end())
    line_end = len(text) if line_end < 0 else line_end
    rest = text[word.end() : line_end]
    language = next((name for name, spelling in _FAMILIES.items() if spelling.fullmatch(tag)), "")
    if not language and tag not in _OTHER_TAGS:  # any word is a language where nothing but it stands on the line
        alone = line_end < len(text) and not rest.strip() and tag not in _STATEMENTS
        return (tag, word.end()) if alone else ("", at)
    if rest.strip() and _NO_CODE.match(rest):
        return language or tag, line_end
    return language or tag, word.end()


def _closing(text: str, at: int, fence: str) -> int | None:
    if fence[0] == "`":
        end = text.find(fence, at)
        return None if end < 0 else end
    end = text.find("\n" + fence, at - 1)
    return None if end < 0 else end + 1


def looks_like_code(text: str) -> bool:
    """Whether one of the first lines reads like Python."""
    return any(_CODE_LINE.match(line) for line in text.split("\n", 400)[:400])


def tidy(code: str) -> str:
    """One spelling of a program: Unix lines, no common indent, no blank edges, nothing a database refuses."""
    lines = code.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "�").split("\n")
    lines = [line if line.strip() else "" for line in lines]
    while lines and not lines[0]:
        lines.pop(0)
    while lines and not lines[-1]:
        lines.pop()
    indent = min((len(line) - len(line.lstrip()) for line in lines if line), default=0)
    if indent and len({line[:indent] for line in lines if line}) == 1:
        lines = [line[indent:] for line in lines]
    return "\n".join(lines) + "\n" if lines else ""
