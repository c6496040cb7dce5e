"""What the demo decides before it speaks to a cluster."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from examples.demo.install import images_below, unpullable
from examples.demo.kubectl import Object


def test_our_images_are_looked_for_where_the_user_pushed_them() -> None:
    assert images_below("registry.example.com:5000/team/") == (
        "images.operator.repository=registry.example.com:5000/team/operator",
        "images.runtime.repository=registry.example.com:5000/team/runtime",
        "images.triton.repository=registry.example.com:5000/team/triton",
    )


def pod(image: str, **state: Object) -> Object:
    return {"status": {"containerStatuses": [{"image": image, "state": state}]}}


def test_images_that_the_nodes_cannot_pull_are_named_once() -> None:
    pods = [
        pod("r/operator:1", waiting={"reason": "ImagePullBackOff"}),
        pod("r/operator:1", waiting={"reason": "ErrImagePull"}),
        pod("r/registry:1", running={"startedAt": "now"}),
        pod("r/other:1", waiting={"reason": "CrashLoopBackOff"}),
        {"status": {"phase": "Pending"}},
    ]
    assert unpullable(pods) == ["r/operator:1"]


def test_images_of_ones_own_go_with_a_cluster_of_ones_own(root: Path) -> None:
    """The local cluster has its images from `make images`: another place would be ignored without a word."""
    command = [sys.executable, "-m", "examples.demo", "--images=registry.example.com/modelyard"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--images goes with --context" in done.stderr


@pytest.mark.parametrize("verb", ["up", "down"])
def test_an_unknown_context_is_refused_by_name(root: Path, tmp_path: Path, verb: str) -> None:
    """CONTEXT means a context of the user's own kubeconfig, and nothing else."""
    (tmp_path / ".kube").mkdir()
    (tmp_path / ".kube" / "config").write_text(
        "{kind: Config, apiVersion: v1, contexts: [{name: mine, context: {cluster: c, user: u}}]}"
    )
    command = [sys.executable, "-m", "examples.demo", verb, "--context=theirs"]
    environment = {**os.environ, "HOME": str(tmp_path), "KUBECONFIG": "/nowhere"}
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "has no context 'theirs', it has: mine" in done.stdout


LEAVES_A_CHILD = """
import threading
from examples.demo.kubectl import running

begun = threading.Event()


def watch():
    with running(["sleep", "60"]) as child:
        print(child.pid, flush=True)
        begun.set()
        child.wait()


threading.Thread(target=watch, daemon=True).start()
begun.wait(10)
"""


def test_what_a_thread_still_watches_ends_with_the_demo(root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LEAVES_A_CHILD], cwd=root, capture_output=True, text=True, timeout=60, check=True
    )
    assert not Path(f"/proc/{int(done.stdout)}").exists()
