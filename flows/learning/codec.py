"""Models as bytes: small, checked, signed. What is not signed by us is never unpickled.

A frame is `magic | format | signature | header length | header | payload`: the signature is
HMAC-SHA256 over all that follows it, the header is JSON with versions and a checksum, the payload
is a pickle, compressed when large. River trees keep a random generator in every leaf statistic,
95 % of their pickle (online-ml/river#1512); it only serves `sample`, so it is left out and shared
on loading.
"""

from __future__ import annotations

import gc
import hashlib
import hmac
import io
import pickle
import random
import struct
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from typing import Any

import msgspec
from river.proba import Gaussian

from flows.errors import CodecError, SignatureError

MAGIC = b"RTLM"
FORMAT = 2
# Below it, compressing takes longer than sending the rest.
WORTH_COMPRESSING = 1 << 19
_FIXED = struct.Struct(">4sB32sI")
_SIGNED_FROM = 4 + 1 + 32


class Header(msgspec.Struct, frozen=True):
    """What a frame says of its payload. `size`: of the pickle, before compression if any."""

    river: str
    size: int
    checksum: int
    compressed: bool = True


def dumps(value: Any, key: bytes) -> bytes:
    """Frame and sign any picklable value."""
    plain = _pickle(value)
    compressed = len(plain) > WORTH_COMPRESSING
    payload = zlib.compress(plain, 1) if compressed else plain
    header = msgspec.json.encode(Header(_river(), len(plain), zlib.crc32(payload), compressed))
    signed = struct.pack(">I", len(header)) + header + payload
    return MAGIC + bytes([FORMAT]) + _sign(signed, key) + signed


def loads(frame: bytes, key: bytes) -> Any:
    """Return what `dumps` framed.

    Raises SignatureError before anything is unpickled when the signature does not verify, and
    CodecError when the bytes are no frame, damaged, or of a format or River version that this
    process cannot read.
    """
    header, payload = _open(frame, key)
    if _minor(header.river) != _minor(_river()):
        raise CodecError(
            f"the model was written with River {header.river}, this is {_river()};"
            " install that version or start from an earlier registered model"
        )
    plain = zlib.decompress(payload) if header.compressed else payload
    try:
        with _gc_paused():
            return pickle.loads(plain)  # noqa: S301 - its signature has been verified
    except (AttributeError, ImportError) as error:
        raise CodecError(
            f"a model needs code that is not here: {error};"
            " read it with the version of this package that wrote it"
        ) from error


def _open(frame: bytes, key: bytes) -> tuple[Header, bytes]:
    if len(frame) < _FIXED.size or not frame.startswith(MAGIC):
        raise CodecError(f"{len(frame)} bytes that start with {frame[:4]!r} are no model frame")
    _, frame_format, signature, length = _FIXED.unpack_from(frame)
    if frame_format != FORMAT:
        raise CodecError(f"model frame of format {frame_format}; this process reads {FORMAT}")
    if not hmac.compare_digest(signature, _sign(frame[_SIGNED_FROM:], key)):
        raise SignatureError(
            "a model's signature does not verify; check that REALTIME_SIGNING_KEY is the one it was"
            " written with, otherwise the bytes were changed by somebody else"
        )
    try:
        header = msgspec.json.decode(frame[_FIXED.size : _FIXED.size + length], type=Header)
    except msgspec.MsgspecError as error:
        raise CodecError(f"a model frame's header cannot be read: {error}") from error
    payload = frame[_FIXED.size + length :]
    if zlib.crc32(payload) != header.checksum:
        raise CodecError("a model's checksum is wrong; read it again from where it is stored")
    return header, payload


@cache
def _river() -> str:
    return version("river")


def _sign(data: bytes, key: bytes) -> bytes:
    return hmac.digest(key, data, hashlib.sha256)


def _minor(text: str) -> list[str]:
    return text.split(".")[:2]


class _Pickler(pickle.Pickler):
    """Leaves out the random generator of each Gaussian."""

    def reducer_override(self, value: Any) -> Any:
        if type(value) is Gaussian:
            state = {name: item for name, item in vars(value).items() if name != "_rng"}
            return _restore_gaussian, (state,)
        return NotImplemented


_SHARED_RANDOM = random.Random(0)  # noqa: S311 - statistics, not secrets


def _restore_gaussian(state: dict[str, Any]) -> Gaussian:
    gaussian = Gaussian.__new__(Gaussian)
    vars(gaussian).update(state, _rng=_SHARED_RANDOM)
    return gaussian


def _pickle(value: Any) -> bytes:
    buffer = io.BytesIO()
    with _gc_paused():
        _Pickler(buffer, protocol=5).dump(value)
    return buffer.getvalue()


_gc_lock = threading.Lock()
_gc_pauses = 0
_gc_was_on = False


@contextmanager
def _gc_paused() -> Iterator[None]:
    """Many small objects made at once would trigger full collections that find nothing.

    Threads may pause it together: the last one to end leaves it as the first one found it.
    """
    global _gc_pauses, _gc_was_on
    with _gc_lock:
        if not _gc_pauses:
            _gc_was_on = gc.isenabled()
            gc.disable()
        _gc_pauses += 1
    try:
        yield
    finally:
        with _gc_lock:
            _gc_pauses -= 1
            if _gc_was_on and not _gc_pauses:
                gc.enable()
