"""Nothing is switched off without a reason beside it, and no test is switched off at all."""

import re
from pathlib import Path

import pytest

from tests.repository import tracked

RULE = re.compile(r'^\s*"[A-Z]+[0-9]*",')
RULE_WITH_REASON = re.compile(r'^\s*"[A-Z]+[0-9]*",\s+# \S.{5,}')
SUPPRESSION = re.compile(r"# (noqa|type: ignore)")
SUPPRESSION_WITH_REASON = re.compile(r"# (noqa: [A-Z0-9, ]+|type: ignore\[[a-z, -]+\]) +(-|#) \S.{2,}")
# Assembled, so that this file does not name them.
FORBIDDEN = re.compile(
    "|".join([r"mark\.ski" + "p", r"pytest\.ski" + "p", "xfai" + r"l\b", "importor" + "skip", "no co" + "ver"])
)


def test_every_ignored_rule_says_why(root: Path) -> None:
    section = root.joinpath("pyproject.toml").read_text().split("[tool.ruff.lint]")[1].split("[tool.ruff.format]")[0]
    rules = [line for line in section.splitlines() if RULE.match(line)]
    assert rules
    assert [line for line in rules if not RULE_WITH_REASON.match(line)] == []


def test_every_suppression_in_the_code_says_why() -> None:
    code = tracked.lines("*.py", f":(exclude){Path(__file__).relative_to(tracked.ROOT)}")
    found = [(place, line) for place, line in code if SUPPRESSION.search(line)]
    assert [place for place, line in found if not SUPPRESSION_WITH_REASON.search(line)] == []


def test_no_test_is_switched_off_and_no_line_is_hidden_from_coverage() -> None:
    assert [place for place, line in tracked.lines("*.py", "pyproject.toml") if FORBIDDEN.search(line)] == []


@pytest.mark.parametrize("name", ["dev", "operator", "runtime", "triton"])
def test_a_lock_pins_every_package_and_no_vendor_of_a_gpu(root: Path, name: str) -> None:
    pins = [line for line in root.joinpath("locks", f"{name}.txt").read_text().splitlines() if not line.startswith("#")]
    assert [pin for pin in pins if not re.fullmatch(r"[a-z0-9.-]+==[0-9][0-9a-z.]*", pin)] == []
    assert [pin for pin in pins if pin.startswith("nvidia-")] == []
