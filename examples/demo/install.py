"""The operator on a cluster, by Helm from this repository's chart."""

from __future__ import annotations

import json
import shutil
import subprocess

from examples.demo.kubectl import Kubectl, Object
from examples.demo.sentence_model import SYSTEM_NAMESPACE
from examples.demo.target import LOCAL_KUBECONFIG, ROOT

RELEASE = "modelyard"
OWN_IMAGES = ("operator", "runtime", "triton")
CHART = ROOT / "charts" / "modelyard"
WAITING = ("--wait", "--timeout=5m")
ALLOW_INSECURE = "serving.allowInsecureServer=true"


class HelmError(RuntimeError):
    """Helm refused or timed out, in its own words."""


def helm(cluster: Kubectl, *arguments: str) -> str:
    """Return what Helm printed about the cluster's namespace. Raises HelmError."""
    chosen = ["--kube-context", cluster.context] if cluster.context else []
    command = [helm_program(), *chosen, "--namespace", cluster.namespace, *arguments]
    done = subprocess.run(command, env=cluster.environment(), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        message = f"helm {' '.join(arguments)}: {done.stderr.strip()}"
        raise HelmError(message)
    return done.stdout


def helm_program() -> str:
    """Return Helm's path: the one built for the local cluster, or the one on PATH."""
    built = ROOT / ".cluster" / "bin" / "helm"
    found = str(built) if built.exists() else shutil.which("helm")
    if found is None:
        message = "helm is not installed: put Helm 3 on PATH, or run `make cluster`, which builds it"
        raise FileNotFoundError(message)
    return found


def install_operator(cluster: Kubectl, *, images: str | None = None, settings: tuple[str, ...] = ()) -> None:
    """Install or upgrade the operator that a cluster has one of.

    ``images`` is where its nodes find ours (``registry.example.com/modelyard``); ``settings`` are Helm's ``key=value``.
    """
    named = images_below(images) if images else built_images(cluster)
    install_release(cluster.within(SYSTEM_NAMESPACE), RELEASE, settings=(*named, *settings))


def install_release(cluster: Kubectl, release: str, *, settings: tuple[str, ...]) -> None:
    """Install or upgrade a release in the cluster's namespace and wait for its pods. Raises HelmError."""
    given = [f"--set={setting}" for setting in settings]
    try:
        helm(cluster, "upgrade", release, str(CHART), "--install", "--create-namespace", *WAITING, *given)
    except HelmError as error:
        if missing := unpullable(cluster.list("pods")):
            message = (
                f"the nodes can't pull {', '.join(missing)}: build and push the images, and name the place: "
                f"make demo CONTEXT=name IMAGES=registry.example.com/modelyard (docs/how-to/own-cluster.md)\n{error}"
            )
            raise HelmError(message) from error
        raise


def images_below(place: str) -> tuple[str, ...]:
    """Return settings that name our images in a registry, or a folder of one."""
    return tuple(f"images.{name}.repository={place.rstrip('/')}/{name}" for name in OWN_IMAGES)


def built_images(cluster: Kubectl) -> tuple[str, ...]:
    """Return settings that name the images just built, by digest; none for a cluster that isn't ours.

    A node keeps what it has pulled by a tag, and would go on running the code of the first build. Their Triton is old,
    and refused unless it is allowed.
    """
    record = LOCAL_KUBECONFIG.parent / "images.json"
    if cluster.kubeconfig != LOCAL_KUBECONFIG or not record.exists():
        return ()
    refs = {name: str(ref).rpartition("/")[2] for name, ref in json.loads(record.read_text()).items()}
    tags = (f"images.{name}.tag={refs[name].partition(':')[2]}" for name in OWN_IMAGES if name in refs)
    return (*tags, ALLOW_INSECURE)


def unpullable(pods: list[Object]) -> list[str]:
    """Return the images that the kubelet says it can't pull."""
    statuses = [status for pod in pods for status in pod["status"].get("containerStatuses", [])]
    waiting = {status["image"]: status["state"].get("waiting", {}).get("reason") for status in statuses}
    return sorted(image for image, reason in waiting.items() if reason in {"ErrImagePull", "ImagePullBackOff"})


def remove_release(cluster: Kubectl, release: str) -> None:
    """Remove a release and the cluster's namespace, and with it what the chart leaves: the registry's volume."""
    helm(cluster, "uninstall", release, "--wait", "--ignore-not-found")
    cluster.run("delete", "namespace", cluster.namespace, "--ignore-not-found", "--wait", seconds=180)
