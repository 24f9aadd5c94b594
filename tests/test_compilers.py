"""C++ and C programs are compiled by the standard that takes them, and a compiler that was stopped says nothing."""

import shutil
import threading
from contextlib import suppress

import psutil
import pytest

from tests.cpp_corpus import NEWER, OLDER
from tests.shared_data import shared_case
from verifiers.benchmarks.codecontests import CODECONTESTS
from verifiers.errors import InfrastructureError
from verifiers.outcome import Outcome
from verifiers.programs import compilers
from verifiers.programs.compilers import STANDARDS, _limit, compiled
from verifiers.sandbox import Ended, Limits, TestResult
from verifiers.verifier import Judgement, Problem

CPP = next(verifier for verifier in CODECONTESTS.verifiers if verifier.name == "cpp")
SUM = Problem("sum", {"description": "", "public_tests": {"input": ["1 2\n", "5 7\n"], "output": ["3\n", "12\n"]}})

needs_compiler = pytest.mark.skipif(
    shutil.which("bwrap") is None or shutil.which("g++") is None, reason="NO BUBBLEWRAP OR G++: nothing was compiled"
)

SCAN = 'int a, b; scanf("%d %d", &a, &b);'
PRINT = 'printf("%d", a + b);'
QUICK = {
    "gnu++17": f"#include <cstdio>\nint main() {{ if (int n = 0; n == 0) {{ {SCAN} {PRINT} }} }}",
    "gnu++20": "#include <cstdio>\ntemplate <class T> concept Small = sizeof(T) < 9;\n"
    f"void print(Small auto a, Small auto b) {{ {PRINT} }}\nint main() {{ {SCAN} print(a, b); }}",
    "gnu++14": f"#include <cstdio>\nvoid f() throw(int) {{ auto f = [](auto a, auto b) {{ {PRINT} }}; "
    f"{SCAN} f(a, b); }}\nint main() {{ f(); }}",
    "gnu++11": '#include <cstdio>\nint main() { char s[99]; gets(s); int a, b; auto n = sscanf(s, "%d%d", &a, &b); '
    f"if (n == 2) {PRINT} }}",
    "gnu++98": f"#include <cstdio>\nint main() {{ auto int nullptr = 0; {SCAN} {PRINT} }}",
    "gnu17": "#include <stdio.h>\n#include <stdlib.h>\nint main() { int *class = malloc(8); "
    'scanf("%d %d", class, class + 1); printf("%d", *class + class[1]); }',
}
"""A standard, and a program that those before it do not take."""


def judged(source: str, fence: str = "cpp") -> Judgement:
    return CPP.check(SUM, f"```{fence}\n{source}\n```").judgement


@needs_compiler
@pytest.mark.parametrize(
    "standard",
    [pytest.param(each, marks=[] if each in ("gnu++17", "gnu++20") else pytest.mark.slow) for each in STANDARDS],
)
def test_the_first_standard_that_takes_a_program_compiles_it(standard: str) -> None:
    judgement = judged(QUICK[standard], "c" if standard == "gnu17" else "cpp")
    assert (judgement.outcome, judgement.facts.get("standard")) == (Outcome.correct, standard), judgement.detail


@needs_compiler
def test_a_c_program_is_c_in_any_fence_and_cpp_is_cpp_in_one_of_c() -> None:
    for fence in ("c", "cpp", "C99", ""):
        assert judged(QUICK["gnu17"], fence).outcome is Outcome.correct
    assert judged(QUICK["gnu++17"], "c").outcome is Outcome.correct


@needs_compiler
def test_a_judge_is_what_a_program_finds() -> None:
    source = '#include <cstdio>\nint main() {\n#ifndef ONLINE_JUDGE\nfreopen("in.txt", "r", stdin);\n#endif\n'
    assert judged(source + SCAN + 'printf("%d", a + b); }').outcome is Outcome.correct


@needs_compiler
@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("#include <cstdio>\nint main() { return x; }", "<stdin>:2:21: error: ‘x’ was not declared in this scope"),
        ("int main() { int a = 1 }", "error: expected ‘,’ or ‘;’ before ‘}’ token"),
        pytest.param("void f();\nint main() { f(); }", "undefined reference to `f()'", marks=pytest.mark.slow),
        pytest.param("int x;", "undefined reference to `main'", marks=pytest.mark.slow),
        ("#include <none.h>\nint main() {}", "<stdin>:1:10: fatal error: none.h: No such file or directory"),
        ("def f():\n    return 1", "error: ‘def’ does not name a type"),
        ("template <int N> struct A { A<N + 1> a; };\nA<0> x;\nint main() {}", "error: template instantiation depth"),
    ],
)  # fmt: skip
def test_what_no_standard_takes_has_the_reason_of_the_first(source: str, said: str) -> None:
    judgement = judged(source)
    assert judgement.outcome is Outcome.compile_error
    assert said in judgement.detail
    assert judgement.cpu_seconds > 0


@needs_compiler
def test_a_program_is_compiled_once() -> None:
    before = compiled.cache_info()
    source = QUICK["gnu++17"] + "// compiled once"
    for _ in range(3):
        assert judged(source).outcome is Outcome.correct
    after = compiled.cache_info()
    assert (after.misses - before.misses, after.hits - before.hits) == (1, 2)


@needs_compiler
@pytest.mark.slow
@pytest.mark.parametrize("source", [*OLDER, *NEWER])
def test_programs_of_all_ages_compile_and_are_right(source: str) -> None:
    judgement = judged(source)
    assert judgement.outcome is Outcome.correct, judgement.detail


CASES = ("20_ranges", "20_spaceship", "11_global_size", "98_gets", "_auto_ptr_dynexc", "_freopen_oj", "_slow_compile")


@needs_compiler
@pytest.mark.slow
@pytest.mark.parametrize("name", [*(f"cpp{name}.cpp" for name in CASES), "cpp_c_fence.c"])
def test_right_programs_that_once_did_not_compile(name: str) -> None:
    judgement = judged(shared_case(f"programs/{name}").read_text(), name.rpartition(".")[2])
    assert judgement.outcome is Outcome.correct, judgement.detail


# limits


@needs_compiler
@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "said"),
    [
        ('#include "/dev/zero"', "the compiler took more than 1024 MiB"),
        ("#define A(x) x x x x x x x x x\nint a[] = {A(A(A(A(A(A(A(A(1 ^)))))))) 1};", "the compiler took more than "),
        ("int a[100000000] = {1};\nint main() {}", "File size limit exceeded"),
    ],
)
def test_a_program_that_no_compiler_can_take_does_not_compile(source: str, said: str) -> None:
    judgement = judged(source)
    assert judgement.outcome is Outcome.compile_error
    assert said in judgement.detail


@needs_compiler
@pytest.mark.parametrize(
    "source",
    [
        r'static_assert(0, "a\ng++: fatal error: Killed signal terminated program cc1plus");',
        r"""#line 1 "a\ng++: fatal error: Terminated signal terminated program cc1plus\nb"
#error""",
    ],
)
def test_a_source_that_speaks_for_its_compiler_does_not_compile(source: str) -> None:
    assert judged(source).outcome is Outcome.compile_error


@needs_compiler
def test_a_source_that_speaks_of_memory_is_compiled_by_the_standard_that_takes_it() -> None:
    word = "#if __cplusplus > 201703L || __cplusplus < 201402L\n#error out of memory: std::bad_alloc\n#endif\n"
    refused = word + QUICK["gnu++14"]
    assert judged(refused).facts["standard"] == "gnu++14"


@pytest.mark.parametrize(
    "source",
    ["%:include AT(proc)", "#/**/include AT(proc)", "#inc\\ \nlude AT(proc)", "#if __has_include(AT(proc))\n#endif"],
)
def test_a_source_that_hides_what_its_compiler_waits_for_is_to_blame(source: str) -> None:
    waited = f"#define AT(x) </x/self/fd/1>\n{source}\nint main() {{}}".encode()
    assert _limit(ended(Ended.wall_limit), waited) == "the compiler waited for a file that the program includes"


def ended(how: Ended, errors: bytes = b"", signal: int = 0) -> TestResult:
    return TestResult(how, 1, signal, 6.0, 62.0, 0, b"", errors)


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (ended(Ended.cpu_limit), "the compiler took more than 20 CPU-seconds"),
        (ended(Ended.memory_limit), "the compiler took more than 1024 MiB"),
        (ended(Ended.exited, b"cc1plus: out of memory allocating 65536 bytes"), "the compiler took more than 1024 MiB"),
        (ended(Ended.output_limit), "the compiler said more than it may"),
    ],
)
def test_a_limit_that_the_compiler_itself_reached_is_its_word(result: TestResult, said: str) -> None:
    assert _limit(result, b"int main() {}") == said


@pytest.mark.parametrize(
    "result",
    [
        ended(Ended.wall_limit, b"<stdin>:7:1: warning: no return statement"),
        ended(Ended.exited, signal=15),
    ],
)
def test_a_compiler_that_was_ended_by_something_else_is_our_failure(result: TestResult) -> None:
    with pytest.raises(InfrastructureError, match=r"was kept from ending \(.* after 6.0 CPU-seconds in 62 s"):
        _limit(result, b"int main() {}")


@needs_compiler
@pytest.mark.slow
def test_a_program_whose_compiler_stood_still_is_compiled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    source, done = "#include <bits/stdc++.h>\n" + QUICK["gnu++17"] + "// stopped", threading.Event()

    def stop_the_first() -> None:
        while not done.is_set():
            for process in psutil.Process().children(recursive=True):
                with suppress(psutil.Error):
                    if process.name() == "cc1plus":
                        process.suspend()
                        return

    monkeypatch.setattr(compilers, "_LIMITS", Limits(cpu_seconds=5, memory_bytes=1 << 30, least_wall_seconds=0))
    watch = threading.Thread(target=stop_the_first)
    watch.start()
    try:
        first = CPP.judge_safely(SUM, source)
    finally:
        done.set()
        watch.join()
    assert first.outcome in (Outcome.infrastructure_error, Outcome.correct)
    assert judged(source).outcome is Outcome.correct


@needs_compiler
@pytest.mark.slow
def test_a_source_that_keeps_its_compiler_waiting_is_to_blame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compilers, "_LIMITS", Limits(cpu_seconds=1, memory_bytes=1 << 30, least_wall_seconds=0))
    for include in (
        '#include "/dev/stdout"',
        "#define AT(x) </x/self/fd/1>\n#include AT(proc)",
        '#include "/d\\\nev/stdout"',
    ):
        judgement = judged(f"{include}\nint main() {{}}")
        assert judgement.outcome is Outcome.compile_error
        assert judgement.detail == "the compiler waited for a file that the program includes"
