"""Words of messages that depend on a number."""

from __future__ import annotations


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun: ``1 pod``, ``2 pods``."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"
