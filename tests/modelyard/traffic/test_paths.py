"""What the proxy and the kubelet ask, the server answers: two images, one agreement."""

from __future__ import annotations

from modelyard.traffic.paths import HEALTH_PORT, server_ready_path, server_serving_path
from modelyard_runtime.server.command import options_of
from modelyard_runtime.server.health import ready_path, serving_path


def test_the_server_answers_where_it_is_asked() -> None:
    asked = (HEALTH_PORT, server_ready_path("aaaaaaaa"), server_serving_path("aaaaaaaa"))
    options = options_of(["--repository=models", "--revision=aaaaaaaa"])
    assert asked == (options.health_port, ready_path(options.revision), serving_path(options.revision))
