"""What a project's model takes and gives, in MLflow's words; it loads MLflow."""

from __future__ import annotations

import msgspec
import pyarrow as pa
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema
from mlflow.types.schema import Object, Property

from flows.projects.spec import Project
from flows.stores.columns import columns


def signature(project: Project) -> ModelSignature:
    """An event's fields as in its JSON, and those of the project's prediction."""
    return ModelSignature(_schema(project.event), _schema(project.task.prediction))


def _schema(struct: type[msgspec.Struct]) -> Schema:
    required = _required(struct)
    return Schema(
        [
            ColSpec(
                _type(field.type, field.name in required),
                name=field.name,
                required=field.name in required,
            )
            for field in columns(struct)
        ]
    )


def _required(struct: type[msgspec.Struct]) -> set[str]:
    return {one.encode_name for one in msgspec.structs.fields(struct) if one.required}


def _type(kind: pa.DataType, required: bool) -> DataType | Object:
    """Whole numbers that may be missing are not whole in a frame."""
    if pa.types.is_struct(kind):
        fields = [Property(one.name, _type(one.type, True), required=False) for one in kind]
        return Object(fields)
    if pa.types.is_boolean(kind):
        return DataType.boolean
    if pa.types.is_integer(kind):
        return DataType.long if required else DataType.double
    return DataType.double if pa.types.is_floating(kind) else DataType.string
