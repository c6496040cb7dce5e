"""Reports of real builds. ``minilm`` and ``older`` are what builds wrote, nothing made up."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelyard.contract.report import BuildReport

REPORTS = Path(__file__).parent / "reports"


@pytest.fixture(scope="session")
def minilm() -> BuildReport:
    """The report of all-MiniLM-L6-v2 built by ``Auto`` from a registry: three candidates, trained weights."""
    return BuildReport.model_validate_json((REPORTS / "minilm.json").read_bytes())


@pytest.fixture(scope="session")
def older() -> BuildReport:
    """The report of a tiny untrained encoder by a build that kept neither gates nor the distribution."""
    return BuildReport.model_validate_json((REPORTS / "older.json").read_bytes())
