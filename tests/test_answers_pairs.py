r"""Pairs of answers on which graders of mathematics go wrong: gold, then an answer that is equal, or only looks so.

Gathered from what graders have tripped over: forms of fractions, roots and numbers, sets against tuples, chains of
inequalities, percentages, units, bases, words that make another number, and rounding.
"""

import pytest

from verifiers.answers import MATH_VERIFY
from verifiers.outcome import Outcome
from verifiers.verifier import Problem

EQUAL = r"""
\frac{9\sqrt{23}}{23} ;; \frac{9}{\sqrt{23}}
0.0833333333333333 ;; \frac{1}{12}
(1,4.5) ;; (1,\frac{9}{2})
\frac{x}{7}+\frac{2}{7} ;; \frac{x+2}{7}
\sec^2(y) ;; \tan^2(y)+1
\begin{pmatrix}-7&-2\\4&\frac{1}{4}\end{pmatrix} ;; \left(\begin{array}{cc}-7&-2\\4&\frac{1}{4}\\\end{array}\right)
-34x-45y+20z-100=0 ;; 34x+45y-20z+100=0
\frac{-1}{2} ;; -\frac{1}{2}
\frac{1}{-2} ;; -0.5
-\frac{1}{2} ;; -\dfrac{1}{2}
1\dfrac{4}{5} ;; 1.8
2\frac12 ;; 5/2
10^{-4} ;; 0.0001
1.2\times 10^5 ;; 120000
120000 ;; 1.2 \cdot 10^{5}
\log_2 8 ;; 3
\binom{5}{2} ;; 10
5! ;; 120
\sqrt[3]{2} ;; 2^{1/3}
\sqrt{12} ;; 2\sqrt{3}
0.\overline{3} ;; \frac{1}{3}
0.1\overline{6} ;; \frac16
e^{i\pi} ;; -1
(0,9) ;; 0 < x < 9
x<2 ;; (-\infty,2)
x\geq 3 ;; [3,\infty)
x\geq 3 ;; 3\leq x
x \in [1,2] ;; [1,2]
(-\infty,-14)\cup(-3,\infty) ;; x \in (-\infty,-14)\cup(-3,\infty)
(-\infty,-14)\cup(-3,\infty) ;; (-3,\infty)\cup(-\infty,-14)
(-\infty,\infty) ;; \mathbb{R}
\emptyset ;; \{\}
\{1,2,3\} ;; \{3,2,1\}
\{1\}\cup\{2\} ;; \{1,2\}
x=1 \text{ or } x=2 ;; 1,2
1,2 ;; x=2, x=1
x_1=1, x_2=2 ;; 1,2
\pm 3 ;; 3,-3
\pm\sqrt{2} ;; \sqrt{2}, -\sqrt{2}
28\% ;; 0.28
0.5 ;; 50\%
12.5\% ;; 12.5
\$18.90 ;; 18.9
\$18.90 ;; 18.90 \text{ dollars}
1,234,567 ;; 1234567
1{,}000{,}000 ;; 10^6
1\,000\,000 ;; 1000000
\text{(C)} ;; \text{C}
\textbf{(C)} ;; C
(C) ;; \mathrm{C}
\text{yes} ;; Yes
\sin^2 x ;; 1-\cos^2 x
(x+1)(x-1) ;; x^2-1
x\cdot y ;; xy
\frac{x^2-1}{x-1} ;; x+1
a(b+c) ;; ab+ac
f(x)=x^2+1 ;; x^2+1
y=\frac{1}{2}x+3 ;; y = 0.5x+3
x+y=5 ;; y+x=5
5=x+y ;; x+y=5
2x+3y=6 ;; 4x+6y=12
3+4i ;; 4i+3
\frac{1}{1+i} ;; \frac{1-i}{2}
90^\circ ;; 90^{\circ}
90^\circ ;; 90 \text{ degrees}
6\text{ cm} ;; 6\,\mathrm{cm}
12\pi ;; 12 \pi \text{ cm}^2
10\text{ m/s} ;; 10
\left\lfloor 3.7 \right\rfloor ;; 3
|{-5}| ;; 5
\frac{\pi}{6} ;; \pi/6
\dfrac{\sqrt{2}}{2} ;; \frac{1}{\sqrt 2}
\tfrac{3}{4} ;; 3/4
\cfrac{3}{4} ;; .75
.5 ;; 0.5
5. ;; 5
007 ;; 7
1/2 ;; 2/4
+5 ;; 5
2^{10} ;; 1024
3^{2x} ;; 9^x
\ln(e^2) ;; 2
\log 100 ;; 2
\sqrt{-4} ;; 2i
\begin{bmatrix}1\\2\end{bmatrix} ;; \begin{pmatrix}1\\2\end{pmatrix}
\begin{pmatrix}1&2\end{pmatrix} ;; \begin{bmatrix}1&2\end{bmatrix}
\begin{vmatrix}1&2\\3&4\end{vmatrix} ;; -2
(2,3,4) ;; \langle 2,3,4\rangle
(\frac12, 3) ;; \left(0.5,\,3\right)
(3,\frac{\pi}{2}) ;; \left(3,\frac{\pi}{2}\right)
(a,b)=(1,2) ;; (1,2)
n=5 ;; 5
x=\frac{-1\pm\sqrt{5}}{2} ;; \frac{-1+\sqrt{5}}{2},\frac{-1-\sqrt{5}}{2}
2:3 ;; 2:3
\text{Monday} ;; Monday
10101_2 ;; 10101_{2}
\frac{3}{4}\text{ hours} ;; 0.75
p - q ;; -q+p
\frac{a}{b} ;; a/b
1-\frac{1}{e} ;; \frac{e-1}{e}
\arctan 1 ;; \frac{\pi}{4}
\sum_{i=1}^{3} i ;; 6
\text{16 cm} ;; 16
x^{\frac12} ;; \sqrt{x}
(5,\infty) ;; (5,+\infty)
[-2,7] ;; -2\le x\le 7
1 < x < 2 ;; 2 > x > 1
(1,2),(3,4) ;; \{(3,4),(1,2)\}
(1,2) \text{ and } (3,4) ;; (1,2),(3,4)
-4x^{2}+4 x + 7 ;; 7+4x-4x^2
5\times 4 ;; 20
\frac{5}{1} ;; 5
6.0 ;; 6
1000 ;; 1{,}000
0 ;; -0
5 ;; 5 \text{ apples}
5 ;; \text{5 apples}
5 ;; 5\ \text{m}^2
x=5 ;; 5
\frac{5}{2} ;; 2.5\text{ hours}
2.5 ;; 2\frac{1}{2}\text{ hours}
5,000 ;; 5000 \text{ people}
5 ;; \mathbf{5}
5 ;; {5}
5 ;; (5)
5 ;; $5$
5 ;; \left(5\right)
5 ;; 5\,
5 ;; \text{ }5
\text{Tuesday} ;; Tuesday.
\text{(A)} ;; A.
\text{even} ;; Even
y=-2x+3 ;; y=3-2x
3x^2 ;; 3 x^{2}
2\pi r ;; 2r\pi
\frac{\pi r^2}{2} ;; \frac12\pi r^2
\sqrt{5}-1 ;; -1+\sqrt5
-\sqrt{2} ;; -\sqrt2
\frac{\sqrt3}{2} ;; \frac{\sqrt{3}}{2}
\frac{1}{2}x ;; \frac{x}{2}
\frac{3\sqrt{2}}{2} ;; \frac{3}{\sqrt{2}}
\left(-\infty,\frac12\right] ;; (-\infty,0.5]
[0,1]\cup[2,3] ;; [0,1] \bigcup [2,3]
\left\{ -1, 2 \right\} ;; \{2,-1\}
\{-1,2\} ;; -1, 2
4\sqrt{13} ;; \sqrt{208}
15^\circ ;; 15 degrees
\frac{11}{2} ;; 11/2
\frac{11}{2} ;; 5.5
7\frac{3}{4} ;; 7.75
7\frac{3}{4} ;; \frac{31}{4}
0.75 ;; 75\%
x^3+3x-6 ;; x^3 + 3x - 6
(x-3)(x+2) ;; x^2-x-6
6r^2-4r-24 ;; 2(3r^2-2r-12)
(-1,6) ;; (-1, 6)
(6,31,-1) ;; (6, 31, -1)
\begin{pmatrix} 0 & 1 \\ 1 & 0 \end{pmatrix} ;; \left[\begin{matrix}0&1\\1&0\end{matrix}\right]
\begin{pmatrix} 1/2 \\ 3 \end{pmatrix} ;; \begin{pmatrix} \frac{1}{2} \\ 3 \end{pmatrix}
x \le -5 ;; (-\infty,-5]
\text{all real numbers} ;; \text{All real numbers}
\$5.00 ;; \$5
\$0.50 ;; 0.5
3\cdot 2^{5} ;; 96
2^{n+1} ;; 2\cdot 2^n
\frac{n(n+1)}{2} ;; \frac{n^2+n}{2}
\tan x ;; \frac{\sin x}{\cos x}
\log_{10} 1000 ;; 3
\frac{1}{3}, \frac{1}{2} ;; 0.5, \frac13
\cot^{-1} x ;; \cot^{-1}(x)
|x| ;; \left|x\right|
a^2+b^2 ;; b^2 + a^2
C ;; \boxed{C}
5 ;; \boxed{5}
14 ;; 14.0
0.00001 ;; 10^{-5}
3.0\times 10^8 ;; 3\times 10^{8}
8.39\times10^6 ;; 8390000
1 \text{ and } 2 ;; 1,2
1\text{ or }2 ;; 2, 1
-\frac{3}{4} ;; \frac{-3}{4}
\frac{3}{-4} ;; -0.75
\frac{\frac{1}{2}}{3} ;; \frac16
\dfrac{13}{4} ;; 3\tfrac{1}{4}
"""

DIFFERENT = r"""
\frac{100}{3} ;; 33.3
(a+5)(b+2) ;; (+5)(b+2)
\frac{1+\sqrt{5}}{2} ;; 2
4 ;; \frac{34}{16}+\frac{\sqrt{1358}}{16}
1 ;; 1\sqrt{19}
1 ;; 2n
(1,234) ;; 1234
1,234 ;; (1,234)
2\frac12 ;; 1
x\ge 3 ;; x>3
x \neq 2 ;; 2
x \neq 2 ;; x=2
x<2 ;; x>2
x<2 ;; 2
(0,9) ;; 0 \le x \le 9
5\text{ cm} ;; 5\text{ inches}
5\text{ m} ;; 5\text{ km}
90^\circ ;; 90\pi
\text{A} ;; \text{B}
\text{AB} ;; \text{BA}
A ;; a+1
\text{yes} ;; \text{no}
\{1,2\} ;; \{1,2,2,3\}
(1,2) ;; (1,2,3)
(1,2) ;; \{1,2,3\}
[0,1) ;; (0,1]
(1,2)\cup(3,4) ;; (1,2)
(1,2)\cup(3,4) ;; (1,4)
\sqrt{2} ;; 1.414
\pi ;; 3.14159
\pi ;; \frac{22}{7}
e ;; 2.718
\frac{2}{3} ;; 0.67
\frac{2}{3} ;; 0.6666
0.3 ;; 0.\overline{3}
\sqrt{2} ;; 2
\sqrt{x} ;; x
x^2 ;; x
x^2 ;; x2
x^2+1 ;; x^2
2^{10} ;; 210
2^{100} ;; 2^{100}+1
\log_2 x ;; \log x
\sin x ;; \cos x
\sin(2x) ;; 2\sin x
x+y=5 ;; x+y=6
x+y=5 ;; 5
x=5 ;; y=5
f(x)=x+1 ;; f(x)=x-1
\begin{pmatrix}1&2\\3&4\end{pmatrix} ;; \begin{pmatrix}1&3\\2&4\end{pmatrix}
\begin{pmatrix}1\\2\end{pmatrix} ;; \begin{pmatrix}1&2\end{pmatrix}
\begin{pmatrix}1\\2\end{pmatrix} ;; 1
28\% ;; 0.0028
28\% ;; 2800
28 ;; 0.28
10101_2 ;; 10101_3
3:4 ;; 4:3
12:30 ;; 12
1{,}000 ;; 1
10,000 ;; 10
1.234 ;; 1234
-5 ;; 5
\pm 3 ;; -3
3,-3 ;; 3
1,2,3 ;; 1,2
1,2 ;; 1,2,3
2+3i ;; 2-3i
2+3i ;; 2
i ;; 1
\infty ;; 1000000
\emptyset ;; 0
\emptyset ;; \{0\}
\mathbb{R} ;; \mathbb{Z}
5! ;; 5
\binom{5}{2} ;; \frac{5}{2}
\frac{a}{b} ;; \frac{b}{a}
x-y ;; y-x
\text{June 20} ;; \text{June 21}
\text{Saturday} ;; \text{Sunday}
100 ;; 99.9999
100 ;; 100.0001
0.001 ;; 0.0011
10^{20} ;; 10^{20}+1
1000000007 ;; 1000000009
12345678.9 ;; 12345678.8
\frac{1}{10^9} ;; 0
0 ;; 10^{-9}
\text{undefined} ;; 0
\text{DNE} ;; 0
n ;; 2n
7 ;; 7x
7 ;; x^7
7 ;; 7!
7 ;; 7\text{ or }8
7 ;; 7, 8
(7) ;; (7,8)
2\sqrt{3} ;; \sqrt{6}
2\sqrt{3} ;; \sqrt[3]{2}
\frac{1}{2} ;; \frac{1}{2}\pi
\frac12 ;; \frac{12}{}
3 ;; |3x|
(x+1)^2 ;; x^2+1
\frac{x^2-1}{x-1} ;; x-1
1+2+\cdots+n ;; 1+2
2^{2^{2^{2}}} ;; 2^{2^{4^2}}
5 ;; less than 5
5 ;; more than 5
5 ;; \text{at least } 5
5 ;; \text{less than }5
5 ;; not 5
5 ;; \text{not } 5
5 ;; at most 5
5 ;; 5 to 10
5 ;; 5 million
5 ;; 5 hundred
5 ;; 5 dozen
5 ;; half of 5
5 ;; twice 5
5 ;; minus 5
5 ;; negative 5
5 ;; 5 and 6
5 ;; 5 or 6
5 ;; 5, 6
5 ;; 5 squared
5 ;; 5\text{ or }-5
5 ;; x\neq 5
5 ;; 5 + C
5 ;; 5e
5 ;; 5i
5 ;; 5\pi
5 ;; 5!
5 ;; 5^\prime
5 ;; 5^5
5 ;; 55
5 ;; .5
5 ;; 5/0
5 ;; \frac{5}{}
5 ;; 5=6
5 ;; 4<5
5 ;; 5>4
5 ;; |5x|
5 ;; \{5,5,6\}
5 ;; [5,6]
5 ;; (5,5)
5 ;; \sqrt[5]{}
5 ;; \text{five hundred}
5 ;; 5\times 1.1
5 ;; 5-1
5 ;; 5 remainder 2
5 ;; 5 \text{ R } 2
5 ;; 5 R 2
12 ;; 1 2
12 ;; 1,2
12 ;; \{1,2\}
1,2 ;; 1.2
0.12 ;; .012
\frac{1}{2} ;; 1/2/2
\frac{1}{2} ;; \frac{1}{2}\%
2x ;; 2
2x ;; x
2x ;; x^2
2x ;; 2x+C
e^x ;; e^{-x}
x^2 ;; x^{-2}
\sqrt{3} ;; 3^{1/3}
\sqrt{3} ;; 1.7
\frac{\pi}{3} ;; 1.05
\text{A, B} ;; \text{A}
A, B ;; A
(A) ;; (B)
A ;; A \text{ and } B
\text{A} ;; \text{A or B}
B ;; \text{not B}
\text{even} ;; \text{not even}
\text{even} ;; \text{odd}
True ;; False
\text{True} ;; \text{not True}
\text{Navin} ;; \text{Navin and Luna}
(1,2) ;; 1,2,3
(3,4) ;; 3.4
[3,4] ;; 3.4
(1,2),(3,4) ;; (1,2)
(1,2),(3,4) ;; (1,4),(3,2)
x=1,y=2 ;; x=2,y=1
(-1,6) ;; (1,6)
x>5 ;; 5
x>5 ;; x<5
x>5 ;; y>5
x>5 ;; x>6
f(x)=2x ;; f(x)=x^2
y=2x ;; y=x/2
y=2x+1 ;; y=2x
x^2+y^2=4 ;; x^2+y^2=2
x^2+y^2=4 ;; x^2-y^2=4
x^2+y^2=4 ;; 4
a:b=2:3 ;; 2:3:4
1:2:3 ;; 1:2
2:3 ;; \frac{2}{5}
7:30 ;; 7:31
3/4 ;; 4/3
1/3 ;; 0.3333
1/3 ;; 33\%
2/3 ;; 66.7\%
999999 ;; 1000000
0.1 ;; 0.10001
123456789 ;; 123456788
1.0000001 ;; 1
10^{100} ;; 10^{101}
10^{100} ;; 10^{100}+10^{90}
-0.5 ;; 0.5
4! ;; 4
\binom{4}{2} ;; 42
\binom{4}{2} ;; 2
"""


def pairs(lines: str) -> list[tuple[str, str]]:
    split = [line.split(" ;; ") for line in lines.strip().splitlines()]
    return [(gold, answer) for gold, answer in split]


def outcome(gold: str, text: str) -> Outcome:
    return MATH_VERIFY.check(Problem("x", {"problem": "", "answer": gold}), text).judgement.outcome


@pytest.mark.parametrize(("gold", "answer"), pairs(EQUAL))
def test_equal_answers_are_right(gold: str, answer: str) -> None:
    assert outcome(gold, f"So the answer is $\\boxed{{{answer}}}$.") is Outcome.correct


@pytest.mark.parametrize(("gold", "answer"), pairs(DIFFERENT))
def test_answers_that_only_look_equal_are_wrong(gold: str, answer: str) -> None:
    assert outcome(gold, f"So the answer is $\\boxed{{{answer}}}$.") is Outcome.incorrect


@pytest.mark.parametrize(
    "sentence",
    ["less than 5", "at least 5", "not 5", "5 million", "5 or 6", "5 hundred dollars", "minus 5", "half of 5"],
)
def test_words_that_change_a_number_are_part_of_the_answer(sentence: str) -> None:
    assert outcome("5", f"The answer is {sentence}.") is Outcome.incorrect


def test_large_numbers_may_be_written_in_words() -> None:
    assert outcome("5000000", "The answer is 5 million.") is Outcome.correct
    assert outcome("1500", "The answer is 1.5 thousand dollars.") is Outcome.correct
