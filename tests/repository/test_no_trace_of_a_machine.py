"""No tracked file names a package registry's host or a folder of this machine: both are read where they hold."""

import re

import pytest

from tests.repository import machine, tracked

# The licence's text is not ours to change.
FILES = (".", ":(exclude)LICENSE")


def test_the_machine_has_registries_to_look_for() -> None:
    assert machine.registry_hosts()


@pytest.mark.parametrize("words", [machine.registry_hosts(), machine.own_folders()], ids=["hosts", "folders"])
def test_no_file_names_it(words: frozenset[str]) -> None:
    trace = re.compile("|".join(rf"(?<![\w.-]){re.escape(word)}(?![\w-])" for word in sorted(words)))
    assert [f"{place}: {line.strip()}" for place, line in tracked.lines(*FILES) if trace.search(line)] == []
