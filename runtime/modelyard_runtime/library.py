"""The Python API: ``optimize(model) -> Artifact``, the same build that a Job runs, on this machine."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import weakref
from collections.abc import Mapping
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from modelyard.api.model import OptimizedModelSpec
from modelyard.contract.report import BuildReport
from modelyard.errors import ModelyardError
from modelyard.local.build import MODEL_FOLDER, Built, NotPossible, build, read_built
from modelyard.local.inputs import Inputs
from modelyard.local.source import of_folder
from modelyard.local.steps import BuildStopped
from modelyard_runtime.backend.decision import Decision
from modelyard_runtime.backend.rows import IDS, MASK, TYPES, Answers, laid_out, rows_of
from modelyard_runtime.backend.sessions import Session, open_session
from modelyard_runtime.repository import VERSION

log = logging.getLogger("modelyard")


class NotProven(ModelyardError):
    """What was built does not pass the gates. ``artifact`` is there all the same, to be looked at."""

    def __init__(self, artifact: Artifact, message: str) -> None:
        """Say which figures."""
        super().__init__(message)
        self.artifact = artifact


class Saved(Protocol):
    """A model or a tokenizer of transformers, or a model of sentence-transformers."""

    def save_pretrained(self, save_directory: str) -> object:
        """Write it into a folder."""


class Artifact:
    """A built model: called like the original, with its report, and saved where it is kept."""

    def __init__(self, built: Built) -> None:
        """Take what a build wrote."""
        self._built = built

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Return the artifact that ``save`` or ``modelyard build`` wrote. Raises NotPossible."""
        return cls(read_built(Path(folder)))

    def save(self, folder: str | Path) -> Self:
        """Copy it into a folder that is not there yet; returns that copy. Raises FileExistsError."""
        shutil.copytree(self._built.folder, folder)
        return self.load(folder)

    @property
    def digest(self) -> str:
        """Return ``sha256:...``: that of the image which a Job would push for these files."""
        return self._built.digest

    @property
    def report(self) -> BuildReport:
        """Return what was measured."""
        return self._built.report

    def __call__(
        self,
        input_ids: npt.ArrayLike,
        attention_mask: npt.ArrayLike | None = None,
        token_type_ids: npt.ArrayLike | None = None,
    ) -> Answers:
        """Answer texts as tokens, int64 [batch, sequence]; returns float32 [batch, size].

        A tagger's answers are [batch, sequence, size], 0 where there is padding.

        attention_mask: 0 where there is padding; without it there is none. token_type_ids: 1 for the second text of a
        pair; without it there is one text, and a model that doesn't read it is not told. Raises BadRequest.
        """
        decision, ids = self._decision, np.asarray(input_ids, dtype=np.int64)
        given = {IDS: ids, MASK: attention_mask, TYPES: token_type_ids}
        absent = {MASK: np.ones_like(ids), TYPES: np.zeros_like(ids)}
        batch = {
            name: absent[name] if given[name] is None else np.asarray(given[name], dtype=np.int64)
            for name in decision.inputs
        }
        rows = rows_of(batch, vocabulary=decision.vocabulary, max_sequence=decision.max_sequence)
        return laid_out(rows, list(self._session(batch)))

    @property
    def _version(self) -> Path:
        return self._built.folder / MODEL_FOLDER / VERSION

    @cached_property
    def _decision(self) -> Decision:
        return Decision.read(self._version)

    @cached_property
    def _session(self) -> Session:
        return open_session(self._version, self._decision, len(os.sched_getaffinity(0)))


def optimize(
    model: Saved | str | Path,
    tokenizer: Saved | None = None,
    *,
    engine: str = "Auto",
    precision: str = "Auto",
    gates: Mapping[str, Any] | None = None,
    **spec: Any,
) -> Artifact:
    """Convert a model, prove it and measure it, in processes of their own on this machine.

    model: a folder as ``save_pretrained`` writes it, or a model that has that method, with its ``tokenizer`` unless it
    saves one itself. engine, precision, gates and everything further (task, ...) are fields of an OptimizedModel's
    spec; engine and precision are those of its ``optimization``. Progress goes to the logger ``modelyard``.

    Raises NotProven where a gate is not passed, NotPossible for what can't be honoured, BuildStopped where a step
    fails: ModelyardErrors all, whose messages say the fix.
    """
    wanted = _spec({"engine": engine, "precision": precision}, gates or {}, spec)
    folder = Path(tempfile.mkdtemp(prefix="modelyard-"))
    with ExitStack() as left_behind:
        left_behind.callback(shutil.rmtree, folder)
        source = _saved(model, tokenizer, folder / "source")
        try:
            built = build(wanted, Inputs(source=of_folder(source)), folder / "built", log.info)
        except BuildStopped:
            left_behind.pop_all()  # its message may name a step's log, which lies there
            raise
        left_behind.pop_all()
    artifact = Artifact(built)
    weakref.finalize(artifact, shutil.rmtree, folder)
    proof = built.proof(wanted)
    if not proof.passed:
        raise NotProven(artifact, f"{proof.finding.reason}: {proof.finding.message}")
    return artifact


def _spec(choice: Mapping[str, str], gates: Mapping[str, Any], rest: Mapping[str, Any]) -> OptimizedModelSpec:
    """Return the spec; where its source is, is given apart. Raises NotPossible for what is no field."""
    optimization = {**rest.get("optimization", {}), **choice}
    fields = {"source": {}, **rest, "optimization": optimization, "gates": dict(gates)}
    try:
        wanted = OptimizedModelSpec.model_validate(fields)
    except ValidationError as error:
        raise NotPossible("; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())) from error
    left_out = "source" if "source" in rest else "gates.dataset" if wanted.gates.dataset else ""
    if left_out:
        fix = "write a manifest, and build it with `modelyard build`; adapters can be merged before, by PEFT"
        raise NotPossible(f"{left_out} is nothing that a model in Python is built with; {fix}")
    return wanted


def _saved(model: Saved | str | Path, tokenizer: Saved | None, folder: Path) -> Path:
    """Return the folder of a model's files, written to ``folder`` where there is none yet."""
    if isinstance(model, str | Path):
        return Path(model).resolve()
    for part in (model, tokenizer):
        if part is not None:
            part.save_pretrained(str(folder))
    return folder
