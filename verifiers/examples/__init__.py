"""A benchmark of one's own: what it is made of, and two that run as they stand (dates.py, countdown.py).

A file with an object `benchmark` of the class `verifiers.benchmarks.benchmark.Benchmark` is one:

    monkeys check ./my_bench.py answers.jsonl
    monkeys enqueue ./my_bench.py -m LLM -n 100

FILE.py:NAME is another object of it. A file travels whole to the workers, so it imports `verifiers` and what is
installed, and no file beside it; a benchmark of several files is `module:NAME`, from its folder or as an installed
package. None of them has the name of a module of Python. A worker that starts after one of them was changed gives a
run's works back, until `monkeys reverify RUN --benchmark module:NAME` has the run judged by the new code. All of it is
run by whoever enqueues it, and by workers that were started with --own-benchmarks.

**Benchmark** (`about`, `subsets`, `forms`, `source`, `licence` and `known` as in its class):

| field | what it is |
|---|---|
| name | of the rows and the queue: a text of at most 100 characters, without `:` and `/`, and none of ours |
| load(file) | gets the path of --data, or None; gives a list of `Problem`, at least one, in order |
| chat | what a user asks, `{field}` standing for a field of the data; the raw prompt too, without `prompts` |
| prompts(problems, shots, prefix) | gives a text a problem: see the class; `chat`, `prompts` or both are there |
| verifiers | a tuple of `Verifier`, of which the first counts |
| sampling | `Sampling(temperature=..., max_tokens=...)`, and more of its fields |

**Problem**(key, data): a text that is unique among the problems, and a dict of JSON values. What an llm may see and
what is right stand in it side by side: a prompt shows the fields that it names. A third argument, `reference`, is a
text that is right, as an llm might have answered: `monkeys flaky FILE.py` judges it again and again.

**Verifier**(name, version, extract, judge):

| callable | gets | gives |
|---|---|---|
| extract(problem, text) | what a sample answered | `Candidate(text)`, or None where there is no answer; within 10 s |
| judge(problem, candidate) | a candidate's text | `Judgement(Outcome.correct)`, or another outcome; within 120 s |
| classes(candidates) | texts | a number for each, the same for equal answers; may be left out |

Texts are an llm's and may be anything: `extract` and `judge` never run them. Equal candidates of a problem are judged
once, so `judge` goes by its arguments alone. What `judge` raises counts against no sample: it is tried again, then
undecided. What `extract` raises fails its work. The code's hash is part of a verifier's version: another text of the
file is another version. `detail` of a Judgement is one line for people, `facts` are JSON for queries.

**Ready verifiers**, and the fields of a problem's data that each reads (in brackets: where they are there):

| verifier | reads |
|---|---|
| verifiers.answers.GSM8K_ANSWER | answer (a number; of a longer text what follows ####), [question] |
| verifiers.answers.GSM8K_PAPER | answer |
| verifiers.answers.GSM8K_MATH_VERIFY | answer, [problem], [question] |
| verifiers.answers.MATH_VERIFY | answer or solution (what it boxes), [problem], [question] |
| verifiers.answers.MATH_PAPER | solution (what it boxes) or answer |
| verifiers.answers.CHOICE | options (texts), answer (a letter), [question] |
| verifiers.programs.HUMANEVAL, MBPP | prompt, entry_point, test (defines `check(candidate)`) |
| verifiers.programs.CODECONTESTS_PAPER, _STRICT, _CPP, _PUBLIC | public_tests, [private_tests], [generated_tests], \
[time_limit] (seconds), [memory_limit_bytes], [input_file], [output_file] (names in its own folder), \
[description]; tests are a dict of two lists, input and output |
| verifiers.programs.LIVECODEBENCH_TESTS, _PUBLIC | the same tests, [func_name] (of the class Solution; else standard \
input); its limits are fixed |
| verifiers.programs.CODECONTESTS_PLUS_CHECKER, _CPP | test_cases (as above), [checker] (C++), the two limits |
| verifiers.proofs.LEAN_WHOLE, LEAN_STEPWISE | header, statement (up to the `:=`) |

A question is read so that an answer ends where the llm goes on to ask the next one.
"""
