r"""An answer in LaTeX cut into tokens, and tokens cut at separators that no bracket holds."""

import re
from typing import NamedTuple


class Unread(Exception):
    """The answer has something in it that cannot be read, so nothing of it may be compared as mathematics."""


class Token(NamedTuple):
    """kind: number, repeating, letter, command, text (what stands in \text), sign."""

    kind: str
    text: str


_TOKEN = re.compile(
    r"(?P<space>\s+)"
    r"|\\(?:text|textbf|textit|textrm|textnormal|mathrm|mbox|operatorname\*?)\s*\{(?P<text>[^{}]*)\}"
    r"|\\(?P<set>mathbb)\s*\{?(?P<name>[A-Z])\}?"
    r"|(?P<repeating>[0-9]*\.[0-9]*\\overline\s*\{[0-9]+\})"
    r"|(?P<number>(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][-+]?[0-9]+(?![0-9.]))?)"
    r"|(?<![A-Za-z\\])(?P<word>sqrt|cbrt|arc(?:sin|cos|tan)|sinh|cosh|tanh|sin|cos|tan|cot|sec|csc|log|ln|exp|pi"
    r"|theta|alpha|beta"
    r"|lambda|abs|binom|in|infinity|infty|inf|oo|union|and|or|(?<=[\])] )U(?= [\[(]))(?![A-Za-z])"
    r"|(?P<letter>[A-Za-z])"
    r"|\\(?P<command>[A-Za-z]+)"
    r"|(?P<sign>\\.|\*\*|<=|>=|!=|:=|==|[^\s])"
)
_THOUSANDS = re.compile(r"(?<![0-9.,])[0-9]{1,3}(?:,[0-9]{3})+(?![0-9,])")
_WORDS = {
    word: Token("command", f"\\{name}")
    for word, name in (
        *(
            (name, name)
            for name in [
                "sqrt",
                "cbrt",
                "arcsin",
                "arccos",
                "arctan",
                "sinh",
                "cosh",
                "tanh",
                "sin",
                "cos",
                "tan",
                "cot",
                "sec",
                "csc",
                "log",
                "ln",
                "exp",
                "pi",
                "theta",
                "alpha",
                "beta",
                "lambda",
                "abs",
                "binom",
                "in",
            ]
        ),
        ("infinity", "infty"),
        ("infty", "infty"),
        ("inf", "infty"),
        ("oo", "infty"),
        ("union", "cup"),
        ("U", "cup"),
    )
} | {word: Token("text", word) for word in ("and", "or")}
"""Words of a plain text that are commands in LaTeX."""
_SIGNS = {
    "**": "^",
    "<=": r"\le",
    ">=": r"\ge",
    "!=": r"\ne",
    ":=": "=",
    "==": "=",
    r"\|": "|",
    r"\_": "_",
    "−": "-",
    "*": r"\cdot",
}
_SAME = {
    "times": "cdot",
    "ast": "cdot",
    "leq": "le",
    "geq": "ge",
    "neq": "ne",
    "to": "rightarrow",
    "vee": "lor",
    "wedge": "land",
    "div": "/",
    "vert": "|",
    "lvert": "|",
    "rvert": "|",
    "lbrack": "[",
    "rbrack": "]",
    "imath": "i",
    "mid": "|",
    "cosec": "csc",
    "triangle": "triangle",
    "neg": "neg",
    "lparen": "(",
    "rparen": ")",
}


def tokens_of(text: str) -> list[Token]:
    """The tokens of an undressed answer (verifiers/answers/signs.py); Unread where its braces do not match."""
    if r"\begin" not in text:
        text = _without_thousands(text)
    found = [token for match in _TOKEN.finditer(text) if (token := _token(match))]
    depth = 0
    for token in found:
        depth += (token.text == "{") - (token.text == "}")
        if depth < 0:
            break
    if depth:
        raise Unread(text)
    return found


def _without_thousands(text: str) -> str:
    """1,234 as 1234 where no bracket holds it: within brackets, they are two numbers."""
    depth, pieces, last = 0, [], 0
    for match in re.finditer(r"[\[({]|[\])}]|" + _THOUSANDS.pattern, text):
        if match[0] in "[({":
            depth += 1
        elif match[0] in "])}":
            depth -= 1
        elif depth == 0:
            pieces.append(text[last : match.start()] + match[0].replace(",", ""))
            last = match.end()
    return "".join([*pieces, text[last:]])


def _token(match: re.Match[str]) -> Token | None:
    if match["space"]:
        return None
    if match["text"] is not None:
        return _text_token(match["text"])
    if match["set"]:
        return Token("command", f"\\mathbb{match['name']}")
    if match["word"]:
        return _WORDS[match["word"]]
    for kind in ("repeating", "number", "letter"):
        if match[kind]:
            return Token(kind, match[kind])
    if match["command"]:
        name = _SAME.get(match["command"])
        if name and len(name) == 1:
            return Token("letter" if name.isalpha() else "sign", name)
        return Token("command", f"\\{name or match['command']}")
    sign = match["sign"]
    sign = _SIGNS.get(sign, sign)
    return Token("command" if len(sign) > 2 or (sign[:1] == "\\" and sign[1:].isalpha()) else "sign", sign)


def _text_token(text: str) -> Token | None:
    words = text.strip()
    if not words:
        return None
    if words.strip(" ,").lower() in ("and", "or"):
        return Token("text", words.strip(" ,").lower())
    if len(words) == 1 and words.isalpha():
        return Token("upright", words)
    return Token("text", words)


_OPEN = {"(": ")", "[": "]", "{": "}", r"\{": r"\}", r"\lfloor": r"\rfloor", r"\lceil": r"\rceil", r"\begin": r"\end"}
_CLOSE = frozenset(_OPEN.values())


def closing(tokens: list[Token], start: int) -> int:
    """The index of the token that closes the bracket at `start`, whatever its kind: [0,1) is closed too."""
    depth = 0
    for place in range(start, len(tokens)):
        text = tokens[place].text
        if text in _OPEN and tokens[place].kind != "text":
            depth += 1
        elif text in _CLOSE and tokens[place].kind != "text":
            depth -= 1
            if depth == 0:
                return place
    raise Unread("a bracket that does not close")


def cut(tokens: list[Token], separators: frozenset[str]) -> tuple[list[list[Token]], list[str]]:
    """The tokens between separators that no bracket holds, and those separators."""
    parts: list[list[Token]] = [[]]
    found = []
    depth = 0
    for token in tokens:
        if token.kind != "text" and token.text in _OPEN:
            depth += 1
        elif token.kind != "text" and token.text in _CLOSE:
            depth -= 1
        if depth == 0 and (token.text.lower() if token.kind == "text" else token.text) in separators:
            found.append(token.text.lower() if token.kind == "text" else token.text)
            parts.append([])
        else:
            parts[-1].append(token)
    return parts, found


def written(tokens: list[Token]) -> str:
    """The tokens as one text without spaces."""
    return "".join(token.text for token in tokens)
