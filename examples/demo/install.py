"""The operator on a cluster, by Helm from this repository's chart."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from examples.demo.kubectl import Kubectl, tool
from examples.demo.sentence_model import SYSTEM_NAMESPACE
from examples.demo.target import LOCAL_KUBECONFIG, ROOT

RELEASE = "modelyard"
OWN_IMAGES = ("operator", "runtime", "triton")
CHART = ROOT / "charts" / "modelyard"


class HelmError(RuntimeError):
    """Helm refused or timed out, in its own words."""


def helm(cluster: Kubectl, *arguments: str) -> str:
    """Return what Helm printed. Raises HelmError."""
    chosen = ["--kube-context", cluster.context] if cluster.context else []
    command = [helm_program(), *chosen, "--namespace", SYSTEM_NAMESPACE, *arguments]
    done = subprocess.run(command, env=cluster.environment(), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        message = f"helm {' '.join(arguments)}: {done.stderr.strip()}"
        raise HelmError(message)
    return done.stdout


def helm_program() -> str:
    """Return Helm's path: the one built for the local cluster, or the one on PATH."""
    built = ROOT / ".cluster" / "bin" / "helm"
    return str(built) if built.exists() else tool("helm")


def install_operator(cluster: Kubectl, *, values: tuple[Path, ...] = (), settings: tuple[str, ...] = ()) -> None:
    """Install or upgrade the release and wait for its pods. ``settings`` are Helm's ``key=value``."""
    settings = (*built_images(cluster), *settings)
    given = [f"--values={path}" for path in values] + [f"--set={setting}" for setting in settings]
    helm(
        cluster,
        "upgrade",
        RELEASE,
        str(CHART),
        "--install",
        "--create-namespace",
        "--wait",
        "--timeout=5m",
        *given,
    )


def built_images(cluster: Kubectl) -> tuple[str, ...]:
    """Return settings that name the images just built, by digest; none for a cluster that isn't ours.

    A node keeps what it has pulled by a tag, and would go on running the code of the first build.
    """
    record = LOCAL_KUBECONFIG.parent / "images.json"
    if cluster.kubeconfig != LOCAL_KUBECONFIG or not record.exists():
        return ()
    refs = {name: str(ref).rpartition("/")[2] for name, ref in json.loads(record.read_text()).items()}
    return tuple(f"images.{name}.tag={refs[name].partition(':')[2]}" for name in OWN_IMAGES if name in refs)


def remove_operator(cluster: Kubectl) -> None:
    """Remove the release and its namespace."""
    helm(cluster, "uninstall", RELEASE, "--wait", "--ignore-not-found")
    cluster.run("delete", "namespace", SYSTEM_NAMESPACE, "--ignore-not-found", "--wait", seconds=180)
