"""kubectl against one explicit kubeconfig and context: what is in the environment is never used."""

from __future__ import annotations

import atexit
import codecs
import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Self

Object = dict[str, Any]
"""A Kubernetes object as JSON."""


class KubectlError(RuntimeError):
    """A kubectl call failed: its command line without secrets, and what it said."""

    def __init__(self, arguments: tuple[str, ...], stderr: str) -> None:
        """Keep what was asked and what kubectl answered."""
        super().__init__(f"kubectl {' '.join(arguments)}: {stderr.strip()}")
        self.stderr = stderr


def tool(name: str) -> str:
    """Return the path of ``name``, the one of this Python environment before the one on PATH."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        message = f"{name} is not installed: run `make setup venv`"
        raise FileNotFoundError(message)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Kubectl:
    """One cluster, and the namespace that calls are about unless they name another."""

    kubeconfig: Path
    context: str | None = None
    namespace: str = "default"

    def within(self, namespace: str) -> Self:
        """Return the same cluster with another namespace."""
        return replace(self, namespace=namespace)

    def environment(self) -> dict[str, str]:
        """Return the environment of a child: an inherited KUBECONFIG is replaced by ours."""
        return {**os.environ, "KUBECONFIG": str(self.kubeconfig)}

    def command(self, *arguments: str) -> list[str]:
        """Return the whole command line."""
        chosen = ["--context", self.context] if self.context else []
        return [tool("kubectl"), *chosen, "--namespace", self.namespace, *arguments]

    def run(self, *arguments: str, stdin: str | None = None, seconds: float = 60) -> str:
        """Return what kubectl printed. Raises KubectlError when it failed or took longer than ``seconds``."""
        try:
            done = subprocess.run(
                self.command(*arguments),
                env=self.environment(),
                input=stdin,
                text=True,
                capture_output=True,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise KubectlError(arguments, f"no answer in {seconds:g} s") from error
        if done.returncode != 0:
            raise KubectlError(arguments, done.stderr)
        return done.stdout

    def get(self, kind: str, name: str) -> Object | None:
        """Return the object, or None if there is none of that name."""
        text = self.run("get", kind, name, "--output=json", "--ignore-not-found")
        return json.loads(text) if text.strip() else None

    def list(self, kind: str, selector: str | None = None) -> list[Object]:
        """Return the objects of a kind, those with the labels where a selector is given."""
        chosen = [f"--selector={selector}"] if selector else []
        items: list[Object] = json.loads(self.run("get", kind, *chosen, "--output=json"))["items"]
        return items

    def apply(self, *objects: Object) -> None:
        """Apply objects. Raises KubectlError with the API server's words when it refuses one."""
        manifest = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
        self.run("apply", "--filename=-", stdin=manifest)

    def watch(self, kind: str, name: str, *, seconds: float) -> Iterator[Object]:
        """Yield the object as it is and after each change, for ``seconds``; survives a lost connection."""
        yield from self.watch_all(kind, f"--field-selector=metadata.name={name}", seconds=seconds)

    def watch_all(self, kind: str, which: str, *, seconds: float) -> Iterator[Object]:
        """Yield each object that the flag ``which`` selects, likewise."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            started = time.monotonic()
            yield from self._stream(kind, which, seconds=left)
            # An API server that is away answers at once: without this wait the loop would spin.
            if time.monotonic() - started < 1:
                time.sleep(0.5)

    def _stream(self, kind: str, which: str, *, seconds: float) -> Iterator[Object]:
        command = self.command("get", kind, which, "--output=json", "--watch")
        with running(command, env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
            yield from _documents(child, seconds)

    def lines(self, *arguments: str, seconds: float) -> Iterator[str]:
        """Yield what a long call prints, line by line, for at most ``seconds`` (``logs --follow``)."""
        command = self.command(*arguments)
        with running(command, env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
            text = ""
            for chunk in _chunks(child, seconds):
                *whole, text = (text + chunk).split("\n")
                yield from whole

    def wait(self, kind: str, name: str, condition: Callable[[Object], bool], *, seconds: float, what: str) -> Object:
        """Return the object once ``condition`` holds. Raises TimeoutError that tells the last status seen."""
        last: Object | None = None
        for last in self.watch(kind, name, seconds=seconds):
            if condition(last):
                return last
        status = "never seen" if last is None else json.dumps(last.get("status", {}), indent=1)
        message = f"{kind}/{name} is not {what} after {seconds:g} s; its status: {status}"
        raise TimeoutError(message)


@contextmanager
def running(command: list[str], **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Run a child for the length of the block, then end it. A daemon thread's block never ends: its child does."""
    child = subprocess.Popen(command, **options)
    end = partial(_end, child)
    atexit.register(end)
    try:
        yield child
    finally:
        atexit.unregister(end)
        child.terminate()
        with suppress(subprocess.TimeoutExpired):
            child.wait(5)
        child.kill()
        child.wait()
        if child.stdout:
            child.stdout.close()


def _end(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    child.wait()


def _chunks(child: subprocess.Popen[bytes], seconds: float) -> Iterator[str]:
    """Yield output as it comes until the child ends or the time is up."""
    assert child.stdout is not None  # noqa: S101 - opened by us with a pipe
    deadline = time.monotonic() + seconds
    descriptor = child.stdout.fileno()
    decoder = codecs.getincrementaldecoder("utf-8")()  # a read may end in the middle of a character
    while (left := deadline - time.monotonic()) > 0:
        readable, _, _ = select.select([descriptor], [], [], left)
        chunk = os.read(descriptor, 65536) if readable else b""
        if not chunk:
            return
        yield decoder.decode(chunk)


def _documents(child: subprocess.Popen[bytes], seconds: float) -> Iterator[Object]:
    """Yield the JSON documents that stand one after the other in the child's output."""
    decoder, text = json.JSONDecoder(), ""
    for chunk in _chunks(child, seconds):
        text += chunk
        while text := text.lstrip():
            try:
                document, end = decoder.raw_decode(text)
            except json.JSONDecodeError:
                break
            text = text[end:]
            yield document
