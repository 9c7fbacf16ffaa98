"""What the Open Inference Protocol, version 2, says on the wire.

Source: open-inference-protocol, specification/protocol/inference_rest.md, and Triton's extension
for the model repository.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

State = Literal["READY", "UNAVAILABLE"]
Parameters = dict[str, Any]


class RequestTensor(msgspec.Struct, frozen=True):
    """One field of all events, or all events as JSON texts."""

    name: str
    shape: list[int]
    datatype: str
    data: list[Any]
    parameters: Parameters | None = None


class RequestedOutput(msgspec.Struct, frozen=True):
    """An output that is wanted."""

    name: str
    parameters: Parameters | None = None


class InferenceRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Events to predict. `id` is sent back; without `outputs` all are sent."""

    inputs: list[RequestTensor]
    id: str | None = None
    parameters: Parameters | None = None
    outputs: list[RequestedOutput] | None = None


class ResponseTensor(msgspec.Struct, frozen=True):
    """One field of all predictions, in the order of the events."""

    name: str
    shape: list[int]
    datatype: str
    data: list[Any]


class InferenceResponse(msgspec.Struct, frozen=True, kw_only=True):
    """Predictions, and the version that made them."""

    model_name: str
    model_version: str
    id: str | UnsetType = UNSET
    parameters: Parameters
    outputs: list[ResponseTensor]


class TensorFacts(msgspec.Struct, frozen=True):
    """A tensor's name and type; `parameters` may say that it is optional, and what it means."""

    name: str
    datatype: str
    shape: list[int]
    parameters: Parameters


class ModelFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a model takes and gives."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorFacts]
    outputs: list[TensorFacts]


class ServerFacts(msgspec.Struct, frozen=True):
    """Who serves."""

    name: str
    version: str
    extensions: list[str]


class ServerLive(msgspec.Struct, frozen=True):
    """Whether the server answers."""

    live: bool


class ServerReady(msgspec.Struct, frozen=True):
    """Whether all models can be asked. The protocol's text calls the member `live`."""

    live: bool
    ready: bool


class ModelReady(msgspec.Struct, frozen=True):
    """Whether a model can be asked."""

    name: str
    ready: bool


class IndexRequest(msgspec.Struct, frozen=True):
    """Which models to list: all, or those that are ready."""

    repository_name: str = ""
    ready: bool = False


class IndexedModel(msgspec.Struct, frozen=True):
    """A model that there is."""

    name: str
    version: str
    state: State
    reason: str
