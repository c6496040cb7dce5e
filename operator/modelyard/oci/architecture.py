"""What registries call this machine's architecture."""

from __future__ import annotations

import platform

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def this_architecture() -> str:
    """Return it by its name in an image's configuration."""
    return ARCHITECTURES.get(platform.machine(), platform.machine())
