from __future__ import annotations

from pathlib import Path

import pytest

from flows import projects
from flows.batch.dataset import load
from flows.batch.order import Order, silent
from flows.batch.registered import CODE, _described
from flows.stores import served
from tests.batch_parts import drawn, lake

pytestmark = [
    pytest.mark.slow,
    # MLflow warns of its own types when its loaders are imported.
    pytest.mark.filterwarnings("ignore:.*type hint is inferred as AnyType:UserWarning"),
]


@pytest.mark.parametrize("slug", ["eta", "interactions", "sales"])
def test_a_signature_takes_the_example_that_is_kept_with_it(tmp_path: Path, slug: str) -> None:
    project = projects.get(slug)
    settings = lake(tmp_path / "lake", project, drawn(project, 60))
    example = load(project, settings, Order(), silent).example
    assert len(example) == 3
    assert not set(project.hidden) & set(example[0])
    served.save(tmp_path / "model", slug, b"a frame", CODE, **_described(project, example))
    assert (tmp_path / "model" / "input_example.json").is_file()
    said = (tmp_path / "model" / "MLmodel").read_text()
    assert project.event_id in said
    assert next(iter(project.task.prediction.__struct_fields__)) in said
