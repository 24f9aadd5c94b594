"""Seeded pairs of true answers and the same written in another way, with another value in the same dress, which is not.

Rewritings are made from exact values, so each is equal by construction.
"""

from collections.abc import Callable
from fractions import Fraction
from random import Random

from tests.answer_changes import Pair

Made = tuple[str, list[str], list[str]]
"""A true answer, the same in other ways, and others that are not the same."""


def _decimal(value: Fraction) -> str:
    return f"{float(value):.12f}".rstrip("0").rstrip(".")


def _frac(value: Fraction, command: str = r"\frac") -> str:
    sign = "-" if value < 0 else ""
    return f"{sign}{command}{{{abs(value.numerator)}}}{{{value.denominator}}}"


def _finite(random: Random) -> Fraction:
    value = Fraction(random.randrange(1, 400), random.choice((2, 4, 5, 8, 10, 16, 20, 25)))
    return value if value.denominator > 1 else value + Fraction(1, 2)


def fractions(random: Random) -> Made:
    def dresses(value: Fraction) -> list[str]:
        whole, rest = divmod(value.numerator, value.denominator)
        mixed = (
            [f"{whole}{_frac(Fraction(rest, value.denominator))}", f"{whole} {rest}/{value.denominator}"]
            if whole
            else []
        )
        plain = [_decimal(value), f"{value.numerator}/{value.denominator}", f"{_decimal(value)}0"]
        return [*plain, *mixed, f"\\frac{{{3 * value.numerator}}}{{{3 * value.denominator}}}"]

    value = _finite(random)
    return _frac(value), dresses(value), dresses(value + Fraction(1, value.denominator))


def spacing(random: Random) -> Made:
    a, b, c = (random.randrange(2, 60) for _ in range(3))

    def dresses(c: int) -> list[str]:
        return [
            f"{a}x^2 \\, + \\, {b}x\\;-\\;{c}",
            f"{a} x^{{ 2 }} + {b} x - {c}",
            f"{a}x^2+{b}x-{c}\\quad",
            f"  {a}x^2+{b}x-{c} ",
            f"{a}\\,x^2+{b}\\,x-{c}",
            f"{a}~x^2+{b}~x-{c}",
        ]

    return f"{a}x^2 + {b}x - {c}", dresses(c), dresses(c + 1)


def commands(random: Random) -> Made:
    value, other = Fraction(random.randrange(1, 90), 7), random.randrange(2, 30)

    def dresses(other: int) -> list[str]:
        return [
            f"\\left({_frac(value, chr(92) + 'dfrac')}, {other}\\right)",
            f"\\bigl({_frac(value, chr(92) + 'tfrac')},{other}\\bigr)",
            f"\\Big( {_frac(value)} , {other} \\Big)",
            f"\\left({_frac(value, chr(92) + 'cfrac')},\\ {other}\\right)",
            f"\\displaystyle \\left({_frac(value)},{other}\\right)",
        ]

    return f"({_frac(value)},{other})", dresses(other), dresses(other + 1)


def units(random: Random) -> Made:
    value = random.randrange(2, 5000)
    unit, long = random.choice(
        (("cm", "centimeters"), ("m", "meters"), ("kg", "kilograms"), ("hours", "hours"), ("ft", "feet"))
    )

    def dresses(value: int) -> list[str]:
        return [
            f"{value}\\text{{ {unit}}}",
            f"{value}\\,\\mathrm{{{unit}}}",
            f"{value} \\text{{ {long}}}",
            f"{value}\\mbox{{ {long}}}",
            f"\\text{{{value} {long}}}",
            f"{value} {long}",
        ]

    wrong = [
        *dresses(value + 1),
        f"{value}\\text{{ {unit} }}{value}",
        f"{value}\\text{{ million {long}}}",
        f"{value}\\text{{ or more {long}}}",
    ]
    return str(value), dresses(value), wrong


def thousands(random: Random) -> Made:
    value = random.randrange(1000, 10**9)

    def dresses(value: int) -> list[str]:
        marks = (",", "{,}", r"\,", r"\ ", "~", " ", r",\!", r"\;")
        return [f"{value:,}".replace(",", mark) for mark in marks]

    return str(value), dresses(value), [*dresses(value + 1), f"{value:,}".partition(",")[0], f"{value:,}"[:-1]]


def sets(random: Random) -> Made:
    elements = random.sample(range(-50, 50), random.randrange(3, 6))

    def dresses(elements: list[int]) -> list[str]:
        shuffled = random.sample(elements, len(elements))
        listed = ", ".join(map(str, shuffled))
        return [
            f"\\{{{listed}\\}}",
            f"\\left\\{{ {listed} \\right\\}}",
            f"\\lbrace {listed} \\rbrace",
            listed,
            ", ".join(map(str, shuffled[:-1])) + f" \\text{{ and }} {shuffled[-1]}",
        ]

    wrong = dresses([elements[0] + 100, *elements[1:]]) + dresses(elements[1:])
    return f"\\{{{', '.join(map(str, elements))}\\}}", dresses(elements), wrong


def factors(random: Random) -> Made:
    a, b, c = random.randrange(2, 9), random.randrange(1, 30), random.randrange(31, 60)

    def dresses(c: int) -> list[str]:
        return [
            f"(x-{c})({a}x+{b})",
            f"({a}x+{b})(x-{c})",
            f"{a}x^2+{b - a * c}x-{b * c}".replace("+-", "-"),
            f"({b}+{a}x)(-{c}+x)",
            f"-({a}x+{b})({c}-x)",
            f"({a}x+{b}) \\cdot (x-{c})",
        ]

    return f"({a}x+{b})(x-{c})", dresses(c), dresses(c + 1)


def wrappers(random: Random) -> Made:
    value = random.randrange(2, 999)

    def dresses(value: int) -> list[str]:
        return [
            f"\\mathbf{{{value}}}",
            f"\\text{{{value}}}",
            f"\\underline{{{value}}}",
            f"\\textcolor{{red}}{{{value}}}",
            f"${value}$",
            f"{{{value}}}",
            f"\\boxed{{{value}}}",
            f"\\color{{blue}} {value}",
            f"\\text{{The answer is }} {value}",
            f"x = {value}",
            f"{value} = x",
        ]

    return (
        str(value),
        dresses(value),
        [
            *dresses(value + 1),
            f"x^2={value}",
            f"2x={value}",
            f"\\mathbf{{{value}}}\\mathbf{{i}}",
            f"\\text{{not }}{value}",
        ],
    )


def degrees(random: Random) -> Made:
    value = random.randrange(1, 360)

    def dresses(value: int) -> list[str]:
        return [
            f"{value}^\\circ",
            f"{value}^{{\\circ}}",
            f"{value}°",
            f"{value}\\degree",
            f"{value}\\text{{ degrees}}",
            f"{value} degrees",
            f"{value}",
        ]

    return f"{value}^\\circ", dresses(value), dresses(value + 1)


def percents(random: Random) -> Made:
    value = random.randrange(1, 100)

    def dresses(value: int) -> list[str]:
        return [
            f"{value}\\%",
            f"{value}\\text{{ percent}}",
            f"{_decimal(Fraction(value, 100))}",
            f"\\frac{{{value}}}{{100}}",
            f"{value} percent",
        ]

    return f"{value}\\%", dresses(value), [*dresses(value + 1), f"{_decimal(Fraction(value, 1000))}"]


def roots(random: Random) -> Made:
    a, b = random.randrange(2, 12), random.choice((2, 3, 5, 7, 11, 13))

    def dresses(a: int) -> list[str]:
        return [
            f"\\sqrt{{{a * a * b}}}",
            f"{a}\\cdot {b}^{{1/2}}",
            f"\\frac{{{a * b}}}{{\\sqrt{{{b}}}}}",
            f"{a}√{b}",
            f"{a}*sqrt({b})",
            f"\\sqrt{{{b}}}\\cdot {a}",
            f"{b}^{{\\frac12}}\\cdot {a}",
        ]

    return f"{a}\\sqrt{{{b}}}", dresses(a), dresses(a + 1)


def intervals(random: Random) -> Made:
    start, end = sorted(random.sample(range(-40, 40), 2))

    def dresses(end: int) -> list[str]:
        return [
            f"{start} < x \\le {end}",
            f"x \\in ({start}, {end}]",
            f"\\left({start},{end}\\right]",
            f"\\{{x \\mid {start} < x \\leq {end}\\}}",
            f"{end} \\ge x > {start}",
            f"x > {start} \\text{{ and }} x \\le {end}",
            f"x ∈ ({start},{end}]",
            f"{start} < x ≤ {end}",
        ]

    wrong = [
        *dresses(end + 1),
        f"[{start},{end}]",
        f"({start},{end})",
        f"{start} \\le x \\le {end}",
        f"\\{{{start},{end}\\}}",
    ]
    return f"({start},{end}]", dresses(end), wrong


def tuples(random: Random) -> Made:
    a, b, half = random.randrange(-20, 20), random.randrange(-20, 20), Fraction(2 * random.randrange(1, 30) + 1, 2)

    def dresses(b: int) -> list[str]:
        return [
            f"\\left({a},{b},{_frac(half)}\\right)",
            f"( {a}, {b}, {_decimal(half)} )",
            f"\\langle {a},{b},{_frac(half)}\\rangle",
            f"(x,y,z)=({a},{b},{_frac(half)})",
            f"({a},\\,{b},\\,{half.numerator}/2)",
        ]

    wrong = [*dresses(b + 1), f"\\{{{a},{b},{_frac(half)}\\}}", f"({_frac(half)},{b},{a - 1})"]
    return f"({a},{b},{_frac(half)})", dresses(b), wrong


def scientific(random: Random) -> Made:
    digits, power = random.randrange(11, 99), random.randrange(6, 12)

    def dresses(digits: int) -> list[str]:
        head = f"{digits // 10}.{digits % 10}"
        return [
            f"{head}e{power}",
            f"{head}E{power}",
            f"{head} \\cdot 10^{{{power}}}",
            str(digits * 10 ** (power - 1)),
            f"{head} × 10^{power}",
            f"{digits * 10 ** (power - 1) // 100000 / 10:g} \\text{{ million}}" if power < 9 else f"{head}*10^{power}",
        ]

    wrong = [
        *dresses(digits + 1),
        f"{digits // 10}.{digits % 10}",
        f"{digits // 10}.{digits % 10}\\times10^{power + 1}",
    ]
    return f"{digits // 10}.{digits % 10}\\times 10^{{{power}}}", dresses(digits), wrong


def equations(random: Random) -> Made:
    a, b, c = (random.randrange(2, 40) for _ in range(3))

    def dresses(c: int) -> list[str]:
        return [
            f"{a}x+{b}y-{c}=0",
            f"{c}={a}x+{b}y",
            f"{b}y+{a}x={c}",
            f"{3 * a}x+{3 * b}y={3 * c}",
            f"{c}-{a}x={b}y",
            f"-{a}x-{b}y+{c}=0",
        ]

    return f"{a}x+{b}y={c}", dresses(c), [*dresses(c + 1), f"{c}", f"{a}x-{b}y={c}"]


FAMILIES: tuple[Callable[[Random], Made], ...] = (
    fractions,
    spacing,
    commands,
    units,
    thousands,
    sets,
    factors,
    wrappers,
    degrees,
    percents,
    roots,
    intervals,
    tuples,
    scientific,
    equations,
)


def rewritten(family: Callable[[Random], Made], seed: int, values: int) -> tuple[list[Pair], list[Pair]]:
    """Pairs that are equal, and pairs that are not, of some values of a family."""
    random = Random(f"{family.__name__} {seed}")
    equal, different = [], []
    for _ in range(values):
        gold, same, other = family(random)
        equal += [Pair(gold, answer, family.__name__) for answer in same]
        different += [Pair(gold, answer, family.__name__) for answer in other]
    return equal, different
