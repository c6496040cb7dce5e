"""Everything this package raises on purpose.

::

    ModelyardError
    ├── InvalidSpec          a field can't be honoured; says which, why, and the fix
    ├── SpecNotUnderstood    stored by a newer version: a field or a value this one doesn't know
    ├── SnapshotUnreadable   a ControllerRevision that this version can't read
    └── InvalidCommand       the command annotation isn't ``<verb> <revision> <nonce>``
"""

from __future__ import annotations


class ModelyardError(Exception):
    """Base of the tree: a message that a user can act on."""


class InvalidSpec(ModelyardError):
    """A field that can't be honoured. ``fix`` is what to write instead."""

    def __init__(self, field: str, problem: str, *, fix: str) -> None:
        """Say ``field`` by its path in the manifest (``spec.source.oci.ref``)."""
        super().__init__(f"{field}: {problem}; {fix}")
        self.field = field
        self.problem = problem
        self.fix = fix


class SpecNotUnderstood(ModelyardError):
    """An object that a newer version stored: nothing is done with it."""


class SnapshotUnreadable(ModelyardError):
    """A ControllerRevision's data is not a snapshot that this version can read."""


class InvalidCommand(ModelyardError):
    """The annotation ``modelyard.dev/command`` can't be read."""
