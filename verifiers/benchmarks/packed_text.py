"""Text that a data set holds packed: base64 of zlib of a pickle, of which only the one that is a text is read."""

import base64
import zlib

MOST_BYTES = 256 << 20
"""Unpacked: about what a JSON value of a problem may have in the database."""

_TEXTS = {0x8C: 1, ord("X"): 4, 0x8D: 8}  # SHORT_BINUNICODE, BINUNICODE, BINUNICODE8: bytes of its length
_SKIPPED = {0x80: 1, 0x95: 8, 0x94: 0, ord("q"): 1, ord("r"): 4}  # PROTO, FRAME, MEMOIZE, BINPUT, LONG_BINPUT
_STOP = ord(".")
_MOST_CODES = 8  # Python writes at most 5 before the STOP: PROTO, FRAME, a text, FRAME, MEMOIZE


def unpacked(packed: str) -> str:
    """The text, ValueError where it is anything else: nothing that a pickle holds is ever called."""
    data = base64.b64decode(packed, validate=True)
    stream = zlib.decompressobj()
    try:
        pickled = stream.decompress(data, MOST_BYTES)
    except zlib.error as error:
        raise ValueError("it is no JSON text and not packed by zlib") from error
    if stream.unconsumed_tail:
        raise ValueError(f"unpacked it is larger than {MOST_BYTES >> 20} MiB")
    if not stream.eof or stream.unused_data:
        raise ValueError("it is cut off" if not stream.eof else "something stands behind it")
    return _only_text(pickled)


def _only_text(pickled: bytes) -> str:
    """The text of a pickle that is one text and nothing else."""
    at, codes = 0, 0
    texts: list[str] = []
    while at < len(pickled) and pickled[at] != _STOP:
        code, at, codes = pickled[at], at + 1, codes + 1
        if code in _TEXTS and not texts:
            size = int.from_bytes(pickled[at : at + _TEXTS[code]], "little")
            at += _TEXTS[code]
            texts.append(pickled[at : at + size].decode("utf-8", "surrogatepass"))
            at += size
        elif code in _SKIPPED and codes <= _MOST_CODES:
            at += _SKIPPED[code]
        else:
            raise ValueError("it is a pickle of more than a text, which is not read")
    if at != len(pickled) - 1 or len(texts) != 1:
        raise ValueError("it is not a pickle of one text")
    return texts[0]
