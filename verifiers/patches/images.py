"""Images of problems: pulled where they are missing, and those that were used longest ago removed for new ones.

Images that a person made or pulled are never removed: a note, one small file each, tells which were pulled here, and
its time when it was used last.
"""

import contextlib
import fcntl
import hashlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from verifiers.errors import InfrastructureError
from verifiers.patches.daemon import asking, client
from verifiers.patches.limits import patch_settings

_PULL_SILENCE = 600.0
"""Seconds without a word from the registry after which a pull has failed."""

_PULLED_WITHIN = 3600.0
"""Seconds that another process of this host may take to pull the same image."""

_REASONS = {
    "no space left": "the disk of the Docker daemon is full: make room, or lower the disk budget of images",
    "not found": "no registry has it",
    "manifest unknown": "no registry has it",
    "does not exist": "no registry has it, or it wants a login (docker login)",
    "denied": "its registry refuses: log in with docker login",
    "unauthorized": "its registry refuses: log in with docker login",
    "toomanyrequests": "its registry allows no more pulls just now",
    "no such host": "its registry cannot be reached: is there a network?",
    "lookup": "its registry cannot be reached: is there a network?",
    "connection refused": "its registry cannot be reached",
    "timeout": "its registry does not answer",
    "no matching manifest": "its registry has it for other architectures only",
}
"""A part of what a daemon says -> what it means."""


def prepare(image: str) -> dict[str, Any]:
    """Have an image at hand, and return what the daemon knows of it."""
    known = _inspect(image)
    if known is None:
        with _alone(image):
            known = _inspect(image)
            if known is None:
                _make_room()
                _pull(image)
                _note(image, made=True)
                known = _inspect(image)
    if known is None:
        raise InfrastructureError(f"the image {image} was pulled and is not there")
    _note(image, made=False)
    with asking("say its version"):
        ours = client().version()["Arch"]
    if known["Architecture"] != ours:
        raise InfrastructureError(f"the image {image} is for {known['Architecture']}, this Docker daemon for {ours}")
    return known


def _inspect(image: str) -> dict[str, Any] | None:
    from docker.errors import NotFound

    with asking(f"look up the image {image}"):
        try:
            found: dict[str, Any] = client().api.inspect_image(image)
        except NotFound:
            return None
    return found


def _pull(image: str) -> None:
    from docker.errors import APIError

    repository, tag = _parts(image)
    with asking(f"pull the image {image}"):
        try:
            lines = list(client(_PULL_SILENCE).api.pull(repository, tag, stream=True, decode=True))
        except APIError as error:
            raise InfrastructureError(_sentence(image, str(error.explanation))) from error
    for line in lines:
        if "error" in line:
            raise InfrastructureError(_sentence(image, line["error"]))


def _parts(image: str) -> tuple[str, str]:
    from docker.utils import parse_repository_tag

    repository, tag = parse_repository_tag(image)
    return repository, tag or "latest"


def _sentence(image: str, said: str) -> str:
    plain = next((meaning for word, meaning in _REASONS.items() if word in said.lower()), " ".join(said.split())[:300])
    return f"the image {image} could not be pulled: {plain}"


def _make_room() -> None:
    """Remove images that were pulled here, those first that were used longest ago, while they take too much.

    What an image takes is its whole size: layers that images share are counted for each, so that the budget is kept
    and never passed (the daemon itself tells what is shared only by reading everything).
    """
    held = [(note, image, size) for note in _notes() if (image := note.read_text().strip()) and (size := _size(image))]
    total = sum(size for _, _, size in held)
    for note, image, size in sorted(held, key=lambda each: each[0].stat().st_mtime):
        if total < patch_settings().limits.images_bytes:
            return
        if _remove(image):
            note.unlink(missing_ok=True)
            total -= size


def _size(image: str) -> int:
    found = _inspect(image)
    return found["Size"] if found else 0


def _remove(image: str) -> bool:
    """Whether it is gone: one that a container uses stays."""
    from docker.errors import APIError, NotFound

    with asking(f"remove the image {image}"):
        try:
            client(_PULL_SILENCE).api.remove_image(image)
        except NotFound:
            return True
        except APIError as error:
            if error.status_code == 409:
                return False
            raise
    return True


def _notes() -> list[Path]:
    folder = patch_settings().images
    return list(folder.glob("*.image")) if folder else []


def _file(image: str, suffix: str) -> Path | None:
    folder = patch_settings().images
    if folder is None:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    return folder / (hashlib.sha256(image.encode()).hexdigest()[:32] + suffix)


def _note(image: str, made: bool) -> None:
    """Note that an image was used; `made` is for one that was pulled here."""
    note = _file(image, ".image")
    if note is not None and (made or note.exists()):
        note.write_text(image + "\n")


@contextlib.contextmanager
def _alone(image: str) -> Iterator[None]:
    """Hold the lock under which an image is pulled, where this host has a folder of notes."""
    lock = _file(image, ".lock")
    if lock is None:
        yield
        return
    until = time.monotonic() + _PULLED_WITHIN
    with lock.open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise InfrastructureError(f"the image {image} has been pulled elsewhere for an hour") from None
                time.sleep(0.5)
        yield
