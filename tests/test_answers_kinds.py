r"""Kinds of answers that graders have got wrong, each in several dresses: right ones are right, wrong ones of the same
shape stay wrong.

A line is `gold ;; answer` for MATH, whose answer is boxed unless it has words or a box of its own; GSM8K's texts
stand as they are. Lines below `#` belong to the kind that it names; `!` begins one that must not be right.
"""

import json

import pytest

from tests.shared_data import shared
from verifiers.answers import GSM8K_ANSWER, GSM8K_MATH_VERIFY, MATH_VERIFY
from verifiers.thinking import answer_from
from verifiers.verifier import Problem, Verifier

MATH = r"""
# a bare relation is no number
! 5 ;; \ge 5
! 5 ;; > 5
! 5 ;; < 5
! 5 ;; \neq 5
! 5 ;; \approx
! -3 ;; \le -3
! \frac12 ;; \geq \frac{1}{2}
x \ge 5 ;; x \geqslant 5
# boxes with words between them are one answer
1,3 ;; T: The roots are $\boxed{1}$ and $\boxed{3}$.
(1,2),(3,4) ;; T: $\boxed{(1,2)}$ for even $n$ and $\boxed{(3,4)}$ for odd $n$.
2,5 ;; T: We have \(a = \boxed{2}\) and \(b = \boxed{5}\).
-1,1 ;; T: either $x=\boxed{1}$ or $x=\boxed{-1}$.
5 ;; T: First we get $\boxed{3}$, and so the answer is $\boxed{5}$.
5 ;; T: This gives $\boxed{3}$. Substituting, $\boxed{5}$.
! 3 ;; T: The roots are $\boxed{1}$ and $\boxed{3}$.
! 3,5 ;; T: $\boxed{3}$ and therefore $\boxed{5}$
# colour, underline and boldface change nothing
5 ;; \color{blue}{5}
\frac12 ;; \textcolor{red}{\frac{1}{2}}
5 ;; \underline{5}
5 ;; \underline{\underline{5}}
12 ;; \mathbf{12}
x+1 ;; \boldsymbol{x+1}
! 5 ;; \color{red}6
! 5 ;; \textcolor{blue}{5x}
! 5 ;; \underline{15}
# a quantity of two units is not its first number
! 2 ;; 2\text{ hours }15\text{ minutes}
! 5 ;; 5\text{ pounds, }3\text{ ounces}
! 6 ;; 6\text{ m }20\text{ cm}
! 1 ;; 1\text{ hour and }20\text{ minutes}
! 3 ;; 3\text{ years and }2\text{ months}
2 ;; 2\text{ hours}
6 ;; 6\ \mathrm{m}
# conditions joined by or and and, set-builder, intervals
(-\infty,0) ;; \{x : x < 0\}
[1,3] ;; \{x \mid 1 \le x \le 3\}
[1,3] ;; \{x \in \mathbb{R} : 1 \le x \le 3\}
(-\infty,-1]\cup[4,\infty) ;; x \le -1 \text{ or } x \ge 4
(-\infty,-1]\cup[4,\infty) ;; x\leq -1 ∨ x\geq 4
(1,5) ;; x > 1 \text{ and } x < 5
(1,5) ;; x > 1 \land x < 5
(-\infty,2)\cup(2,\infty) ;; x \ne 2
(-\infty,0)\cup(1,2) ;; (1,2) \cup (-\infty,0)
x>2 ;; 2 < x
! (1,5) ;; x > 1 \text{ or } x < 5
! (1,5) ;; 1 \le x < 5
! [0,\infty) ;; \{x : x > 0\}
! (-\infty,2)\cup(3,\infty) ;; x<2 \land x>3
! [1,3] ;; \{x \mid 1 \le y \le 4\}
! (-\infty,2) ;; x<2, x>3
# a correction in the same sentence
5 ;; T: The answer is 5, not 6.
5 ;; T: The answer is 5 (and not 7).
5 ;; T: The answer is not 4, but 5.
-2 ;; T: The answer is not 2 but -2.
! 6 ;; T: The answer is 5 (not 6).
! 6 ;; T: The answer is not 6 but 5.
! 6 ;; T: The answer is not 6.
# an equation brought to zero or multiplied
x-2y=3 ;; x-2y-3=0
y=2x+1 ;; y-2x-1=0
y=2x+1 ;; 2x-y+1=0
3x+4y=12 ;; 6x+8y=24
x^2+y^2=25 ;; 25 = y^2+x^2
x+y=5 ;; 5-x-y=0
! x+y=5 ;; x+y+5=0
! x^2+y^2=25 ;; x^2+y^2+25=0
! x+y=5 ;; x-y-5=0
! x+y=5 ;; x+y-5=1
! 0 ;; x+y-5=0
# an equation stands for its right side only where its left side is a name or equal to it
! 5 ;; 3x=5
! 5 ;; x^3=5
! 5 ;; x-y=5
! 5 ;; \ln x=5
! 5 ;; |x|=5
! 5 ;; \frac{1}{x}=5
! 5 ;; 2x + 1 = 5
! 5 ;; x!=5
! 5 ;; 2+2=5
! \sqrt2 ;; \tan x=\sqrt2
5 ;; x=5
5 ;; x_1 = 5
5 ;; f(2)=5
5 ;; AB=5
5 ;; P(A)=5
5 ;; \theta = 5
5 ;; a_{10}=5
5 ;; f'(3) = 5
5 ;; \angle ABC = 5^\circ
5 ;; 2+3=5
5 ;; x=2+3=5
5 ;; \text{Area} = 5
# e and i upright, degrees in angles, combinations, powers
e^2 ;; \mathrm{e}^2
2i ;; 2\mathrm{i}
e^{i} ;; \mathrm{e}^{\mathrm{i}}
\frac{\sqrt3}{2} ;; \cos 30^\circ
\frac{\sqrt3}{2} ;; \sin(60^{\circ})
1 ;; \tan 45°
-\frac12 ;; \cos(120^\circ)
10 ;; \binom{5}{3}
10 ;; {}_5C_2
10 ;; {5 \choose 2}
20 ;; _5P_2
8 ;; 2**3
9 ;; 3^2
! \frac12 ;; \sin 30
! 2 ;; 2\mathrm{e}
! 10 ;; C(5,4)
! 10 ;; _{5}C_4
! 6 ;; 2**3
# a mark of the matrix' rows
\begin{pmatrix}1\\2\end{pmatrix} ;; \begin{pmatrix}1\cr 2\end{pmatrix}
\begin{pmatrix}1&2\\3&4\end{pmatrix} ;; \begin{bmatrix}1 & 2\\[2pt] 3 & 4\end{bmatrix}
\begin{pmatrix}1&2\\3&4\end{pmatrix} ;; \begin{pmatrix}1&2\\3&4\\\end{pmatrix}
\begin{pmatrix}1&2\\3&4\end{pmatrix} ;; \left(\begin{matrix}1&2\\3&4\end{matrix}\right)
\begin{pmatrix}\frac12\\2\end{pmatrix} ;; \begin{pmatrix}0.5\\[4pt]2\end{pmatrix}
! \begin{pmatrix}1\\2\end{pmatrix} ;; \begin{pmatrix}1&2\end{pmatrix}
! \begin{pmatrix}1&2\\3&4\end{pmatrix} ;; \begin{pmatrix}1&2\cr 3&5\end{pmatrix}
! \begin{pmatrix}1&2\\3&4\end{pmatrix} ;; \begin{pmatrix}1&2\cr 3\end{pmatrix}
# a name or words before the value, or behind it
5 ;; 5 = n
\frac12 ;; \frac{1}{2} = p
5 ;; \text{The answer is }5
5 ;; \text{Final answer: }5
y=3x ;; f(x) = 3x
f(x)=x+1 ;; y=x+1
g(x)=x+1 ;; y=x+1
! y=3x ;; f(x)=4x
! f(x)=x^2 ;; f(x)=x^3
! 5 ;; 5 = 2x
! x=5 ;; y=5
! 5 ;; \text{at least }5
# a number with its base
1011_2 ;; 1011_{2}
1011_2 ;; 1011_{\text{two}}
1011_2 ;; (1011)_{2}
1A_{16} ;; 1A_{16}
21_3 ;; \text{21}_3
! 1011_2 ;; 1011_3
! 1011_2 ;; (1010)_2
! 11 ;; 11_2
! 2A_{16} ;; 2B_{16}
3 ;; 11_2
# percentages
0.75 ;; 75\%
\frac{1}{8} ;; 12.5\%
50\% ;; \frac{1}{2}
0.4 ;; 40 percent
35\% ;; 35\text{ percent}
20\% ;; 0.2
! \frac{3}{4} ;; 7.5\%
! 50\% ;; \frac{1}{3}
! 0.5 ;; 0.5\%
! \frac12 ;; \frac12\%
! 25\% ;; \frac{1}{5}
! 0.4 ;; 4 percent
# plain text
\sqrt{3}+1 ;; sqrt(3) + 1
\frac{\sqrt{3}}{2} ;; sqrt(3)/2
2\pi ;; 2*pi
\frac{\pi}{6} ;; pi/6
3\sqrt{2} ;; T: 3*sqrt(2)
x^2+2x ;; x^2 + 2*x
\sqrt{5}-2 ;; T: sqrt(5) - 2
(-\infty,3) ;; (-inf, 3)
! \sqrt{3} ;; sqrt(2)
! 2\sqrt{3} ;; sqrt(3)*3
! \sqrt{5}-2 ;; T: sqrt(5) + 2
! 5 ;; T: -2 + sqrt(5)
# repeating decimals
\frac13 ;; 0.\bar{3}
\frac16 ;; 0.1\dot{6}
\frac{4}{33} ;; 0.\dot{1}\dot{2}
\frac{4}{33} ;; 0.121212\ldots
\frac23 ;; 0.666...
\frac{1}{7} ;; 0.\overline{142857}
0.\overline{12} ;; \frac{4}{33}
! \frac13 ;; 0.\overline{34}
! \frac13 ;; 0.3
! \frac{4}{33} ;; 0.\dot{1}2
! 0.\overline{3} ;; 0.333333
! 0.3 ;; 0.\overline{3}
# a residue with its modulus
3 ;; 3 \pmod{5}
3 ;; 3 \pmod 5
3 ;; 3 \bmod{5}
3 ;; x \equiv 3 \pmod{5}
3 ;; 3 (\text{mod } 5)
3 ;; 3\ (\mathrm{mod}\ 5)
! 3 ;; 4 \pmod{5}
! 3 ;; 13 \pmod{5}
! 5 ;; 3 \pmod{5}
! 3 ;; 2x \equiv 3 \pmod{5}
# scientific notation
2.5\times10^{3} ;; 2500
2500 ;; 2.5e3
0.00012 ;; 1.2e-4
1.2\times10^{-4} ;; 1.2 \cdot 10^{-4}
6.02\times10^{23} ;; 6.02E23
3\times10^8 ;; 3 × 10^8
300 ;; 3*10^2
! 2500 ;; 2.5e2
! 3\times10^8 ;; 3e-8
! 3\times10^8 ;; 3\times10^9
! 5 ;; 5e2
! 5 ;; 5e
# sets, pairs and intervals
! (3,4) ;; \{3,4\}
! [3,4] ;; \{3,4\}
! (3,4) ;; [3,4]
! (3,4) ;; (4,3)
! \{3,4\} ;; \{3\}
! \{3,4\} ;; \{3,4,5\}
\{3,4\} ;; \{4, 3\}
\{3,4\} ;; \left\lbrace 3,4\right\rbrace
\{3,4\} ;; \{\,3,\,4\,\}
\emptyset ;; \varnothing
\emptyset ;; \{\ \}
\emptyset ;; ∅
! \emptyset ;; \{0\}
! \emptyset ;; 0
# six digits and the exact value
\frac13 ;; 0.333333
\frac{2}{3} ;; 0.666667
\sqrt2 ;; 1.414214
\frac{1}{7} ;; 0.142857
! \frac12 ;; 0.5000001
! \frac{1}{4} ;; 0.250001
! 2 ;; 1.9999999
! 0.125 ;; 0.1250001
! \frac13 ;; 0.333334
! \sqrt2 ;; 1.41421
! \frac{1}{7} ;; 0.142858
! 0.\overline{6} ;; 0.666667
# sized brackets
(1,2) ;; \bigl(1,2\bigr)
(1,2) ;; \Big( 1, 2 \Big)
[1,2) ;; \biggl[1,2\biggr)
\{1,2\} ;; \big\{1,2\big\}
\frac{x+1}{2} ;; \frac12\bigl(x+1\bigr)
! (1,2) ;; \bigl(2,1\bigr)
! [1,2) ;; \bigl[1,2\bigr]
# text around signs and colons
\$12.50 ;; \text{\$}12.50
\$12.50 ;; \text{\$12.50}
12:30 ;; \text{12:30}
3:4 ;; 3{:}4
3:4 ;; 3 : 4
3:4 ;; 3\colon 4
! 3:4 ;; 4{:}3
! 12:30 ;; \text{12:31}
! \$12.50 ;; \text{\$}12.05
! 3:4 ;; 3.4
# thousands
12345 ;; 12~345
12345 ;; 12\ 345
12345 ;; 12\,345
12345 ;; 12{,}345
12345 ;; 12,345
12345 ;; 12 345
! 12345 ;; 12,34,5
! 12345 ;; 12\ 346
! 12 ;; 12\,345
! 12 ;; 12{,}345
# unicode
\frac34 ;; ¾
2\frac12 ;; 2½
\sqrt{5} ;; √5
\sqrt{x+1} ;; √(x+1)
x^{10} ;; x¹⁰
x_1+x_2 ;; x₁+x₂
-7 ;; −7
-7 ;; –7
3\cdot 4 ;; 3×4
[2,\infty) ;; [2,∞)
42 ;; ４２
\pi ;; π
x\le 3 ;; x ≤ 3
90^\circ ;; 90°
\pm 2 ;; ±2
! 7 ;; –7
! \sqrt{5} ;; √6
! x^2 ;; x³
! \frac34 ;; ¼
! 5 ;; √5
! 3 ;; 3²
# words behind a number that change it
! 5 ;; 5\text{ cubed}
! 5 ;; 5\text{ or more}
! 5 ;; 5\text{ at least}
! 5 ;; 5\text{ and a quarter}
! 5 ;; 5\text{ factorial}
! 5 ;; 5\text{ to }7
! 5 ;; 5\text{ times }3
! 5\text{ cm} ;; 5\text{ cm}^3
! 5\text{ cm} ;; 5\text{ square cm}
! 5\text{ cm} ;; 5\text{ mm}
! 5\text{ hours} ;; 5\text{ minutes}
5 ;; 5\text{ apples}
5 ;; 5\text{ units}
5 ;; 5\text{ square units}
5\text{ cm} ;; 5\text{ centimeters}
5\text{ cm}^2 ;; 5\text{ square centimeters}
5 ;; 5\text{ km/h}
5 ;; 5^{\text{th}}
# what is not read is not thrown away
! 5 ;; 5\mathbf{j}
! 5 ;; 5\text{x}
! 5 ;; 5\mathrm{x}
! 5 ;; 5\textbf{n}
! 5 ;; 5\text{K}
! 5 ;; 5\operatorname{foo}(x)
! 5 ;; 5\frac{}{}
! 5 ;; 5+
! 5 ;; 5-
! 5 ;; 5^
! 5 ;; 5\cdot
! 5 ;; 5\div
! 5 ;; 5\cos
! 5 ;; 5\mathbb{R}
! 5 ;; 5\int
! 5 ;; 5\nabla
! 5 ;; 5\foo
! 5 ;; 5\%\%
! 5 ;; 5 @
! 5 ;; 5\ldots
! 5 ;; 5'
! 5 ;; (5
! 5 ;; 5_
! 3\mathbf{i}-\mathbf{j} ;; 3\mathbf{i}+\mathbf{j}
3\mathbf{i}-\mathbf{j} ;; -\mathbf{j}+3\mathbf{i}
1-2i ;; 1-2\mathrm{i}
x^2 ;; \mathrm{x}^2
# names of large numbers
3000000 ;; 3\text{ million}
2.4\times10^9 ;; 2.4\text{ billion}
48 ;; 4\text{ dozen}
700 ;; 7\text{ hundred}
7000 ;; 7\text{ thousand dollars}
250000 ;; T: The answer is $250$ thousand.
3000000 ;; T: so it is $\boxed{3}$ million.
! 7 ;; 7\text{ hundred}
! 4 ;; 4\text{ dozen eggs}
! 250 ;; T: The answer is $250$ thousand.
! 3 ;; T: so it is $\boxed{3}$ million.
! 3 ;; 3\text{ billion people}
! 2000 ;; 2k
! 2k ;; 2/k
2k ;; k \cdot 2
! 2k ;; 2000
# words
\text{odd} ;; \text{odd.}
\text{odd} ;; \text{Odd}
\text{May 5} ;; May 5
\text{no solutions} ;; No solutions
\text{(B)} ;; (B)
\text{B} ;; \textbf{(B)}
\text{Alice and Bob} ;; \text{Alice} \text{ and } \text{Bob}
! \text{odd} ;; \text{not odd}
! \text{May 5} ;; May 6
! \text{May 5} ;; 5
! \text{(B)} ;; (C)
! \text{no solutions} ;; \text{two solutions}
# markdown around the whole text
7 ;; T: **7**
7 ;; T: _7_
7 ;; T: ***7***
7 ;; T: `7`
\frac12 ;; T: **$\frac{1}{2}$**
! 7 ;; T: **8**
! 7 ;; T: **7x**
"""

GSM8K = r"""
# a quantity of two units is not its first number
! 3 ;; #### 3 hours and 15 minutes
! 3 ;; The answer is 3 dollars and 50 cents.
! 4 ;; Answer: 4 feet, 2 inches
! 2 ;; A: 2 weeks 3 days
! 6 ;; \boxed{6 \text{ ft } 3 \text{ in}}
3 ;; #### 3 hours
3 ;; The answer is 3 hours.
# LaTeX behind every mark
0.5 ;; The answer is $\frac{1}{2}$.
0.5 ;; Answer: \frac12
3.25 ;; A: 3\frac{1}{4}
1250 ;; \boxed{1{,}250}
1250 ;; The answer is $1{,}250$.
1250 ;; Answer: $1\,250$
16 ;; #### \text{\$}16
16 ;; #### \$16
16 ;; #### $\boxed{16}$
16 ;; #### 16\text{ apples}
0.5 ;; So he eats $\frac{1}{2}$
! 1 ;; The answer is $\frac{1}{2}$.
! 2 ;; #### \frac{1}{2}
! 2 ;; So he eats $\frac{1}{2}$
! 3 ;; A: 3\frac{1}{4}
! 1 ;; \boxed{1{,}250}
! 3 ;; #### 3x
! 3 ;; \boxed{3y}
! 9 ;; #### \sqrt{9}
# the number of a heading
12 ;; #### 1. Count\n3*2=6\n#### 2. Double\n6*2=12\n#### 12
12 ;; #### Step 1: Count\n6\n#### Step 2: Double\nThe answer is 12.
12 ;; #### 1. **Find** the price\nIt is 12 dollars
12 ;; #### 1) Count\n#### 2) Sum up\nTotal: \boxed{12}
12 ;; #### 3. Conclusion\nHe has 12 left.
! 1 ;; #### 1. Count\n3*2=6\n#### 2. Double\n6*2=12
! 3 ;; #### 3. Conclusion\nHe has 12 left.
# the sign as a word or a dash
-8 ;; #### −8
-8 ;; #### minus 8
-8 ;; The answer is negative 8.
-8 ;; A: –8
-8 ;; The change is negative 8
! 8 ;; #### −8
! 8 ;; The answer is negative 8.
! 8 ;; A: –8
! 8 ;; The change is minus 8
# words and signs that change the number
! 6 ;; #### at most 6
! 6 ;; #### less than 6
! 6 ;; #### twice 6
! 6 ;; #### a third of 6
! 6 ;; #### up to 6
! 6 ;; #### ≥ 6
! 6 ;; #### < 6
! 6 ;; #### 6 or 7
! 6 ;; #### 6 and 7
! 6 ;; #### between 6 and 7
! 6 ;; #### 6-7
! 6 ;; #### 6–7
! 6 ;; #### 6 / 7
! 6 ;; #### 6 plus 1
! 6 ;; #### 6 times as many
! 6 ;; #### 6 cubed
! 6 ;; #### 6 R 2
! 6 ;; #### 6 out of 7
! 6 ;; #### 6:7
! 6 ;; #### 6; 7
! 6 ;; #### 6 and a half
! 6 ;; #### 6 halves
! 6 ;; The answer is over 6.
! 6 ;; The answer is not 6.
! 6 ;; He needs at least 6
! 6 ;; He has more than 6
! 6 ;; Answer: 3x = 6
! 6 ;; #### $6 per hour for 3 hours = $18
18 ;; #### $6 per hour for 3 hours = $18
6 ;; #### 6 dollars per hour
6 ;; #### 6 more
6 ;; #### 6 left
6 ;; #### x = 6
6 ;; The answer is 6, not 7.
6 ;; The answer is 6 because 2*3 = 6.
6 ;; #### 6th
6 ;; #### 6 (six)
# names of large numbers
3000000 ;; #### 3 million
2500 ;; The answer is 2.5 thousand.
24 ;; #### 2 dozen
4000 ;; Answer: $4k
500 ;; \boxed{5 \text{ hundred}}
3000000 ;; So they sell 3 million.
! 3 ;; #### 3 million
! 3 ;; So they sell 3 million.
! 2 ;; #### 2 dozen eggs
! 4 ;; Answer: $4k
! 5 ;; \boxed{5}$ thousand
# scientific notation
2000 ;; #### 2e3
2000 ;; #### 2 \times 10^3
2000 ;; \boxed{2\times10^{3}}
2000 ;; The answer is 2*10^3.
2000 ;; #### 2 × 10³
! 2 ;; #### 2e3
! 2 ;; The answer is 2 x 10^3.
! 10 ;; #### 2 \times 10^3
# unicode
1.5 ;; #### 1½
0.75 ;; The answer is ¾.
25 ;; #### ２５
! 1 ;; #### 1½
! 3 ;; The answer is 3².
# markdown around the whole text
42 ;; __42__
42 ;; **42**
42 ;; *42*
42 ;; `42`
! 42 ;; __43__
"""


def cases(lines: str) -> list[tuple[str, str, bool]]:
    """Gold, text and whether it is right, of each line."""
    found = []
    for line in lines.strip().splitlines():
        if not line.startswith("# "):
            gold, text = line.removeprefix("! ").split(" ;; ")
            found.append((gold, text, not line.startswith("! ")))
    return found


def is_right(verifier: Verifier, gold: str, text: str) -> bool:
    problem = Problem("x", {"problem": "", "question": "", "answer": gold})
    return verifier.check(problem, text).judgement.outcome == "correct"


@pytest.mark.parametrize(("gold", "text", "right"), cases(MATH))
def test_kinds_of_expressions(gold: str, text: str, right: bool) -> None:
    text = text[3:] if text.startswith("T: ") else f"Therefore, the answer is $\\boxed{{{text}}}$."
    assert is_right(MATH_VERIFY, gold, text) is right


@pytest.mark.parametrize(("gold", "text", "right"), cases(GSM8K))
def test_kinds_of_numbers(gold: str, text: str, right: bool) -> None:
    assert is_right(GSM8K_ANSWER, gold, text.replace(r"\n", "\n")) is right


@pytest.mark.parametrize(("gold", "text"), [(gold, text) for gold, text, right in cases(GSM8K) if not right])
def test_no_wrong_number_is_right_to_the_reader_of_expressions(gold: str, text: str) -> None:
    assert not is_right(GSM8K_MATH_VERIFY, gold, text.replace(r"\n", "\n"))


def test_every_shared_case_is_judged_as_it_should_be() -> None:
    file = shared("math").parents[1] / "cases" / "answers" / "answers.jsonl"
    wrong = []
    for row in map(json.loads, file.read_text(encoding="utf-8").splitlines()):
        verifier = MATH_VERIFY if row["benchmark"] == "math" else GSM8K_ANSWER
        start = answer_from("tags", row["text"])
        assert start is not None
        if is_right(verifier, row["gold"], row["text"][start:]) != (row["wanted"] == "correct"):
            wrong.append(row)
    assert not wrong
