"""What Triton is told of a model's tensors, by its task."""

from __future__ import annotations

import json

import pytest

from modelyard.api.status import BuildResult
from modelyard.contract.choices import INPUTS, SUPPORTED_TASKS, TOKEN_TYPES, Engine, Precision, Task
from modelyard.manifests.configmap import revision_config
from modelyard.manifests.metadata import model_owner
from modelyard.manifests.triton_config import TritonModel, triton_config
from modelyard.planner.revisions import revision_of
from tests.modelyard.manifests.samples import snapshot
from tests.modelyard.planner.results import built


def config(task: Task, inputs: tuple[str, ...] = INPUTS) -> str:
    return triton_config(
        TritonModel(
            name="m",
            task=task,
            inputs=inputs,
            engine=Engine.ONNX_RUNTIME,
            precision=Precision.FP32,
            instances=1,
            threads=1,
            max_batch_size=8,
            queue_delay_microseconds=0,
            queue_size=8,
            warmup=((1, 8),),
        )
    )


@pytest.mark.parametrize(
    ("task", "output"),
    [
        (Task.EMBEDDING, 'name: "embedding" data_type: TYPE_FP32 dims: [ -1 ]'),
        (Task.CLASSIFICATION, 'name: "logits" data_type: TYPE_FP32 dims: [ -1 ]'),
        (Task.TOKEN_CLASSIFICATION, 'name: "logits" data_type: TYPE_FP32 dims: [ -1, -1 ]'),
        (Task.RERANKING, 'name: "logits" data_type: TYPE_FP32 dims: [ 1 ]'),
    ],
)
def test_each_task_has_its_output(task: Task, output: str) -> None:
    assert f"output {{ {output} }}" in config(task)


@pytest.mark.parametrize("task", SUPPORTED_TASKS)
def test_texts_of_all_lengths_share_a_batch(task: Task) -> None:
    text = config(task, (*INPUTS, TOKEN_TYPES))
    assert text.count("allow_ragged_batch: true") == 3


def test_a_name_out_of_a_report_stays_a_name() -> None:
    forged = 'a" } parameters { key: "EXECUTION_ENV_PATH" value { string_value: "x" } } input { name: "b'
    written = config(Task.EMBEDDING, (forged,))
    assert json.dumps(forged) in written
    assert written.count("EXECUTION_ENV_PATH") == 1


def test_only_who_always_reads_pairs_must_be_told_which_text_a_token_is_of() -> None:
    assert "optional" not in config(Task.RERANKING, (*INPUTS, TOKEN_TYPES))
    assert config(Task.CLASSIFICATION, (*INPUTS, TOKEN_TYPES)).count("optional: true") == 1
    assert TOKEN_TYPES not in config(Task.CLASSIFICATION)


def test_a_revision_reads_what_its_build_found_the_model_to_read() -> None:
    owner = model_owner("n", "reranker", "11111111-1111-1111-1111-111111111111")
    result = built().model_copy(update={"task": "Reranking", "inputs": [*INPUTS, TOKEN_TYPES]})
    written = revision_config(revision_of(owner, snapshot(), result, 1))["data"]["config.pbtxt"]
    assert f'name: "{TOKEN_TYPES}"' in written
    assert "dims: [ 1 ]" in written


def test_a_build_of_the_version_before_reads_what_every_model_reads() -> None:
    before = built().model_dump(mode="json", exclude={"inputs"})
    assert BuildResult.model_validate(before).inputs == [*INPUTS]
