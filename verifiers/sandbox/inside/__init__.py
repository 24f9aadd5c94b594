"""What runs inside the jail: the supervisor and all it needs, standard library only, Python 3.9 and later.

These files are handed to the jail as data and nothing else of this project is there. Every test of every program is
forked from them, so they import as little as they can. They hold no secret: a program may read all of them.

Every test: supervisor forks it (kernel, warming, waiting), one_test confines it (job, frames, ends), and interpreter
runs Python (thread_state, ending). Tests of functions, on both sides of two jails: calls begins (suites and evalplus
on the tests' side, broken says whose fault it was), peer asks and answers, codec writes values (kinds, late_kinds) and
crossing the rest (describing, stand_ins, callables).
"""
