"""A benchmark's result: its page, its figures for programs, and what it says of a target that was missed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.common import MISSED, Benchmark, Target, at_most, publish

MET = at_most("from the cache", 15, 4.96, "s")
TOO_LATE = at_most("built", 60, 61.3, "s")


def result(*targets: Target) -> Benchmark:
    """Return a run of two rows with these targets."""
    return Benchmark(
        name="sample",
        title="A sample",
        targets=targets,
        rows=[{"case": "a|b", "seconds": 4.96}, {"case": "c", "seconds": 61}],
        versions={"modelyard": "0.1.0"},
        remarks=["How to read it."],
        machine={"cpu": "any", "cores": 2},
    )


def test_a_missed_target_is_said_and_exits_with_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert publish(result(MET, TOO_LATE), tmp_path) == MISSED == 3
    said = [line for line in capsys.readouterr().out.splitlines() if line.startswith("MISSED")]
    assert said == ["MISSED built: want <= 60 s, got 61.3 s"]


def test_met_targets_exit_with_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert publish(result(MET), tmp_path) == 0
    assert "MISSED" not in capsys.readouterr().out


def test_the_limit_itself_is_met() -> None:
    assert at_most("requests failed or wrong", 0, 0, "requests").met
    assert at_most("built", 60, 60, "s").met


def test_json_has_what_programs_read(tmp_path: Path) -> None:
    publish(result(MET, TOO_LATE), tmp_path)
    assert json.loads((tmp_path / "sample.json").read_text()) == {
        "name": "sample",
        "machine": {"cpu": "any", "cores": 2},
        "versions": {"modelyard": "0.1.0"},
        "targets": [
            {"name": "from the cache", "want": "<= 15 s", "got": "5.0 s", "met": True},
            {"name": "built", "want": "<= 60 s", "got": "61.3 s", "met": False},
        ],
        "rows": [{"case": "a|b", "seconds": 4.96}, {"case": "c", "seconds": 61}],
    }


def test_page_has_what_people_read(tmp_path: Path) -> None:
    publish(result(MET, TOO_LATE), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"sample.json", "sample.md"}
    assert (tmp_path / "sample.md").read_text() == PAGE


PAGE = r"""# A sample

| target | want | got |  |
| --- | --- | --- | --- |
| from the cache | <= 15 s | 5.0 s | met |
| built | <= 60 s | 61.3 s | **MISSED** |

How to read it.

| case | seconds |
| --- | --- |
| a\|b | 4.96 |
| c | 61 |

## Where it ran

|  | value |
| --- | --- |
| cpu | any |
| cores | 2 |
| modelyard | 0.1.0 |

Run it: `make bench NAME=sample`.
"""
