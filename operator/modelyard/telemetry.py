"""Logs and counters: what happened, in the past tense, with its key-values; one JSON object a line.

Kopf and aiohttp log through the standard library, so everything does, and one formatter serves all.
"""

from __future__ import annotations

import json
import logging
import sys
from collections import Counter
from datetime import UTC, datetime
from typing import TextIO

_ROOT = "modelyard"


class Log:
    """A named log. Every method takes what happened, then its key-values."""

    def __init__(self, name: str) -> None:
        """Log under ``modelyard.<name>``."""
        self._logger = logging.getLogger(f"{_ROOT}.{name}")

    def debug(self, event: str, **values: object) -> None:
        """Log what only a developer asks for."""
        self._logger.debug(event, extra={"values": values})

    def info(self, event: str, **values: object) -> None:
        """Log what happened."""
        self._logger.info(event, extra={"values": values})

    def warning(self, event: str, **values: object) -> None:
        """Log what went wrong and is being dealt with."""
        self._logger.warning(event, extra={"values": values})

    def failure(self, event: str, error: BaseException, **values: object) -> None:
        """Log what went wrong unexpectedly, with its traceback."""
        self._logger.error(event, extra={"values": values}, exc_info=error)


class JsonLines(logging.Formatter):
    """One JSON object a line: at, level, logger, event, the key-values, and a traceback where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; a value that JSON has no type for is written as its string."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        line |= getattr(record, "values", {})
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def configure(level: str = "INFO", stream: TextIO | None = None) -> logging.Handler:
    """Send every log to ``stream`` (standard error) as JSON lines; return the handler, to take it away again."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(level)
    logging.getLogger("kopf").setLevel(logging.WARNING)  # it tells of every watched event
    logging.getLogger("httpx").setLevel(logging.WARNING)  # and that of every request
    return handler


class Metrics:
    """Counters and gauges in the text format of Prometheus. Names without the prefix ``modelyard_``."""

    def __init__(self) -> None:
        """Start at nothing."""
        self._totals: Counter[tuple[str, tuple[tuple[str, str], ...]]] = Counter()
        self._gauges: dict[str, float] = {}

    def count(self, name: str, **labels: str) -> None:
        """Add one to the counter ``name`` with these labels."""
        self._totals[f"{name}_total", tuple(sorted(labels.items()))] += 1

    def gauge(self, name: str, value: float) -> None:
        """Set ``name``."""
        self._gauges[name] = value

    def total(self, name: str, **labels: str) -> int:
        """Return the sum of the counter ``name`` over everything that has these labels."""
        wanted = labels.items()
        return sum(n for (key, have), n in self._totals.items() if key == f"{name}_total" and wanted <= set(have))

    def text(self) -> str:
        """Return all of it, sorted, a metric a line."""
        lines = [
            f"modelyard_{name}{{{','.join(f'{key}={json.dumps(value)}' for key, value in labels)}}} {total}"
            for (name, labels), total in self._totals.items()
        ]
        lines += [f"modelyard_{name} {value:g}" for name, value in self._gauges.items()]
        return "\n".join(sorted(lines)).replace("{}", "") + "\n"


METRICS = Metrics()
"""The process's own."""
