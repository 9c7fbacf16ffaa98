"""Every error this platform raises on purpose.

RealtimeError
├── SettingsError
├── ProjectError
├── EventError
├── BrokerError
│   ├── OffsetError
│   └── TopicError
├── CodecError
│   └── SignatureError
├── ConflictError
├── VersionError
├── JobError
├── Cancelled
└── StoreError
    └── ModelUnavailable

A message says what is wrong, with which value, and what to do about it.
"""

from __future__ import annotations


class RealtimeError(Exception):
    """Root of the hierarchy."""


class SettingsError(RealtimeError):
    """A setting is missing or cannot be used."""


class ProjectError(RealtimeError):
    """A project is unknown, or its description contradicts itself."""


class EventError(RealtimeError):
    """A message is not an event of its project."""


class BrokerError(RealtimeError):
    """Kafka cannot be reached, or lacks what the flow needs."""


class OffsetError(BrokerError):
    """The position to resume from does not exist in the log any more."""


class TopicError(BrokerError):
    """A topic does not exist, or has other partitions than there are shards."""


class CodecError(RealtimeError):
    """Bytes are not a frame of ours, or of another version."""


class SignatureError(CodecError):
    """A frame's signature does not verify; it was not unpickled."""


class ConflictError(RealtimeError):
    """Two flows write where only one may."""


class VersionError(RealtimeError):
    """A model has no such version."""


class JobError(RealtimeError):
    """There is no such job."""


class Cancelled(RealtimeError):
    """Somebody wants the end of the work that is being done."""


class StoreError(RealtimeError):
    """Redis, MLflow or the lake failed to answer."""


class ModelUnavailable(StoreError):
    """No model has been published or registered yet."""
