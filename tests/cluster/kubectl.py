"""The kubectl of the development environment, always with this cluster's kubeconfig."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

from tests.cluster.commands import run, succeeds
from tests.cluster.errors import ClusterError
from tests.cluster.settings import Cluster


def command(cluster: Cluster) -> tuple[str, ...]:
    """Return the words that every call begins with."""
    beside_python = Path(sys.executable).parent / "kubectl"
    program = str(beside_python) if beside_python.exists() else shutil.which("kubectl")
    if program is None:
        raise ClusterError("kubectl is not in the development environment", fix="make venv")
    return (program, f"--kubeconfig={cluster.kubeconfig}", "--request-timeout=20s")


def get(cluster: Cluster, path: str) -> Any:
    """Return the answer of the API server to a GET of `path`, decoded."""
    return json.loads(run([*command(cluster), "get", "--raw", path]))


def answers(cluster: Cluster, path: str) -> bool:
    """Tell whether a GET of `path` succeeds."""
    return succeeds([*command(cluster), "get", "--raw", path])


def apply(cluster: Cluster, objects: list[dict[str, Any]]) -> None:
    """Apply the objects on the server's side."""
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    argv = [*command(cluster), "apply", "--server-side", "--force-conflicts", "--filename=-"]
    run(argv, stdin=text, fix="see log/kube-apiserver.log of the cluster's folder")
