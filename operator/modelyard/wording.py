"""Words of messages that depend on a number."""

from __future__ import annotations

from collections.abc import Iterable


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun: ``1 pod``, ``2 pods``."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def of_adapter(name: str, message: str) -> str:
    """Return what was said of a source as said of an adapter's, whose fields are called as the model's own."""
    said = message.replace("spec.source.", f"spec.source.mergeAdapters[{name}].")
    return said if said.startswith(f"adapter {name}") else f"adapter {name}: {said}"


def listed(names: Iterable[str]) -> str:
    """Return names as a sentence has them: ``a``, ``a and b``, ``a, b and c``."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
