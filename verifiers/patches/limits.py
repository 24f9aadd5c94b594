"""What a patch may use, and which Docker daemon it is judged by: told by whoever starts this process."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

GB = 10**9


@dataclass(frozen=True)
class PatchLimits:
    """Of one container; `images_bytes` of all images that were pulled for patches."""

    seconds: float = 1800.0
    """As the official harness allows. Wall-clock: test suites wait as much as they compute."""
    memory_bytes: int = 8 * GB
    disk_bytes: int = 8 * GB
    images_bytes: int = 200 * GB
    network: bool = False
    cpus: float = 2.0
    processes: int = 2_048
    output_bytes: int = 64 << 20
    """What the tests may print."""


@dataclass(frozen=True)
class PatchSettings:
    """What `configure` was told.

    environ: the variables by which Docker's client finds its daemon. images: a folder of notes, one an image that was
    pulled here, whose times say when it was used last.
    """

    environ: Mapping[str, str]
    limits: PatchLimits
    images: Path | None


_settings = PatchSettings({}, PatchLimits(), None)


def configure(environ: Mapping[str, str], limits: PatchLimits, images: Path | None) -> None:
    """Say what holds for this process and those forked from it; see PatchSettings."""
    global _settings
    _settings = PatchSettings(dict(environ), limits, images)


def patch_settings() -> PatchSettings:
    """What holds for this process."""
    return _settings
