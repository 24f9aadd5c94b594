"""Plays recorded samples back through the whole queue: `replay:FILE`, JSONL of `problem, sample_index, text, ...`.

The record of (problem, sample index) is found by its place in the file, so a file larger than memory is no matter,
and a batch that is tried again gets the same samples.
"""

import json
import mmap
from array import array
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from threading import Event
from typing import Any

from models.cost import Sizes
from tasks.engines.engine import Account, Completion, Engine, Interrupted, Load, Request, RequestRefused
from verifiers.errors import UserError

TEXTS = ("text", "thinking")
FIELDS = [each.name for each in fields(Completion) if each.name not in TEXTS]


class Recording:
    """A file of recorded samples: problem key -> place in the file of each sample index, from 0 without gaps."""

    def __init__(self, file: Path) -> None:
        if not file.is_file():
            raise UserError(f"There is no file {file} to replay.")
        if file.stat().st_size == 0:
            raise UserError(f"{file} holds no sample.")
        self.file = file
        with file.open("rb") as opened:
            self._bytes = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
        self.places = self._index()

    def _index(self) -> "dict[str, array[int]]":
        found: dict[str, dict[int, int] | array[int]] = {}
        place = line = 0
        while place < len(self._bytes):
            end = self._bytes.find(b"\n", place)
            end = len(self._bytes) if end < 0 else end
            line += 1
            if end > place:
                row = self._row(place, end, line)
                problem, index = row.get("problem"), row.get("sample_index")
                if not isinstance(problem, str | int) or not isinstance(index, int) or index < 0:
                    raise UserError(f"Line {line} of {self.file} lacks a `problem` or a `sample_index`.")
                places = found.setdefault(str(problem), array("q"))
                if isinstance(places, array) and index == len(places):
                    places.append(place)  # in order: 8 bytes a sample
                else:
                    if isinstance(places, array):
                        places = found[str(problem)] = dict(enumerate(places))
                    if index in places:
                        raise UserError(f"Line {line} of {self.file} repeats sample {index} of problem {problem!r}.")
                    places[index] = place
            place = end + 1
        return {problem: self._in_order(problem, places) for problem, places in found.items()}

    def _in_order(self, problem: str, places: "dict[int, int] | array[int]") -> "array[int]":
        if isinstance(places, array):
            return places
        missing = next((index for index in range(len(places)) if index not in places), None)
        if missing is not None:
            raise UserError(f"{self.file} lacks sample {missing} of problem {problem!r}.")
        return array("q", (places[index] for index in range(len(places))))

    def _row(self, place: int, end: int, line: int | None = None) -> dict[str, Any]:
        try:
            row = json.loads(self._bytes[place:end])
        except ValueError as error:
            where = f"Line {line}" if line else f"Byte {place}"
            raise UserError(f"{where} of {self.file} is not valid JSON ({error}).") from error
        if not isinstance(row, dict):
            raise UserError(f"Line {line} of {self.file} is not a JSON object.")
        return row

    def samples(self, problem: str) -> int:
        """How many samples of a problem were recorded."""
        return len(self.places.get(problem, ()))

    def completion(self, problem: str, index: int) -> Completion:
        """The recorded sample; IndexError or KeyError where there is none."""
        place = self.places[problem][index]
        end = self._bytes.find(b"\n", place)
        row = self._row(place, len(self._bytes) if end < 0 else end)
        text, thinking = (None if row.get(name) is None else str(row[name]) for name in TEXTS)
        return Completion(text, thinking, **{name: row.get(name) for name in FIELDS})


class Replay:
    """The engine over a recording."""

    name = "replay"
    version = "1"
    seed: int | None = None
    capacity = 4_096
    sizes: Sizes | None = None
    gpus = 0

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self.dead = Event()

    def sample(self, request: Request, stop: Event, account: Account) -> list[Completion]:  # noqa: ARG002
        """The recorded samples of a batch, which nobody bills; RequestRefused where the recording has fewer."""
        if self._recording.samples(request.problem_key) < request.first_index + request.size:
            raise RequestRefused(
                f"{self._recording.file} has {self._recording.samples(request.problem_key)} samples of problem "
                f"{request.problem_key!r}, not {request.first_index + request.size}"
            )
        if stop.is_set():
            raise Interrupted
        return [
            self._recording.completion(request.problem_key, index)
            for index in range(request.first_index, request.first_index + request.size)
        ]

    def close(self) -> None:
        """Nothing to free."""


def check_recording(llm: str, wanted: Mapping[str, int]) -> None:
    """UserError unless the recording of `replay:FILE` has so many samples of each problem; others have none to lack."""
    if not llm.startswith("replay:"):
        return
    recording = _recording(llm)
    for key, n in wanted.items():
        if recording.samples(key) < n:
            raise UserError(f"{recording.file} has {recording.samples(key)} samples of problem {key!r}, not {n}.")


def _recording(llm: str) -> Recording:
    return Recording(Path(llm.partition(":")[2]))


def load(llm: Load) -> Engine:
    """Open the recording of `replay:FILE`."""
    return Replay(_recording(llm.name))
