"""What runs in a build and beside Triton: conversion, proof, our backend and the server's supervisor.

``optimize`` and ``Artifact`` are the Python API. They are imported when they are asked for: the Triton image has numpy
and the engines alone.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelyard_runtime.library import Artifact, NotProven, optimize

__all__ = ["Artifact", "NotProven", "optimize"]


def __getattr__(name: str) -> object:
    """Return what the Python API has by that name."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module("modelyard_runtime.library"), name)
