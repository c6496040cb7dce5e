"""Triton's side of the backend: ragged requests in, one batch for the engine, answers out in order.

A request that is wrong gets its own error and never spoils its neighbours; a failure of the engine is raised, since
only a raised exception counts as a failure in Triton's metrics.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import triton_python_backend_utils as pb_utils  # Triton's own, in its stub process

# The stub's interpreter ignores PYTHONPATH; `backends/modelyard` is a link to this file's folder in our package.
sys.path.append(str(Path(__file__).resolve().parents[2]))

from modelyard_runtime.backend.decision import Decision
from modelyard_runtime.backend.rows import (
    IDS,
    Answers,
    BadRequest,
    Rows,
    all_padding,
    groups_by_length,
    laid_out,
    padded,
    rows_of,
)
from modelyard_runtime.backend.sessions import Session, open_session


class TritonPythonModel:
    """One instance of a model. Triton makes it in a process of its own and calls ``execute`` with whole batches."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load the version folder and run it once a shape to warm it. Raising here refuses the model, with the reason.

        args: ``model_config`` (JSON of config.pbtxt), ``model_repository`` (the model's folder), ``model_version``.
        """
        parameters = {k: v["string_value"] for k, v in json.loads(args["model_config"])["parameters"].items()}
        folder = Path(args["model_repository"]) / args["model_version"]
        self.decision = Decision.read(folder)
        asked = (parameters["engine"], parameters["precision"])
        if asked != (self.decision.engine, self.decision.precision):
            message = (
                f"config.pbtxt asks for {'/'.join(asked)} but the artifact is {self.decision.engine}/"
                f"{self.decision.precision}: they are not of one revision"
            )
            raise ValueError(message)
        self.session: Session = open_session(folder, self.decision, int(parameters["threads"]))
        for shape in parameters["warmup"].split(","):
            texts, tokens = (int(size) for size in shape.split("x"))
            tokens = min(tokens, self.decision.max_sequence)
            self.session(all_padding(self.decision.inputs, self.decision.pad_token, texts, tokens))

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer a batch of requests, each of any number of texts and any length."""
        checked = [self._checked(request) for request in requests]
        answers = self._answers([entry for entry in checked if isinstance(entry, Rows)])
        responses = []
        for entry in checked:
            if isinstance(entry, BadRequest):
                error = pb_utils.TritonError(str(entry), pb_utils.TritonError.INVALID_ARG)
                responses.append(pb_utils.InferenceResponse(output_tensors=[], error=error))
            else:
                tensor = pb_utils.Tensor(self.decision.output, answers.pop(0))
                responses.append(pb_utils.InferenceResponse(output_tensors=[tensor]))
        return responses

    def _checked(self, request: Any) -> Rows | BadRequest:  # noqa: ANN401 - Triton's class has no types
        given = {name: pb_utils.get_input_tensor_by_name(request, name) for name in self.decision.inputs}
        batch = {name: tensor.as_numpy() for name, tensor in given.items() if tensor is not None}
        for name in given.keys() - batch.keys():  # optional in config.pbtxt, and 0 where a request doesn't say
            batch[name] = np.zeros_like(batch[IDS])
        limits = {"vocabulary": self.decision.vocabulary, "max_sequence": self.decision.max_sequence}
        try:
            return rows_of(batch, **limits)
        except BadRequest as refused:
            return refused

    def _answers(self, batch: list[Rows]) -> list[Answers]:
        """Return the answer to each request, float32 [its texts, size], of tokens [its texts, its tokens, size]."""
        texts = [text for rows in batch for text in rows.texts]
        answers: dict[int, Answers] = {}
        for group in groups_by_length(np.array([len(text[IDS]) for text in texts], dtype=np.int64)):
            found = self.session(padded([texts[i] for i in group], self.decision.pad_token))
            answers.update(zip(group.tolist(), found, strict=True))
        whole, start = [], 0
        for rows in batch:
            whole.append(laid_out(rows, [answers[start + i] for i in range(len(rows.lengths))]))
            start += len(rows.lengths)
        return whole
