"""The files that an artifact may hold. Triton runs a library that it finds beside a model, so there is to be none."""

from __future__ import annotations

import re
from collections.abc import Iterable

_KNOWN = re.compile(r"golden\.json|1/(modelyard\.json|model\.(onnx|onnx\.data|xml|bin))")


def strangers(paths: Iterable[str]) -> list[str]:
    """Return those that no build makes, sorted. paths: relative to the artifact's root, with slashes."""
    return sorted(path for path in paths if not _KNOWN.fullmatch(path))
