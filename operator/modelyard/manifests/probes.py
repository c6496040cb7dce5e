"""Probes and hooks of containers."""

from __future__ import annotations

from typing import Any


def http_probe(path: str, port: str, *, period: int, timeout: int, failures: int) -> dict[str, Any]:
    """Return an HTTP probe; times in seconds."""
    return {
        "httpGet": {"path": path, "port": port},
        "periodSeconds": period,
        "timeoutSeconds": timeout,
        "failureThreshold": failures,
    }


def exec_before_stop(command: list[str]) -> dict[str, Any]:
    """Return a lifecycle that runs a command before SIGTERM."""
    return {"preStop": {"exec": {"command": command}}}
