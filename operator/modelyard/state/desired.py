"""What is wanted of a model: its spec, the command on it, and what the operator's settings add."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from modelyard.api.model import OptimizedModelSpec
from modelyard.api.pod import ResourcesSpec
from modelyard.api.status import OptimizedModelStatus
from modelyard.errors import InvalidCommand, SpecNotUnderstood


@dataclass(frozen=True, slots=True, kw_only=True)
class Images:
    """The images that a new resolution takes."""

    operator: str
    runtime: str
    triton: str
    envoy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """Where artifacts live: ``push`` for the Job's publish, ``pull`` for pods. host[:port][/path], no scheme."""

    push: str
    pull: str
    plain_http: bool = False
    pull_secret: str | None = None  # a dockerconfigjson Secret that is in every model's namespace


_BUILD_RESOURCES = ResourcesSpec(requests={"cpu": "500m", "memory": "2Gi"}, limits={"memory": "4Gi"})
_SERVING_RESOURCES = ResourcesSpec(requests={"cpu": "200m", "memory": "512Mi"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """The operator's settings, as far as planning needs them."""

    images: Images
    registry: Registry
    hugging_face_endpoint: str = "https://huggingface.co"
    build_resources: ResourcesSpec = _BUILD_RESOURCES
    serving_resources: ResourcesSpec = _SERVING_RESOURCES
    cluster_domain: str = "cluster.local"
    drain_seconds: int = 15
    allow_insecure_server: bool = False
    retire_delay: timedelta = timedelta(seconds=30)


class Verb(StrEnum):
    """What a person may command through the annotation."""

    PROMOTE = "promote"
    PROMOTE_FULL = "promote-full"
    ABORT = "abort"
    PAUSE = "pause"
    RESUME = "resume"
    RETRY = "retry"
    ROLLBACK = "rollback"
    REFRESH = "refresh"


IN_USE = (Verb.PROMOTE, Verb.RETRY, Verb.ROLLBACK, Verb.REFRESH)
"""Those that mean something in a roll-out of one step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command, as written: ``<verb> <revision> <nonce>``."""

    verb: Verb
    revision: str
    raw: str


LONGEST_COMMAND = 200
"""Characters. A verb and a revision are short, and whatever a nonce is made of (a time, a commit) is too."""


def command_from(annotation: str) -> Command:
    """Return the command in the annotation's text. Raises InvalidCommand."""
    words = annotation.split()
    brief = len(annotation) <= LONGEST_COMMAND
    if not brief or len(words) != 3 or words[0] not in set(Verb):  # noqa: PLR2004 - verb, revision, nonce
        begins = annotation if brief else f"{annotation[:LONGEST_COMMAND]}..."
        message = f"{begins!r} is no command; write '<verb> <revision> <nonce>', verb one of {', '.join(IN_USE)}"
        raise InvalidCommand(message)
    return Command(verb=Verb(words[0]), revision=words[1], raw=annotation)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """An OptimizedModel as read. ``spec`` is an error where this version can't read it: then nothing is done."""

    namespace: str
    name: str
    uid: str
    generation: int
    spec: OptimizedModelSpec | SpecNotUnderstood
    status: OptimizedModelStatus  # as last written; empty at first
    command: Command | InvalidCommand | None  # the annotation, unless status.lastHandledCommand names it
    command_text: str  # the annotation as status.lastHandledCommand names it, "" if none
    deleting: bool
    defaults: Defaults
