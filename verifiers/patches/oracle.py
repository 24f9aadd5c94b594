"""Files of a problem's repository as they lie in its image: nothing of the image runs."""

import os
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from verifiers.errors import InfrastructureError, JudgeAway, UserError
from verifiers.patches.container import Container
from verifiers.patches.daemon import asking, client, lacks_docker
from verifiers.patches.images import prepare
from verifiers.patches.leftovers import in_use, labels
from verifiers.patches.limits import PatchLimits

LARGEST_FILE = 8 * 2**20
"""Bytes; a larger file is passed over."""

_LIVES = 600.0
_INSTEAD = "give the prompts in a column `oracle` of --data"


def files_of(image: str, folder: str, paths: Sequence[str]) -> dict[str, bytes]:
    """The files of an image at paths below a folder, without those that it lacks; it is pulled where it is missing.

    UserError where there is no daemon or no such image.
    """
    if lacks := lacks_docker():
        raise UserError(f"The files that a prompt shows lie in the image {image}. {lacks[:-1]}, or {_INSTEAD}.")
    try:
        with _unstarted(image, prepare(image)) as box:
            held = {path: box.read(f"{folder}/{path}", LARGEST_FILE) for path in paths}
    except (InfrastructureError, JudgeAway) as error:
        raise UserError(f"The files that a prompt shows could not be read ({error}); {_INSTEAD}.") from error
    return {path: data for path, data in held.items() if data is not None}


@contextmanager
def _unstarted(image: str, known: dict[str, Any]) -> Iterator[Container]:
    """A container that is never started, and removed whatever happens."""
    name = f"monkeys-{os.getpid()}-{uuid.uuid4().hex[:12]}"
    in_use.add(name)
    try:
        with asking(f"make a container of {image}"):
            client().api.create_container(
                image,
                command=["true"],
                name=name,
                labels=labels(time.time() + _LIVES),
                network_disabled=True,
                platform=f"{known['Os']}/{known['Architecture']}",
            )
        yield Container(name, PatchLimits())
    finally:
        with asking("remove a container"):
            client().api.remove_container(name, force=True, v=True)
        in_use.discard(name)
