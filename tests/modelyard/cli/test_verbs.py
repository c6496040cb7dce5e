"""The command line: what users type, and what they are told when it can't be done."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import modelyard
from modelyard.cli import VERBS, main
from modelyard.cli import oci_options as options
from tests.servers.registry import RunningRegistry, running_registry


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    with running_registry(tmp_path_factory.mktemp("registry")) as registry:
        yield registry


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model folder."""
    folder = tmp_path / "my-model"
    (folder / "1_Pooling").mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "1_Pooling" / "config.json").write_text('{"pooling": "mean"}')
    (folder / "model.safetensors").write_bytes(bytes(range(256)) * 100)
    return folder


def test_help_is_there_at_once_and_imports_no_verb() -> None:
    """In processor seconds, start of Python included: other work on the machine must not decide it."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV")}

    def seconds() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-m", "modelyard", "--help"]
        subprocess.run(command, check=True, capture_output=True, env=environment)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(seconds() for _ in range(5)) < 0.25
    script = "import sys; from modelyard.cli import _parser; _parser(['--help']); print(sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout
    assert not {name for name in ("kopf", "pydantic", "httpx", "aiohttp") if f"'{name}'" in loaded}


def test_every_verb_says_what_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    for verb in VERBS:
        with pytest.raises(SystemExit) as ended:
            main([verb, "--help"])
        assert ended.value.code == 0
        assert VERBS[verb][1:20] in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["version"]) == 0
    assert capsys.readouterr().out == f"{modelyard.__version__}\n"


def test_an_unknown_verb_names_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["psuh"])
    assert ended.value.code == 2
    assert "choose from" in capsys.readouterr().err


def test_a_folder_comes_back_as_it_was_pushed_with_the_configuration_beside_it(
    registry: RunningRegistry, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["push", str(folder), f"oci://{registry.host}/models/mine:1", "--plain-http"]) == 0
    pushed = capsys.readouterr().out.strip()
    assert pushed.startswith(f"{registry.host}/models/mine@sha256:")
    assert main(["push", str(folder), f"oci://{registry.host}/models/again:2", "--plain-http"]) == 0
    assert capsys.readouterr().out.strip().partition("@")[2] == pushed.partition("@")[2]  # the same bytes anywhere
    config, target = tmp_path / "config.pbtxt", tmp_path / "repository" / "mine"
    config.write_text('name: "mine"')
    assert main(["pull", pushed, str(target), "--config", str(config), "--plain-http"]) == 0
    assert "3 files" in capsys.readouterr().out
    for file in (path for path in folder.rglob("*") if path.is_file()):
        assert (target / file.relative_to(folder)).read_bytes() == file.read_bytes()
    assert (target / "config.pbtxt").read_text() == 'name: "mine"'


def test_an_adapter_is_pushed_as_a_model_is(registry: RunningRegistry, tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text("{}")
    assert main(["push", str(tmp_path), f"oci://{registry.host}/adapters/mine:1", "--plain-http"]) == 0


def test_long_transfers_tell_how_far_they_are(
    registry: RunningRegistry, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(options, "TELL_SECONDS", 0.0)
    assert main(["push", str(folder), f"oci://{registry.host}/models/told:1", "--plain-http"]) == 0
    assert "pushing my-model: 0.0 of 0.0 MiB (100%)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["push", "{tmp}/absent", "oci://{host}/m:1"], "is no folder; name the one that holds"),
        (["push", "{tmp}", "oci://{host}/m:1"], "has no config.json; save the model with save_pretrained()"),
        (["push", "{folder}", "mine"], "write HOST/REPOSITORY:TAG"),
        (["push", "{folder}", "oci://{host}/m@sha256:" + "0" * 64], "has no tag to push to"),
        (["push", "{folder}", "oci://127.0.0.1:1/m:1"], "add --plain-http"),
        (["pull", "{host}/m:absent", "{tmp}/out", "--plain-http"], "has no absent"),
        (["run", "--settings", "{tmp}/absent.json"], "set MODELYARD_SETTINGS"),
    ],
)
def test_a_mistake_is_told_in_one_line_with_its_fix(
    arguments: list[str],
    told: str,
    registry: RunningRegistry,
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = [word.format(tmp=tmp_path, folder=folder, host=registry.host) for word in arguments]
    assert main(given) == 1
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1
    assert error.startswith("modelyard: ")


@pytest.mark.parametrize(
    ("reference", "reason", "message"),
    [
        ("{host}/models/lost@sha256:" + "0" * 64, "ArtifactGone", "{host}/models/lost has no sha256:000"),
        ("127.0.0.1:1/m:1", "RegistryUnreachable", "127.0.0.1:1"),
        ("{host}/models/kept:1", "PodsNotReady", "give it room and write access"),
    ],
)
def test_a_pull_that_fails_leaves_word_for_the_kubelet(
    reference: str,
    reason: str,
    message: str,
    registry: RunningRegistry,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (log := tmp_path / "termination-log").write_text("")
    monkeypatch.setenv("MODELYARD_TERMINATION_LOG", str(log))
    main(["push", str(folder), f"oci://{registry.host}/models/kept:1", "--plain-http"])
    given = reference.format(host=registry.host)
    assert main(["pull", given, str(log / "below"), "--plain-http"]) == 1
    words = json.loads(log.read_text())
    assert words["reason"] == reason
    assert message.format(host=registry.host) in words["message"]
    assert "--plain-http" not in words["message"], "that is for a person's shell"


def test_a_pull_on_a_persons_machine_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELYARD_TERMINATION_LOG", str(tmp_path / "absent"))
    assert main(["pull", "127.0.0.1:1/m:1", str(tmp_path / "out"), "--plain-http"]) == 1
    assert not (tmp_path / "absent").exists()


def test_a_registry_that_asks_for_a_password(
    tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    account = "modelyard:$2y$05$Ry3ACpaFUp6jkIsuLrXG..iFHf9WUCNR7sQUPeuzxTQGhO7sK/p8i"
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with running_registry(tmp_path / "registry", htpasswd=account) as registry:
        assert main(["push", str(folder), f"oci://{registry.host}/m:1", "--plain-http"]) == 1
    assert "DOCKER_CONFIG" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written(
    registry: RunningRegistry, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reference = f"{registry.host}/models/full:1"
    main(["push", str(folder), f"oci://{reference}", "--plain-http"])
    (tmp_path / "file").write_text("")
    assert main(["pull", reference, str(tmp_path / "file" / "below"), "--plain-http"]) == 1
    assert "give it room and write access" in capsys.readouterr().err


@pytest.mark.parametrize(("number", "code"), [("SIGTERM", 143), ("SIGINT", 130)])
def test_a_signal_ends_a_transfer_at_once(number: str, code: int, tmp_path: Path) -> None:
    """As the first process of a container, where SIGTERM has no default action."""
    script = (
        "import os, signal, sys\n"
        "from modelyard.cli import main, push\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # ignored, where the tests run in the background
        f"push.run = lambda _: os.kill(os.getpid(), signal.{number}) or signal.pause()\n"
        "sys.exit(main(['push', 'a', 'b']))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=20, check=False, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (code, b"")
