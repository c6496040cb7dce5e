"""Settings: what the chart writes is read whole, and a typing error is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from modelyard.api.pod import ResourcesSpec
from modelyard.defaults import defaults_from
from modelyard.settings import BadSettings, pod_identity, settings_from_file, settings_path

SETTINGS = {
    "images": {"operator": "o:1", "runtime": "r:1", "triton": "t:1", "envoy": "e:1"},
    "registry": {"push": "registry:5001", "pull": "registry:5000", "plainHttp": True},
    "buildResources": {"limits": {"memory": "6Gi"}},
}


def written(folder: Path, settings: object) -> Path:
    file = folder / "settings.json"
    file.write_text(json.dumps(settings))
    return file


def test_what_is_set_reaches_the_planner_and_the_rest_keeps_its_default(tmp_path: Path) -> None:
    defaults = defaults_from(settings_from_file(written(tmp_path, SETTINGS)))
    assert (defaults.images.triton, defaults.registry.push, defaults.registry.plain_http) == (
        "t:1",
        "registry:5001",
        True,
    )
    assert defaults.build_resources == ResourcesSpec(limits={"memory": "6Gi"})
    assert defaults.serving_resources.requests
    assert defaults.hugging_face_endpoint == "https://huggingface.co"


def test_serving_resources_can_be_set(tmp_path: Path) -> None:
    given = SETTINGS | {"servingResources": {"requests": {"cpu": "2"}}}
    defaults = defaults_from(settings_from_file(written(tmp_path, given)))
    assert defaults.serving_resources == ResourcesSpec(requests={"cpu": "2"})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"drainSecond": 3}, "drainSecond: Extra inputs"),
        ({"images": {"operator": "o:1"}}, "images.runtime: Field required"),
        ({"lease": {"durationSeconds": 1}}, "lease.durationSeconds"),
    ],
)
def test_a_mistake_is_told_by_its_field(tmp_path: Path, change: dict[str, object], told: str) -> None:
    with pytest.raises(BadSettings) as raised:
        settings_from_file(written(tmp_path, SETTINGS | change))
    assert told in str(raised.value)
    assert "correct the chart's values" in str(raised.value)


def test_a_file_that_is_not_there_or_no_json(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="set MODELYARD_SETTINGS"):
        settings_from_file(tmp_path / "absent")
    (tmp_path / "text").write_text("hello")
    with pytest.raises(BadSettings, match="file: Invalid JSON"):
        settings_from_file(tmp_path / "text")


def test_the_environment_says_where_they_are_and_who_we_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELYARD_SETTINGS", "/somewhere/else.json")
    assert settings_path() == Path("/somewhere/else.json")
    monkeypatch.setenv("POD_NAME", "pod")
    monkeypatch.setenv("POD_NAMESPACE", "system")
    assert pod_identity() == ("system", "pod")
    monkeypatch.delenv("POD_NAME")
    with pytest.raises(BadSettings, match="POD_NAME"):
        pod_identity()
