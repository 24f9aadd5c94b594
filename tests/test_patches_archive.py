"""A file that leaves a container is what it says, or nothing."""

import tarfile
from collections.abc import Iterator

import pytest

from verifiers.patches.archive import pack, unpack

REGULAR = {"mode": 0o644, "size": 4}


def packed(kind: bytes = tarfile.REGTYPE, data: bytes = b"data", size: int | None = None) -> bytes:
    """A tar archive of one member that says it is so large."""
    member = tarfile.TarInfo("file")
    member.type, member.linkname, member.size = kind, "/etc/passwd", len(data) if size is None else size
    return member.tobuf() + data.ljust(-(-len(data) // 512) * 512, b"\0")


def test_a_file_goes_in_and_comes_out() -> None:
    folder, archive = pack("/some/folder/file", b"data")
    assert folder == "/some/folder"
    assert unpack([archive[:100], archive[100:]], REGULAR, 4) == b"data"


@pytest.mark.parametrize("bit", [31, 27, 26, 25, 24, 21, 19])
def test_what_the_daemon_calls_no_file_is_none(bit: int) -> None:
    assert unpack([packed()], {"mode": 0o644 | 1 << bit, "size": 4}, 4) is None


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE])
def test_what_became_no_file_since_is_none(kind: bytes) -> None:
    assert unpack([packed(kind)], REGULAR, 4) is None


def test_a_size_that_is_no_truth_is_none() -> None:
    assert unpack([packed(size=1000)], {"mode": 0o644, "size": 1000}, 2000) is None
    assert unpack([packed(data=b"data" * 1000)], REGULAR, 4) is None
    assert unpack([packed()], {"mode": 0o644, "size": 5}, 4) is None
    assert unpack([b"no archive"], REGULAR, 4) is None
    assert unpack([], REGULAR, 4) is None


def test_no_more_is_taken_than_may_be() -> None:
    taken: list[int] = []

    def endless() -> Iterator[bytes]:
        yield packed(size=1 << 40)
        while True:
            taken.append(1)
            yield bytes(1 << 16)

    assert unpack(endless(), REGULAR, 4) is None
    assert len(taken) < 40
