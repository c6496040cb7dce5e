"""What must hold before a pod is ready: a Triton without known exploits took every model, and answers as proven."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

from modelyard_runtime.golden import GOLDEN_FILE, Golden, replay
from modelyard_runtime.server.command import Options
from modelyard_runtime.triton import ServerRefused, TritonServer

LEAST_VERSION = (2, 71, 0)
"""Triton's release 26.07, the newest that a security bulletin of NVIDIA's asks for (5875; critical: 5828 and 5865)."""
log = logging.getLogger("modelyard-server")


class InsecureServer(RuntimeError):
    """A Triton whose version has public remote exploits. Says which it is, and the least that is served by."""


def verify(options: Options, *, loaded: Callable[[], object]) -> None:
    """Wait for Triton and check what it serves. Calls ``loaded`` once it has every model, before it asks them.

    With ``options.explicit`` there is nothing to check: models come and go, and what runs them with them.

    Raises ServerLost if it does not come up, InsecureServer if its version has known exploits that are not allowed,
    ServerRefused if it took no model or refused one, GoldenMismatch if an answer differs, FileNotFoundError for a model
    without golden samples.
    """
    with TritonServer(options.loopback, options.http_port, timeout=options.start_seconds) as server:
        server.wait_live(options.start_seconds)
        if options.explicit:
            return
        if not options.allow_insecure:
            check_version(str(server.metadata()["version"]))
        models = server.models()
        if not models:
            message = f"Triton found no model in {options.repository}: was the artifact pulled?"
            raise ServerRefused(message)
        for model in models:
            if model.get("state") != "READY":
                reason = model.get(
                    "reason", "it gave no reason, as where config.pbtxt can't be read; its log says more"
                )
                message = f"Triton did not load {model['name']}: {reason}"
                raise ServerRefused(message)
        loaded()
        for model in models:
            _replay(server, options, model["name"])


def check_version(version: str) -> None:
    """Raise InsecureServer for a version of Triton (``2.62.0``) that has public remote exploits."""
    least = f"{'.'.join(map(str, LEAST_VERSION))} (release 26.07)"
    found = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", version)  # 2.73.0dev as well
    if found is None:
        message = f"Triton says that its version is {version!r}, which may be older than {least}, the least that serves"
        raise InsecureServer(message)
    if tuple(int(part or 0) for part in found.groups()) < LEAST_VERSION:
        message = f"Triton {version} has public remote exploits, and nothing below {least} serves"
        raise InsecureServer(message)


def _replay(server: TritonServer, options: Options, model: str) -> None:
    folder = options.repository / model
    if not (folder / GOLDEN_FILE).is_file():
        message = f"{folder / GOLDEN_FILE} is missing: an artifact without golden samples can't be verified"
        raise FileNotFoundError(message)
    golden = Golden.read(folder)
    worst = replay(golden, lambda batch: server.infer(model, batch, golden.output))
    log.info("%s answered %d golden samples as proven, worst difference %.2g", model, len(golden.samples), worst)
