"""Formulas read as sympy expressions, by a grammar that leaves nothing unread. Runs in the comparing process only."""

from fractions import Fraction
from typing import Any

import sympy

from verifiers.answers.tokens import Token, Unread, closing, cut, written

_FUNCTIONS: dict[str, Any] = {
    rf"\{name}": function
    for name, function in {
        "sin": sympy.sin, "cos": sympy.cos, "tan": sympy.tan, "cot": sympy.cot, "sec": sympy.sec, "csc": sympy.csc,
        "arcsin": sympy.asin, "arccos": sympy.acos, "arctan": sympy.atan, "arccot": sympy.acot, "sinh": sympy.sinh,
        "cosh": sympy.cosh, "tanh": sympy.tanh, "ln": sympy.log, "exp": sympy.exp, "abs": sympy.Abs,
    }.items()
}  # fmt: skip
_INVERSES = {
    r"\sin": sympy.asin, r"\cos": sympy.acos, r"\tan": sympy.atan, r"\cot": sympy.acot, r"\sec": sympy.asec,
    r"\csc": sympy.acsc,
}  # fmt: skip
_GREEK = (
    "alpha beta gamma delta epsilon varepsilon theta lambda mu rho sigma tau phi varphi omega Delta Omega psi xi eta "
    "nu kappa zeta Gamma Lambda Sigma Phi Psi ell"
)
GREEK = frozenset(f"\\{name}" for name in _GREEK.split())
_CALLED = frozenset("fghFGHP")
_ENDS = frozenset((")", "]", "}", r"\}", r"\rfloor", r"\rceil", "&", r"\end", ",", "\\\\"))
_DEEPEST = 60


class Formula:
    """Tokens read from left to right; `pm` is the sign that \\pm stands for, `angles` whether degrees are angles."""

    def __init__(self, tokens: list[Token], pm: int = 1, bound: dict[str, Any] | None = None, depth: int = 0) -> None:
        if depth > _DEEPEST:
            raise Unread("nested too deeply")
        self.tokens, self.place, self.pm, self.bound, self.depth = tokens, 0, pm, bound or {}, depth
        self.angles = False

    def whole(self) -> Any:
        """The expression that all of the tokens are."""
        value = self.sum()
        if self.place != len(self.tokens):
            raise Unread(written(self.tokens[self.place :]))
        return value

    def inner(self, tokens: list[Token]) -> Any:
        """The value of tokens within brackets."""
        inside = Formula(tokens, self.pm, self.bound, self.depth + 1)
        inside.angles = self.angles
        return inside.whole()

    def peek(self, ahead: int = 0) -> str:
        place = self.place + ahead
        return self.tokens[place].text if place < len(self.tokens) else ""

    def kind(self) -> str:
        return self.tokens[self.place].kind if self.place < len(self.tokens) else ""

    def take(self) -> Token:
        if self.place >= len(self.tokens):
            raise Unread("it ends too early")
        self.place += 1
        return self.tokens[self.place - 1]

    def bracketed(self) -> list[Token]:
        """The tokens within the bracket that opens here; goes on behind it."""
        end = closing(self.tokens, self.place)
        inside = self.tokens[self.place + 1 : end]
        self.place = end + 1
        return inside

    def sum(self) -> Any:
        value = self.signed()
        while self.peek() in ("+", "-", r"\pm", r"\mp"):
            sign = self.sign(self.take().text)
            value = value + sign * self.term()
        return value

    def sign(self, text: str) -> int:
        return {"+": 1, "-": -1, r"\pm": self.pm, r"\mp": -self.pm}[text]

    def signed(self) -> Any:
        sign = 1
        while self.peek() in ("+", "-", r"\pm", r"\mp"):
            sign *= self.sign(self.take().text)
        return sign * self.term()

    def term(self) -> Any:
        value = self.factor()
        divided = False
        while self.place < len(self.tokens):
            text = self.peek()
            if text in (r"\cdot", "/"):
                self.take()
                sign = 1
                while self.peek() in ("+", "-"):
                    sign *= self.sign(self.take().text)
                other = sign * self.factor()
                value, divided = (self.quotient(value, other), True) if text == "/" else (value * other, False)
            elif self.begins_factor():
                if divided and self.tokens[self.place - 1].kind != "number":
                    raise Unread("a denominator that may be longer")
                value = value * self.factor()
            else:
                break
        return value

    @staticmethod
    def quotient(one: Any, other: Any) -> Any:
        if other == 0:
            raise Unread("a division by nothing")
        return one / other

    def begins_factor(self) -> bool:
        text, kind = self.peek(), self.kind()
        if kind in ("number", "repeating"):
            return False
        if kind in ("letter", "upright"):
            return True
        if kind == "sign":
            return text in ("(", "{")
        return kind == "command" and (
            text in _FUNCTIONS or text in GREEK
            or text in (r"\frac", r"\sqrt", r"\pi", r"\log", r"\binom", r"\begin", r"\lfloor", r"\lceil", r"\sum",
                        r"\prod",
                        r"\vec", r"\hat", r"\bar", r"\overline", r"\triangle", r"\angle", r"\infty", r"\cbrt")
        )  # fmt: skip

    def factor(self) -> Any:
        """A number, name, function, root, fraction or bracket, with its powers; 2 1/2 is one number."""
        plain = self.kind() == "number"
        value = self.primary()
        if plain and self.peek() == r"\frac" and value.is_Integer:
            rest = self.mixed()
            if rest is not None:
                value = value + rest
        return self.raised(value)

    def mixed(self) -> Any:
        """The fraction of a mixed number, None where it is a factor."""
        before = self.place
        self.take()
        top, bottom = self.argument(), self.argument()
        if getattr(top, "is_Integer", False) and getattr(bottom, "is_Integer", False):
            if not 0 < top < bottom:
                raise Unread("a product or a mixed number")
            return sympy.Rational(top, bottom)
        self.place = before
        return None

    def raised(self, value: Any) -> Any:
        while True:
            text = self.peek()
            if text == "^":
                self.take()
                if self.peek() == r"\circ":
                    self.take()
                    value = value * sympy.pi / 180 if self.angles else value
                    continue
                value = self.power(value, self.exponent())
            elif text == "!":
                self.take()
                if not (value.is_Integer or value.free_symbols):
                    raise Unread("a factorial of no whole number")
                value = sympy.factorial(value)
            else:
                return value

    @staticmethod
    def power(base: Any, exponent: Any) -> Any:
        if base == 0 and not exponent.is_positive:
            raise Unread("a power of nothing")
        return base**exponent

    def exponent(self) -> Any:
        if self.peek() == "{":
            return self.inner(self.bracketed())
        if self.peek() == "(":
            return self.inner(self.bracketed())
        sign = -1 if self.peek() == "-" else 1
        if sign < 0:
            self.take()
        return sign * self.primary()

    def argument(self) -> Any:
        """What a command takes: a group, or one digit, letter or command."""
        if self.peek() == "{":
            return self.inner(self.bracketed())
        token = self.tokens[self.place] if self.place < len(self.tokens) else Token("", "")
        if token.kind == "number" and token.text.isdigit():
            if len(token.text) == 1:
                self.place += 1
            else:
                self.tokens = [
                    *self.tokens[: self.place],
                    Token("number", token.text[0]),
                    Token("number", token.text[1:]),
                    *self.tokens[self.place + 1 :],
                ]
                self.place += 1
            return sympy.Integer(token.text[0])
        if token.kind in ("letter", "upright") or token.text in (r"\pi", r"\sqrt", r"\frac", "("):
            return self.primary()
        raise Unread("a command without its argument")

    def primary(self) -> Any:
        token = self.take()
        if token.kind == "number":
            return self.number(token.text)
        if token.kind == "repeating":
            return repeating(token.text)
        if token.kind in ("letter", "upright"):
            return self.named(token.text)
        reader = getattr(self, _READERS.get(token.text, ""), None)
        if reader is not None:
            return reader(token.text)
        if token.text in _FUNCTIONS or token.text == r"\log":
            return self.function(token.text)
        if token.text in GREEK:
            return self.symbol(token.text)
        raise Unread(token.text)

    def number(self, text: str) -> Any:
        if self.peek() == "_":
            raise Unread("a number with a base")
        if "e" in text.lower() and len(text.lower().partition("e")[2]) > 4:
            raise Unread(text)
        value = Fraction(text)
        return sympy.Rational(value.numerator, value.denominator)

    def named(self, letter: str) -> Any:
        if letter in self.bound and self.peek() != "_":
            return self.bound[letter]
        if letter == "e" and self.peek() != "_":
            return sympy.E
        if letter == "i" and self.peek() != "_":
            return sympy.I
        if letter == "C" and self.peek() == "(":
            parts, _ = cut(self.tokens[self.place + 1 : closing(self.tokens, self.place)], frozenset(","))
            if len(parts) == 2:
                self.bracketed()
                return sympy.binomial(*(self.inner(part) for part in parts))
        symbol = self.symbol(letter)
        if self.peek() == "(" and letter in _CALLED:
            parts, _ = cut(self.bracketed(), frozenset(","))
            return sympy.Function(symbol.name)(*(self.inner(part) for part in parts))
        return symbol

    def symbol(self, name: str) -> Any:
        while self.peek() == "'":
            name += self.take().text
        if self.peek() == "_":
            self.take()
            index = self.bracketed() if self.peek() == "{" else [self.take()]
            name = f"{name}_{written(index)}"
        return sympy.Symbol(name)

    def group(self, _: str) -> Any:
        self.place -= 1
        return self.inner(self.bracketed())

    def absolute(self, _: str) -> Any:
        end = next((place for place in range(self.place, len(self.tokens)) if self.tokens[place].text == "|"), None)
        if end is None or end == self.place:
            raise Unread("|")
        inside = self.tokens[self.place : end]
        self.place = end + 1
        return sympy.Abs(self.inner(inside))

    def rounded(self, text: str) -> Any:
        self.place -= 1
        return (sympy.floor if text == r"\lfloor" else sympy.ceiling)(self.inner(self.bracketed()))

    def fraction(self, _: str) -> Any:
        top = self.argument()
        return self.quotient(top, self.argument())

    def root(self, text: str) -> Any:
        index: Any = sympy.Integer(3 if text == r"\cbrt" else 2)
        if self.peek() == "[":
            index = self.inner(self.bracketed())
        if index == 0:
            raise Unread("a root of no degree")
        value = self.argument() if self.peek() != "(" else self.inner(self.bracketed())
        if index.is_odd and value.is_negative:
            return -((-value) ** (1 / index))
        return value ** (1 / index)

    def binomial(self, _: str) -> Any:
        top = self.argument()
        return sympy.binomial(top, self.argument())

    def infinity(self, _: str) -> Any:
        return sympy.oo

    def pi(self, _: str) -> Any:
        return self.symbol(r"\pi") if self.peek() == "_" else sympy.pi

    def accented(self, text: str) -> Any:
        inside = self.bracketed() if self.peek() == "{" else [self.take()]
        if not inside or any(token.kind not in ("letter", "upright") for token in inside):
            raise Unread(text)
        return self.symbol(text + written(inside))

    def function(self, text: str) -> Any:
        base, power = None, None
        if text == r"\log" and self.peek() == "_":
            self.take()
            base = self.argument() if self.peek() == "{" else self.primary()
        if self.peek() == "^":
            self.take()
            power = self.exponent()
        before, self.angles = self.angles, text in _INVERSES
        argument = self.inner(self.bracketed()) if self.peek() in ("(", "{") else self.bare_argument()
        self.angles = before
        if text == r"\log":
            value = self.quotient(sympy.log(argument), sympy.log(base or 10))
        elif power == -1 and text in _INVERSES:
            return _INVERSES[text](argument)
        else:
            value = _FUNCTIONS[text](argument)
        return value if power is None else value**power

    def bare_argument(self) -> Any:
        """The factors behind a function without brackets, as in sin 2x."""
        if self.peek() in ("-", "+"):
            raise Unread("a function without its argument")
        value = self.factor()
        while self.begins_factor() and self.peek() not in _FUNCTIONS and self.peek() not in (r"\log", "(", "{"):
            value = value * self.factor()
        if self.peek() == "/" and self.place + 1 < len(self.tokens) and self.tokens[self.place + 1].kind == "number":
            self.take()
            value = self.quotient(value, self.factor())
        return value

    def repeated(self, text: str) -> Any:
        r"""A sum or product from one whole number to another: \sum_{i=1}^{3} i."""
        if self.take().text != "_":
            raise Unread(text)
        inside = self.bracketed()
        name, first_tokens = inside[0], inside[2:]
        if self.take().text != "^":
            raise Unread(text)
        stop = self.exponent()
        first = self.inner(first_tokens)
        symbol = sympy.Symbol(name.text)
        body = Formula(self.tokens[self.place :], self.pm, {**self.bound, name.text: symbol}, self.depth + 1)
        value = body.term()
        self.place += body.place
        return (sympy.Sum if text == r"\sum" else sympy.Product)(value, (symbol, first, stop)).doit()

    def matrix(self, _: str) -> Any:
        self.place -= 1
        inside = self.bracketed()
        name = written(self.bracketed())
        end = closing(inside, 0)
        if written(inside[1:end]) != name or not name.endswith("matrix"):
            raise Unread(name)
        lines = cut(inside[end + 1 :], frozenset(("\\\\",)))[0]
        rows = [[self.inner(cell) for cell in cut(row, frozenset("&"))[0]] for row in lines if row]
        if not rows or len({len(row) for row in rows}) != 1:
            raise Unread("a matrix with rows of several lengths")
        made = sympy.ImmutableMatrix(rows)
        return made.det() if name == "vmatrix" else made


_READERS = {
    "(": "group", "{": "group", "[": "group", "|": "absolute", r"\lfloor": "rounded", r"\lceil": "rounded",
    r"\frac": "fraction", r"\sqrt": "root", r"\cbrt": "root", r"\binom": "binomial", r"\infty": "infinity",
    r"\pi": "pi",
    r"\vec": "accented", r"\hat": "accented", r"\bar": "accented", r"\overline": "accented", r"\angle": "accented",
    r"\triangle": "accented", r"\sum": "repeated", r"\prod": "repeated", r"\begin": "matrix",
}  # fmt: skip


def repeating(text: str) -> Any:
    r"""0.1\overline{6} as 1/6."""
    whole, _, decimals = text.partition(".")
    once, _, again = decimals.replace(" ", "").removesuffix("}").partition(r"\overline{")
    before = int(whole + once or "0")
    return sympy.Rational(int(whole + once + again) - before, (10 ** len(again) - 1) * 10 ** len(once))
