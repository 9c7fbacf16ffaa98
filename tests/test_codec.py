"""Frames: equal models, much smaller than their pickle; what was tampered with stays closed."""

from __future__ import annotations

import gc
import hashlib
import hmac
import pickle
import random
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from river import base, compose, ensemble, forest, linear_model, preprocessing, tree

from flows.errors import CodecError, SignatureError
from flows.learning import codec
from flows.projects import fraud
from tests.examples import fraud_events

KEY = b"a key"


def encoded_pipeline() -> base.Estimator:
    numbers = compose.SelectType(int, float) | preprocessing.StandardScaler()
    texts = compose.SelectType(str) | preprocessing.OneHotEncoder()
    return compose.Pipeline(numbers + texts, linear_model.LogisticRegression())


MODELS: dict[str, Callable[[], base.Estimator]] = {
    "fraud": fraud.PROJECT.model,
    "pipeline": encoded_pipeline,
    "tree": lambda: tree.HoeffdingTreeClassifier(grace_period=50),
    "adaptive tree": lambda: tree.HoeffdingAdaptiveTreeClassifier(grace_period=50, seed=1),
    "forest": lambda: forest.ARFClassifier(n_models=5, seed=1),
    "bagging": lambda: ensemble.ADWINBaggingClassifier(tree.HoeffdingTreeClassifier(), seed=1),
}


@pytest.fixture(scope="module")
def examples() -> list[tuple[dict[str, Any], int]]:
    return [(fraud.PROJECT.features(one), one.is_fraud or 0) for one in fraud_events(1_400)]


@pytest.mark.parametrize("name", MODELS)
def test_a_model_goes_on_learning_and_predicting_the_same(
    name: str, examples: list[tuple[dict[str, Any], int]]
) -> None:
    original: Any = MODELS[name]()
    for features, label in examples[:1_200]:
        original.learn_one(features, label)
    restored = codec.loads(codec.dumps(original, KEY), KEY)
    for features, label in examples[1_200:]:
        assert restored.predict_proba_one(features) == original.predict_proba_one(features)
        original.learn_one(features, label)
        restored.learn_one(features, label)


def test_a_forest_takes_a_small_part_of_its_pickle() -> None:
    model = forest.ARFClassifier(n_models=5, seed=1)
    rng = random.Random(0)
    for _ in range(2_000):
        features = {name: rng.gauss(0, 1) for name in "abcdef"}
        model.learn_one(features, features["a"] + features["b"] > rng.gauss(0, 1))
    assert len(codec.dumps(model, KEY)) < len(pickle.dumps(model, protocol=5)) / 10


def test_dumping_leaves_the_model_as_it_was(examples: list[tuple[dict[str, Any], int]]) -> None:
    model: Any = MODELS["forest"]()
    for features, label in examples[:300]:
        model.learn_one(features, label)
    assert codec.dumps(model, KEY) == codec.dumps(model, KEY)
    model.learn_one(*examples[300])


def test_loading_twice_gives_independent_models(
    examples: list[tuple[dict[str, Any], int]],
) -> None:
    model: Any = MODELS["tree"]()
    for features, label in examples[:300]:
        model.learn_one(features, label)
    frame = codec.dumps(model, KEY)
    one, other = codec.loads(frame, KEY), codec.loads(frame, KEY)
    expected = [model.predict_proba_one(features) for features, _ in examples[300:600]]
    for features, label in examples[300:600]:
        one.learn_one(features, label)
    assert [other.predict_proba_one(features) for features, _ in examples[300:600]] == expected


@given(st.recursive(st.none() | st.floats() | st.text() | st.binary(), st.lists, max_leaves=20))
def test_any_plain_value_comes_back(value: Any) -> None:
    assert repr(codec.loads(codec.dumps(value, KEY), KEY)) == repr(value)


@pytest.mark.parametrize("enabled", [True, False])
def test_the_collector_is_left_as_it_was(enabled: bool) -> None:
    (gc.enable if enabled else gc.disable)()
    try:
        frame = codec.dumps([1], KEY)
        codec.loads(frame, KEY)
        with pytest.raises(CodecError):
            codec.loads(frame[:-1], KEY)
        with pytest.raises((AttributeError, pickle.PicklingError)):
            codec.dumps(lambda: None, KEY)
        assert gc.isenabled() is enabled
    finally:
        gc.enable()


class Intruder:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.mark,)


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    """A path that exists once an `Intruder` was unpickled."""
    return tmp_path / "unpickled"


@pytest.fixture
def frame(mark: Path) -> bytes:
    return codec.dumps(Intruder(mark), KEY)


def test_the_intruder_works(frame: bytes, mark: Path) -> None:
    codec.loads(frame, KEY)
    assert mark.exists()


def refused(frame: bytes, mark: Path, error: type[CodecError], key: bytes = KEY) -> str:
    with pytest.raises(error) as caught:
        codec.loads(frame, key)
    assert type(caught.value) is error
    assert not mark.exists()
    return str(caught.value)


def test_another_key_opens_nothing(frame: bytes, mark: Path) -> None:
    message = refused(frame, mark, SignatureError, b"another key")
    assert "REALTIME_SIGNING_KEY" in message


def test_every_flipped_byte_is_noticed(frame: bytes, mark: Path) -> None:
    for place in range(len(frame)):
        changed = bytearray(frame)
        changed[place] ^= 1
        refused(bytes(changed), mark, CodecError if place < 5 else SignatureError)


def test_every_truncation_is_noticed(frame: bytes, mark: Path) -> None:
    for length in range(len(frame)):
        refused(frame[:length], mark, CodecError if length < 41 else SignatureError)


def test_appended_bytes_are_noticed(frame: bytes, mark: Path) -> None:
    refused(frame + b"\0", mark, SignatureError)


def test_a_bare_pickle_is_no_frame(mark: Path) -> None:
    refused(pickle.dumps(Intruder(mark)), mark, CodecError)


def test_another_format_is_named(frame: bytes, mark: Path) -> None:
    assert "format 9" in refused(frame[:4] + b"\x09" + frame[5:], mark, CodecError)


@given(st.binary(max_size=200), st.booleans())
def test_random_bytes_are_refused(noise: bytes, framed: bool) -> None:
    with pytest.raises(CodecError):
        codec.loads(b"RTLM\x02" + noise if framed else noise, KEY)


def forged(
    mark: Path, header: bytes | None = None, length: int | None = None, **fields: Any
) -> bytes:
    """A frame with a right signature over a header of our choice."""
    plain = pickle.dumps(Intruder(mark))
    payload = zlib.compress(plain)
    values = {"river": "0.26.1", "size": len(plain), "checksum": zlib.crc32(payload), **fields}
    header = msgspec.json.encode(values) if header is None else header
    signed = struct.pack(">I", len(header) if length is None else length) + header + payload
    return b"RTLM\x02" + hmac.digest(KEY, signed, hashlib.sha256) + signed


def test_the_forger_works(mark: Path) -> None:
    codec.loads(forged(mark), KEY)
    assert mark.exists()


@pytest.mark.parametrize("version", ["0.25.0", "1.26.1", "", "0"])
def test_another_river_is_named(mark: Path, version: str) -> None:
    message = refused(forged(mark, river=version), mark, CodecError)
    assert f"River {version}," in message


def test_another_patch_of_the_same_river_is_read(mark: Path) -> None:
    codec.loads(forged(mark, river="0.26.99"), KEY)
    assert mark.exists()


def test_a_wrong_checksum_is_named(mark: Path) -> None:
    assert "checksum" in refused(forged(mark, checksum=1), mark, CodecError)


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param({"header": b"{}"}, id="empty header"),
        pytest.param({"header": b"no json"}, id="no JSON"),
        pytest.param({"header": b""}, id="no header"),
        pytest.param({"length": 2**32 - 1}, id="header longer than the frame"),
    ],
)
def test_a_signed_frame_with_a_broken_header_is_refused(mark: Path, frame: dict[str, Any]) -> None:
    refused(forged(mark, **frame), mark, CodecError)


class Gone:
    """A class that a later version of this package may not have any more."""


def test_a_class_that_is_gone_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = codec.dumps(Gone(), KEY)
    monkeypatch.delattr(f"{__name__}.Gone")
    with pytest.raises(CodecError, match="Gone"):
        codec.loads(frame, KEY)
