r"""Signs and dress of formulas: other alphabets' signs as LaTeX, and LaTeX without what only changes its looks."""

import re

_FRACTIONS = {
    "½": "1/2", "⅓": "1/3", "⅔": "2/3", "¼": "1/4", "¾": "3/4", "⅕": "1/5", "⅖": "2/5", "⅗": "3/5", "⅘": "4/5",
    "⅙": "1/6", "⅚": "5/6", "⅐": "1/7", "⅛": "1/8", "⅜": "3/8", "⅝": "5/8", "⅞": "7/8", "⅑": "1/9", "⅒": "1/10",
}  # fmt: skip
_COMMANDS = {
    "∞": "infty", "·": "cdot", "⋅": "cdot", "∙": "cdot", "×": "times", "✕": "times", "÷": "div", "≤": "le", "≥": "ge",
    "⩽": "le", "⩾": "ge", "≠": "ne", "≈": "approx", "≡": "equiv", "±": "pm", "∓": "mp", "∪": "cup", "∩": "cap",
    "∈": "in", "∅": "emptyset", "∨": "lor", "∧": "land", "∖": "setminus", "∠": "angle", "π": "pi", "α": "alpha",
    "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "θ": "theta", "λ": "lambda", "μ": "mu", "ρ": "rho",
    "σ": "sigma", "τ": "tau", "φ": "phi", "ϕ": "phi", "ω": "omega", "Δ": "Delta", "Ω": "Omega", "⟨": "langle",
    "⟩": "rangle", "⌊": "lfloor", "⌋": "rfloor", "⌈": "lceil", "⌉": "rceil", "…": "ldots", "△": "triangle",
}  # fmt: skip
_TABLE = str.maketrans(
    {0xFF01 + offset: chr(0x21 + offset) for offset in range(94)}  # full-width signs
    | {ord(sign): f"\\{name} " for sign, name in _COMMANDS.items()}
    | {ord(sign): "\\frac{{{}}}{{{}}}".format(*value.split("/")) for sign, value in _FRACTIONS.items()}
    | dict.fromkeys(map(ord, "\u2212\u2013\u2012\u2010\u2011\ufe63"), "-")
    | dict.fromkeys(map(ord, "\u00a0\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u3000"), " ")
    | dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff"), "")
    | {ord("⁄"): "/", ord("∕"): "/", ord("∗"): "*", ord("，"): ",", ord("、"): ",", ord("’"): "'", ord("∶"): ":"}
    | {ord("ℝ"): r"\mathbb{R}", ord("ℤ"): r"\mathbb{Z}", ord("ℚ"): r"\mathbb{Q}", ord("ℕ"): r"\mathbb{N}"}
    | {ord("°"): r"^\circ ", ord("º"): r"^\circ ", ord("∣"): "|", ord("′"): "'"}
)
_RAISED, _LOWERED = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ", "₀₁₂₃₄₅₆₇₈₉₊₋ₙ"
_LEVEL = str.maketrans(_RAISED + _LOWERED, "0123456789+-n" * 2)
_POWERS, _INDICES = re.compile(f"[{_RAISED}]+"), re.compile(f"[{_LOWERED}]+")
_ROOT = re.compile(r"([√∛∜])\s*(?:(?=\{)|\(([^()]*)\)|([0-9]+(?:\.[0-9]+)?|[A-Za-z]|\\pi\b)?)")
_SMALL_FRACTION = re.compile(r"[⁰¹²³⁴⁵⁶⁷⁸⁹]+[⁄/][₀₁₂₃₄₅₆₇₈₉]+")


def latex_signs(text: str) -> str:
    """The text with its other signs (½ √ ² ∞ · −, full-width digits) as ASCII and LaTeX."""
    if text.isascii():
        return text
    text = _SMALL_FRACTION.sub(lambda found: "\\frac{{{}}}{{{}}}".format(*_halves(found[0])), text)
    text = _POWERS.sub(lambda found: f"^{{{found[0].translate(_LEVEL)}}}", text)
    text = _INDICES.sub(lambda found: f"_{{{found[0].translate(_LEVEL)}}}", text)
    return _ROOT.sub(_root, text.translate(_TABLE))


def _halves(fraction: str) -> list[str]:
    return fraction.translate(_LEVEL).replace("⁄", "/").split("/")


def _root(found: re.Match[str]) -> str:
    command = {"√": r"\sqrt", "∛": r"\sqrt[3]", "∜": r"\sqrt[4]"}[found[1]]
    inner = found[2] or found[3]
    return f"{command}{{{inner}}}" if inner else command


_THOUSANDS = re.compile(r"(?<![0-9.,])[0-9]{1,3}(?:(?:\{,\}|,\\! ?|\\[,;:! ]|~|\{\\,\})[0-9]{3})+(?![0-9])")
_THOUSANDS_MARK = re.compile(r"\{,\}|,\\! ?|\\[,;:! ]|~|\{\\,\}")
_DROPPED = re.compile(
    r"\\(?:left|right|middle|[bB]ig{1,2}[lrm]?|displaystyle|textstyle|limits|nolimits|bf|rm|it|boldmath)(?![A-Za-z])\.?"
    r"|\\(?:color|textcolor)\s*(?:\[[a-zA-Z]*\])?\{[^{}]*\}|\\!"
)
_SPACE = re.compile(r"(?<!\\)\\(?:[,;: ]|q?quad(?![A-Za-z])|hspace\{[^{}]*\}|enspace(?![A-Za-z]))|~")
_SAME = (
    (re.compile(r"\\[dtc]frac(?![A-Za-z])"), r"\\frac"),
    (re.compile(r"\\(?:leqslant|leq|leqq)(?![A-Za-z])"), r"\\le"),
    (re.compile(r"\\(?:geqslant|geq|geqq)(?![A-Za-z])"), r"\\ge"),
    (re.compile(r"\\neq(?![A-Za-z])"), r"\\ne"),
    (re.compile(r"\\lbrace(?![A-Za-z])"), r"\\{"),
    (re.compile(r"\\rbrace(?![A-Za-z])"), r"\\}"),
    (re.compile(r"\\(?:varnothing|O)(?![A-Za-z])"), r"\\emptyset"),
    (re.compile(r"\\(?:vee)(?![A-Za-z])"), r"\\lor"),
    (re.compile(r"\\(?:wedge)(?![A-Za-z])"), r"\\land"),
    (re.compile(r"\\bigcup(?![A-Za-z])"), r"\\cup"),
    (re.compile(r"\\(?:lt)(?![A-Za-z])"), "<"),
    (re.compile(r"\\(?:gt)(?![A-Za-z])"), ">"),
    (re.compile(r"\\(?:colon)(?![A-Za-z])|\{:\}"), ":"),
    (re.compile(r"\\(?:lvert|rvert|vert)(?![A-Za-z])"), "|"),
    (re.compile(r"\\(?:dots|cdots|dotsc|dotsb)(?![A-Za-z])"), r"\\ldots"),
    (re.compile(r"\\(?:cr|newline|tabularnewline)(?![A-Za-z])|\\\\\s*\[[^\[\]]*\]"), r"\\\\"),
    (re.compile(r"\\(?:text|mathrm)\s*\{\s*\}|\\phantom\s*\{[^{}]*\}"), " "),
    (re.compile(r"\\text\s*\{\s*(\\?[$%])\s*\}"), r"\1"),
    (re.compile(r"(?<=[0-9])\s*\^\s*\{?\s*\\(?:text|mathrm|textrm)\s*\{\s*(?:st|nd|rd|th)\s*\}\s*\}?"), ""),
    (re.compile(r"\^\s*\{\s*\\circ\s*\}|\\degree(?![A-Za-z])"), r"^\\circ"),
)
"""Other names of the same thing, and the one that is kept."""
_GROUPED = re.compile(r"(?<![A-Za-z}\]^_0-9])\{(-?[0-9.,]+)\}")
_HULLS = re.compile(
    r"\\(?:boxed|fbox|underline|uline|mathbf|boldsymbol|bm|mathit|mathsf|mathtt|ensuremath|mathop|mathord|emph|phantom"
    r"|displaylines|bbox|mathstrut)\s*\{"
)
_ARRAY = re.compile(r"[(\[]\s*\\begin\s*\{array\}\s*\{[clr|\s]*\}(.*?)(?:\\\\)?\s*\\end\s*\{array\}\s*[)\]]", re.DOTALL)
_ANGLES = re.compile(r"\\langle(?![A-Za-z])([^\\<>]*(?:\\(?!langle|rangle)[^\\<>]*)*)\\rangle(?![A-Za-z])")


def undressed(text: str) -> str:
    r"""The formula without spacing commands, sizes, colours, underlines and boldface: `\Bigl(\textcolor{red}{3}\Bigr)`
    as `(3)`."""
    text = latex_signs(text)
    if "\\" not in text and "~" not in text and "{" not in text:
        return text
    text = _THOUSANDS.sub(lambda found: _THOUSANDS_MARK.sub("", found[0]), text)
    text = _SPACE.sub(" ", _without_hulls(_DROPPED.sub("", text)).replace("{,}", ","))
    for pattern, name in _SAME:
        text = pattern.sub(name, text)
    text = _GROUPED.sub(r"\1", text)
    return _ANGLES.sub(r"(\1)", _ARRAY.sub(r"\\begin{pmatrix}\1\\end{pmatrix}", text))


def _without_hulls(text: str) -> str:
    for _ in range(8):
        hull = _HULLS.search(text)
        if hull is None:
            break
        depth, end = 1, hull.end()
        while end < len(text) and depth:
            depth += (text[end] == "{") - (text[end] == "}")
            end += 1
        inside = text[hull.end() : end - 1] if not depth else text[hull.end() :]
        text = f"{text[: hull.start()]}{{{inside}}}{text[end:]}"
    return text
