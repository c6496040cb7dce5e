"""Whoever types what the documents say finds the targets, files and options that they name."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from examples.demo.kubectl import tool
from modelyard.cli import main
from tests.repository.documented import Command, calls, commands, commands_in
from tests.repository.tracked import ROOT, paths

TARGET = re.compile(r"^([a-z0-9-]+):(?!=)", re.MULTILINE)
FOLDERS = {path.relative_to(ROOT).parts[0] for path in paths(".") if path.parent != ROOT}


def test_the_documents_are_read() -> None:
    """None of the tests below means anything if the commands aren't found, those of fenced blocks among them."""
    found = {str(command) for command in commands("make", "kubectl")}
    assert found >= {
        "README.md: make setup",
        "README.md: make demo-down",
        "CONTRIBUTING.md: make venv",
        "docs/how-to/develop.md: make lint",
        "docs/how-to/push.md: kubectl --namespace modelyard-system port-forward service/modelyard-registry 5001",
    }
    assert all(commands(program) for program in ("modelyard", "docker", "buildah", "helm", "pytest"))


def test_calls_are_found_wherever_they_stand_in_a_line() -> None:
    line = "export A=$PWD B=c:$PATH\nfor i in a b; do\n  X=1 one --x='y z' \\\n    | two $(three 4) # make no\n"
    assert [*calls(line)] == [["for", "i", "in", "a", "b"], ["one", "--x=y z"], ["two", "$"], ["three", "4"]]


def test_code_in_the_text_counts_and_other_languages_do_not() -> None:
    text = "Say `make lint`, not `no make`.\n```yaml\nmake: no\n```\n```\nmake test A=1\n```\n"
    found = sorted(command.words for command in commands_in(Path(), text))
    assert found == [("lint",), ("test", "A=1")]


@pytest.mark.parametrize("command", commands("make"), ids=str)
def test_make_has_the_target_and_reads_the_variable(command: Command) -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(TARGET.findall(makefile))
    for word in command.words:
        variable, equals, _ = word.partition("=")
        assert f"$({variable})" in makefile or f"$(or $({variable})," in makefile if equals else word in targets, word


@pytest.mark.parametrize("command", commands("docker", "buildah", "helm", "pytest", "python"), ids=str)
def test_the_files_that_are_named_are_there(command: Command) -> None:
    for word in command.words:
        path = re.sub(r"\$\w+", "*", word.rpartition("=")[2].partition("::")[0])
        if Path(path).parts[:1] and Path(path).parts[0] in FOLDERS:
            assert list(ROOT.glob(path)), path


STOPS_AT = {"build": "model.yaml can't be read", "push": "FOLDER is no folder", "report": "is no reference"}
"""What each verb says of the words that stand for the reader's own, once it understood the others."""


@pytest.mark.parametrize("command", commands("modelyard"), ids=str)
def test_modelyard_understands_it(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command.words) == 1
    assert STOPS_AT[command.words[0]] in capsys.readouterr().err


@pytest.fixture(scope="module")
def common_options() -> str:
    """What every call of kubectl takes."""
    return kubectl("options")


@pytest.mark.parametrize("command", [each for each in commands("kubectl") if each.flags], ids=str)
def test_kubectl_knows_the_options(command: Command, common_options: str) -> None:
    known = kubectl(verb(command), "--help") + common_options
    assert [flag for flag in command.flags if not re.search(rf"{flag}[=, \[]", known)] == []


def verb(command: Command) -> str:
    """Return the first word that is no option and no option's value; those before the verb take one each."""
    words = iter(command.words)
    for word in words:
        if not word.startswith("--"):
            return word
        if "=" not in word:
            next(words)
    raise AssertionError(f"{command} has no verb")


def kubectl(*arguments: str) -> str:
    return subprocess.run([tool("kubectl"), *arguments], capture_output=True, text=True, check=True).stdout
