"""Logs and counters, as a collector reads them."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import aiohttp
import pytest

from modelyard.probes import probe_server
from modelyard.telemetry import METRICS, Log, Metrics, configure


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What is logged at level INFO."""
    root, stream = logging.getLogger(), io.StringIO()
    level = root.level
    handler = configure("INFO", stream)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


def test_a_line_is_one_object_with_its_values(lines: io.StringIO) -> None:
    log = Log("queue")
    log.debug("not told")
    log.info("pass ended", key=("OptimizedModel", "a", "b"), seconds=0.2)
    log.warning("lease not renewed", error="no route")
    first, second = map(json.loads, lines.getvalue().splitlines())
    assert first.pop("at").endswith("+00:00")
    assert first == {
        "level": "info",
        "logger": "modelyard.queue",
        "event": "pass ended",
        "key": ["OptimizedModel", "a", "b"],
        "seconds": 0.2,
    }
    assert (second["level"], second["error"]) == ("warning", "no route")


def test_a_failure_has_its_traceback_in_the_same_line(lines: io.StringIO) -> None:
    try:
        _ = 1 / 0
    except ZeroDivisionError as error:
        Log("queue").failure("pass failed", error)
    (line,) = map(json.loads, lines.getvalue().splitlines())
    assert "ZeroDivisionError" in line["traceback"]
    assert line["level"] == "error"


def test_counters_are_told_as_prometheus_reads_them() -> None:
    metrics = Metrics()
    metrics.count("passes")
    metrics.count("api_calls", method="GET", status="200")
    metrics.count("api_calls", method="GET", status="404")
    metrics.count("api_calls", method="GET", status="200")
    metrics.gauge("leader", 1)
    assert metrics.text().splitlines() == [
        'modelyard_api_calls_total{method="GET",status="200"} 2',
        'modelyard_api_calls_total{method="GET",status="404"} 1',
        "modelyard_leader 1",
        "modelyard_passes_total 1",
    ]
    assert (metrics.total("api_calls"), metrics.total("api_calls", status="200")) == (3, 2)


async def test_probes_answer_while_the_process_lives() -> None:
    METRICS.count("passes")
    async with probe_server(0, "127.0.0.1") as port, aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        async with session.get("/healthz") as answer:
            assert answer.status == 200
        async with session.get("/metrics") as answer:
            assert "modelyard_passes_total" in await answer.text()
