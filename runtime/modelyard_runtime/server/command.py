"""The command line: of the supervisor, and of the Triton it starts."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What to serve, where, and how long to wait.

    After SIGTERM Triton answers on: for ``drain_seconds`` to whoever asks, then for ``leave_seconds`` while Services
    forget the pod. Then requests under way get ``stop_seconds`` before everything is killed. ``start_seconds`` is what
    Triton gets to load the repository.
    """

    repository: Path
    revision: str
    explicit: bool
    allow_insecure: bool
    address: str
    http_port: int
    grpc_port: int
    metrics_port: int
    health_port: int
    drain_seconds: int
    leave_seconds: int
    stop_seconds: int
    start_seconds: int
    home: Path

    @property
    def loopback(self) -> str:
        """Return the address to ask our own server at."""
        return "127.0.0.1" if self.address == "0.0.0.0" else self.address  # noqa: S104 - compared, not bound


def options_of(arguments: list[str] | None = None) -> Options:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="modelyard-server", description="Serve a Triton repository, proven first.")
    parser.add_argument("--repository", type=Path, required=True, help="a folder of Triton models")
    parser.add_argument("--revision", default="", help="whose server this is: named in the paths of --health-port")
    parser.add_argument("--explicit", action="store_true", help="load nothing until asked; replay nothing")
    parser.add_argument("--allow-insecure", action="store_true", help="serve by a Triton with known exploits too")
    parser.add_argument("--address", default="0.0.0.0", help="where to listen")  # noqa: S104 - a pod's own network
    parser.add_argument("--http-port", type=int, default=8000)
    parser.add_argument("--grpc-port", type=int, default=8001)
    parser.add_argument("--metrics-port", type=int, default=8002)
    parser.add_argument("--health-port", type=int, default=8003, help="answers /ready/REVISION, /serving/REVISION")
    parser.add_argument("--drain-seconds", type=int, default=0, help="to answer on after SIGTERM, ready no more")
    parser.add_argument("--leave-seconds", type=int, default=0, help="to answer on after that, serving no more")
    parser.add_argument("--stop-seconds", type=int, default=10, help="for requests under way after both")
    parser.add_argument("--start-seconds", type=int, default=600, help="for loading the repository")
    parser.add_argument("--home", type=Path, default=Path("/opt/tritonserver"), help="holds bin/ and backends/")
    return Options(**vars(parser.parse_args(arguments)))


def tritonserver_command(options: Options) -> list[str]:
    """Return Triton's command line."""
    return [
        str(options.home / "bin" / "tritonserver"),
        f"--model-repository={options.repository}",
        f"--model-control-mode={'explicit' if options.explicit else 'none'}",
        f"--backend-directory={options.home / 'backends'}",
        f"--cache-directory={options.home / 'caches'}",
        f"--http-address={options.address}",
        f"--http-port={options.http_port}",
        f"--grpc-address={options.address}",
        f"--grpc-port={options.grpc_port}",
        f"--metrics-address={options.address}",
        f"--metrics-port={options.metrics_port}",
        f"--exit-timeout-secs={options.stop_seconds}",
        # A model that is refused leaves the server up, so that its reason can be asked for instead of parsed from logs.
        "--exit-on-error=false",
        "--disable-auto-complete-config",  # what config.pbtxt says, and nothing guessed
    ]
