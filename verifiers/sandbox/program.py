"""What a jail can run."""

from dataclasses import dataclass

PYTHON_KINDS = ("python", "serve", "drive")


@dataclass(frozen=True)
class Program:
    """Something to run: `python` and `serve` have source code, `binary` an executable, `command` an argv.

    `serve` answers calls on descriptors 3 and 4 after its code ran. `artifact` is a file that a command leaves
    behind and that comes back with its result; `input_file` is one where it finds its input too. Both are names in the
    folder where it starts. `reuse` keeps compiled Python for the next tests.
    """

    kind: str
    code: bytes = b""
    argv: tuple[str, ...] = ()
    artifact: str = ""
    input_file: str = ""
    reuse: bool = True

    @classmethod
    def python(cls, source: str, serve: bool = False, reuse: bool = True) -> "Program":
        return cls("serve" if serve else "python", source.encode("utf-8", "replace"), reuse=reuse)
