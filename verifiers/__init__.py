"""Judgement: a problem and a text in, a candidate and an outcome out.

A pure library: no queue, no database, no LLM and no environment variable. It can be used in a notebook:

    from verifiers.benchmarks import BENCHMARKS
    gsm8k = BENCHMARKS["gsm8k"]
    problem = gsm8k.load(Path("test.jsonl"))[0]
    gsm8k.verifiers[0].check(problem, "... #### 18")
"""
