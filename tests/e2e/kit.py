"""What the fixtures of these tests are, by type."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeAlias

from examples.demo.kubectl import Object
from tests.e2e.yard import Yard

MakeYard: TypeAlias = Callable[[str], Yard]
"""Makes a namespace whose name begins with the word given; it is deleted after the module that asked."""

Push: TypeAlias = Callable[[Path, str], Object]
"""Pushes a model folder to the cluster's registry under a name and returns its ``spec.source``."""

BuiltAlready: TypeAlias = Callable[[Yard], Object]
"""Puts the tiny model's artifact where the namespace's own build would: it starts no Job. Returns that build."""

WithValues: TypeAlias = Callable[..., AbstractContextManager[None]]
"""Upgrades the release with more of Helm's ``key=value`` for the length of a block."""

RestartApiServer: TypeAlias = Callable[[], None]
"""Kills the API server, starts it again and returns when it answers."""
