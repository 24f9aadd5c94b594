"""The ledger's SQL: files of named statements beside the functions that run them."""

from importlib.resources import files
from typing import LiteralString


def statements(file: str) -> dict[str, LiteralString]:
    """The statements of a file of this folder, by name.

    A blank line parts them; each begins with `-- name: the states that it moves between`. The first block is a head.
    """
    blocks = (files("tasks.ledger") / file).read_text("utf-8").split("\n\n")[1:]
    return {block.removeprefix("-- ").partition(":")[0]: block for block in blocks}
