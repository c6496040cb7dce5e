"""Which versions of Triton may serve: those that no stranger takes over."""

from __future__ import annotations

import pytest

from modelyard_runtime.server.verify import InsecureServer, check_version


@pytest.mark.parametrize("version", ["2.71.0", "2.73.0", "2.71", "2.100.0", "2.73.0dev", "3.0.0"])
def test_a_version_without_known_exploits_serves(version: str) -> None:
    check_version(version)


@pytest.mark.parametrize("version", ["2.70.9", "2.51.0", "2.8.0", "1.99.9", "2.70dev", "latest"])
def test_a_version_with_known_exploits_does_not(version: str) -> None:
    with pytest.raises(InsecureServer, match=version):
        check_version(version)
