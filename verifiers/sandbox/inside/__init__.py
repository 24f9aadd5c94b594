"""What runs inside the jail: the supervisor and all it needs, standard library only, Python 3.9 and later.

These files are handed to the jail as data and nothing else of this project is there. Every test of every program is
forked from them, so they import as little as they can. They hold no secret: a program may read all of them.
"""
