"""What all tests of the planner share."""

from __future__ import annotations

import pytest

from modelyard.traffic.envoy_config import ProxyConfig, routes_hash


@pytest.fixture(autouse=True)
def proxies_with_short_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out what Envoy's files say, which is long to write: that is for the tests of the traffic to hold."""

    def short(config: ProxyConfig) -> dict[str, str]:
        return {"routes": routes_hash(config)}

    monkeypatch.setattr("modelyard.manifests.configmap.envoy_files", short)
