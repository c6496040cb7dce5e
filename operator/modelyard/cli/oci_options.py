"""What the verbs that speak to a registry share: the reference, credentials, plain HTTP, and progress."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from modelyard.errors import ModelyardError

if TYPE_CHECKING:
    from modelyard.oci.artifact import Advance
    from modelyard.oci.client import Repository

MIB = 1 << 20
TELL_SECONDS = 2.0


class RegistryProblem(ModelyardError):
    """What a registry, or the reference to it, stood in the way with."""


def add_plain_http(parser: argparse.ArgumentParser) -> None:
    """Take ``--plain-http``."""
    parser.add_argument("--plain-http", action="store_true", help="speak HTTP, not HTTPS, to this registry")


@contextmanager
def repository(reference: str, *, plain_http: bool) -> Iterator[Repository]:
    """Open the repository of ``reference``, with credentials from $DOCKER_CONFIG or ~/.docker.

    Whatever goes wrong with the registry within the block is raised as RegistryProblem.
    """
    from modelyard.oci.client import Repository
    from modelyard.oci.credentials import credentials_for
    from modelyard.oci.errors import RegistryError, RegistryUnauthorized, RegistryUnreachable
    from modelyard.oci.reference import Reference

    try:
        place = Reference.parse(reference)
        with Repository(place, plain_http=plain_http, credentials=credentials_for(place.registry)) as opened:
            yield opened
    except RegistryUnauthorized as error:
        fix = "log in with `docker login`, or let DOCKER_CONFIG name the folder of a config.json"
        raise RegistryProblem(f"{error}; {fix}") from error
    except RegistryUnreachable as error:
        hint = "" if plain_http else "; for a registry without TLS add --plain-http"
        raise RegistryProblem(f"{error}{hint}") from error
    except RegistryError as error:
        raise RegistryProblem(str(error)) from error


@contextmanager
def progress(what: str, total: int) -> Iterator[Advance]:
    """Tell on standard error how many of ``total`` bytes are done, every two seconds while it takes longer."""
    started = told = time.monotonic()
    done = 0

    def advance(size: int) -> None:
        nonlocal done, told
        done += size
        now = time.monotonic()
        if now - told >= TELL_SECONDS:
            told = now
            percent = 100 * done // max(total, 1)
            so_far = f"{done / MIB:.1f} of {total / MIB:.1f} MiB ({percent}%)"
            print(f"{what}: {so_far}, {now - started:.0f} s", file=sys.stderr)

    yield advance
