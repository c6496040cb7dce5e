"""What the demo decides before it speaks to a cluster."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from examples.demo.install import images_below, unpullable
from examples.demo.kubectl import Object
from examples.demo.screen import Screen


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


def test_the_first_line_does_not_wait_for_torch(root: Path) -> None:
    look = "import sys, examples.demo.__main__; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", look], cwd=root, check=True)


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


class Stream(io.StringIO):
    """What was printed, on a terminal or not. ``reassured`` is set at a sign of life."""

    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal
        self.reassured = threading.Event()

    def isatty(self) -> bool:
        return self.terminal

    def write(self, text: str) -> int:
        written = super().write(text)
        if "still at it" in text:
            self.reassured.set()
        return written


@pytest.mark.parametrize(
    ("stream", "printed"),
    [
        (Stream(terminal=False), r"    pulling  so far\n    pulling  +\d+ s  still at it\n"),
        (Stream(terminal=True), r"    pulling  so far\r {19}\r    pulling  +\d+ s  still at it\r"),
    ],
    ids=["in a file", "on a terminal"],
)
def test_a_step_that_takes_long_says_that_it_goes_on(stream: Stream, printed: str) -> None:
    screen = Screen(stream=stream, patience=0.2)
    with screen.step("slow"), screen.signs_of_life():
        screen.progress("pulling", "so far")
        stream.reassured.clear()  # of what a slow machine may have said before
        assert stream.reassured.wait(10)
    assert re.search(printed, stream.getvalue())
    assert Screen().patience == 10


def test_a_step_that_speaks_for_itself_is_left_to_it_and_the_next_one_has_no_stage_yet() -> None:
    before = set(threading.enumerate())
    stream = Stream(terminal=False)
    screen = Screen(stream=stream, patience=0.2)
    with screen.step("speaks", speaks=True):
        screen.progress("pulling", "all")
        assert not stream.reassured.wait(1)
    with pytest.raises(TimeoutError), screen.step("slow"):
        fail_once(stream.reassured)
    assert re.search(r"==> slow\n +\d+ s  still at it\n", stream.getvalue())
    assert set(threading.enumerate()) <= before, "nothing more is said of a step that failed"


def fail_once(happened: threading.Event) -> None:
    assert happened.wait(10)
    raise TimeoutError
