"""Which changes of an object call for which passes."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from modelyard.keys import Key, outcome, owner_of_child, owners_of_build, wish

MODEL: dict[str, Any] = {
    "metadata": {
        "namespace": "search",
        "name": "minilm",
        "uid": "1",
        "generation": 3,
        "resourceVersion": "10",
        "annotations": {"modelyard.dev/command": "", "other/note": "a"},
    },
    "status": {"phase": "Progressing"},
}
BUILD: dict[str, Any] = {
    "metadata": {
        "namespace": "search",
        "name": "0123456789abcdef",
        "uid": "2",
        "generation": 1,
        "ownerReferences": [
            {"kind": "OptimizedModel", "name": "minilm", "uid": "1"},
            {"kind": "OptimizedModel", "name": "twin", "uid": "3"},
            {"kind": "ConfigMap", "name": "no", "uid": "4"},
        ],
    },
    "status": {"phase": "Running"},
}


def changed(body: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    body = deepcopy(body)
    *parents, last = path.split(".")
    target = body
    for parent in parents:
        target = target[parent]
    target[last] = value
    return body


@pytest.mark.parametrize(
    ("path", "value", "calls"),
    [
        ("status", {"phase": "Healthy"}, False),
        ("metadata.resourceVersion", "11", False),
        ("metadata.annotations", {"modelyard.dev/command": "", "other/note": "b"}, False),
        ("metadata.annotations", {"modelyard.dev/command": "retry 1 2"}, True),
        ("metadata.generation", 4, True),
        ("metadata.deletionTimestamp", "2026-01-01T00:00:00Z", True),
        ("metadata.uid", "9", True),
        ("metadata.managedFields", [{"manager": "modelyard", "subresource": "status"}], False),
        ("metadata.managedFields", [{"manager": "kubectl-patch"}], False),
        ("metadata.managedFields", [{"manager": "kubectl-patch", "subresource": "status"}], True),
    ],
)
def test_only_a_wish_of_somebody_elses_calls_for_a_pass_of_the_object_itself(
    path: str, value: object, *, calls: bool
) -> None:
    assert (wish(changed(MODEL, path, value)) != wish(MODEL)) is calls


@pytest.mark.parametrize(
    ("path", "value", "calls"),
    [
        ("status", {"phase": "Succeeded"}, True),
        ("metadata.ownerReferences", None, True),
        ("metadata.resourceVersion", "11", False),
    ],
)
def test_a_builds_status_calls_for_passes_of_its_models(path: str, value: object, *, calls: bool) -> None:
    assert (outcome(changed(BUILD, path, value)) != outcome(BUILD)) is calls


def test_a_build_wakes_every_model_that_owns_it() -> None:
    names = [Key("OptimizedModel", "search", "minilm"), Key("OptimizedModel", "search", "twin")]
    assert owners_of_build(BUILD) == names
    assert owners_of_build(changed(BUILD, "metadata.ownerReferences", None)) == []


@pytest.mark.parametrize(
    ("labels", "key"),
    [
        ({"modelyard.dev/model": "minilm"}, Key("OptimizedModel", "search", "minilm")),
        ({"modelyard.dev/build": "0123"}, Key("ModelBuild", "search", "0123")),
        ({"app": "other"}, None),
        (None, None),
    ],
)
def test_a_child_says_by_its_labels_whose_it_is(labels: dict[str, str] | None, key: Key | None) -> None:
    assert owner_of_child({"metadata": {"namespace": "search", "name": "x", "labels": labels}}) == key
