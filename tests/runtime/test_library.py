"""The Python API where a build goes wrong: what its error names is there, and nothing else is left."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

import pytest

from modelyard.local.build import NotPossible
from modelyard.local.steps import BuildStopped
from modelyard_runtime import optimize
from tests.runtime.folders import model_folder


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders are made."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_a_log_that_an_error_names_is_there(temporary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONHASHSEED", "nonsense")  # what Python doesn't start with
    with pytest.raises(BuildStopped) as stopped:
        optimize(model_folder(tmp_path / "model"), engine="OnnxRuntime", precision="FP32")
    named = re.search(r"its log is (\S+)", str(stopped.value))
    assert named is not None
    assert "PYTHONHASHSEED" in Path(named[1]).read_text()
    assert Path(named[1]).is_relative_to(temporary)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"source": {"mergeAdapters": [{"name": "a", "pvc": {"claimName": "c"}}]}}, "source is nothing that a model"),
        ({"gates": {"dataset": {"configMapRef": {"name": "t", "key": "t.txt"}}}}, r"gates\.dataset is nothing that a"),
    ],
)
def test_what_would_be_left_out_is_refused(tmp_path: Path, fields: dict[str, Any], says: str) -> None:
    with pytest.raises(NotPossible, match=says):
        optimize(model_folder(tmp_path / "model"), **fields)


def test_what_can_t_begin_leaves_nothing(temporary: Path, tmp_path: Path) -> None:
    with pytest.raises(NotPossible, match="TensorRT is not supported yet"):
        optimize(model_folder(tmp_path / "model"), engine="TensorRT")
    assert list(temporary.iterdir()) == []
