"""Our backend in the real Triton: what clients get, alone, padded, in company, and when they ask nonsense."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from modelyard.contract.choices import Candidate, Precision
from modelyard_runtime.backend.rows import Answers, Tokens
from modelyard_runtime.distances import cosines
from modelyard_runtime.repository import name_of
from modelyard_runtime.tokens import Encoded
from modelyard_runtime.triton import ServerRefused, TritonServer
from tests.candidates import HERE
from tests.runtime.serving.conftest import MOST_TOKENS, Tiny, texts_of
from tests.servers.triton import RunningTriton

LEAST_COSINE = {Precision.FP32: 0.999999, Precision.INT8_WEIGHTS: 0.999, Precision.BF16: 0.9995}


@pytest.fixture(scope="module", params=HERE, ids=name_of)
def candidate(request: pytest.FixtureRequest, triton: RunningTriton) -> Candidate:
    """Each candidate that this CPU can run, loaded."""
    candidate: Candidate = request.param
    with triton.client() as client:
        client.load(name_of(candidate))
    return candidate


def ask(client: TritonServer, candidate: Candidate, ids: Tokens, mask: Tokens | None = None) -> Answers:
    inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids) if mask is None else mask}
    return client.infer(name_of(candidate), inputs, "embedding")


def test_answers_agree_with_the_original(tiny: Tiny, triton: RunningTriton, candidate: Candidate) -> None:
    with triton.client() as client:
        for length in (1, 2, 9, 33, MOST_TOKENS):
            texts = texts_of(length, 4)
            got = ask(client, candidate, np.stack(texts))
            assert got.dtype == np.float32
            wanted = tiny.reference.answers([Encoded.of(ids) for ids in texts])
            assert cosines(wanted, got).min() > LEAST_COSINE[candidate.precision]


def test_padding_and_company_change_nothing(triton: RunningTriton, candidate: Candidate) -> None:
    short, long = texts_of(5, 1)[0], texts_of(60, 1)[0]
    with triton.client() as client:
        alone = ask(client, candidate, short[None])
        ids, mask = np.full((2, 64), 7), np.zeros((2, 64), dtype=np.int64)  # whatever stands in the padding
        ids[0, :5], mask[0, :5] = short, 1
        ids[1, :60], mask[1, :60] = long, 1
        assert cosines(alone, ask(client, candidate, ids, mask)[:1]).min() > 0.9999


def test_requests_of_many_lengths_at_once_each_get_their_own_answer(
    triton: RunningTriton, candidate: Candidate
) -> None:
    texts = [texts_of(length, 1)[0] for length in range(2, 34)]
    with triton.client() as client:
        alone = [ask(client, candidate, text[None])[0] for text in texts]

    def in_company(text: Tokens) -> Answers:
        with triton.client() as client:
            answer: Answers = ask(client, candidate, text[None])[0]
        return answer

    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(in_company, texts))
    assert cosines(np.stack(alone), np.stack(together)).min() > 0.9999


def test_a_wrong_request_gets_its_own_error_and_spoils_no_neighbour(
    triton: RunningTriton, candidate: Candidate
) -> None:
    good = texts_of(9, 1)[0]
    bad = np.array([[10**6]])

    def asked(number: int) -> str:
        with triton.client() as client:
            try:
                ask(client, candidate, bad if number % 2 else good[None])
            except ServerRefused as refused:
                return str(refused)
        return "answered"

    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(asked, range(32)))
    assert said[::2] == ["answered"] * 16
    assert all("outside this model's vocabulary" in words for words in said[1::2])


def test_a_configuration_of_another_engine_is_refused(tiny: Tiny, triton: RunningTriton) -> None:
    some = next(iter(tiny.decisions))
    config = tiny.repository / name_of(some) / "config.pbtxt"
    text = config.read_text()
    config.write_text(text.replace(f'"{some.engine}"', '"TensorRT"'))
    try:
        with triton.client() as client:
            client.unload(name_of(some))
            with pytest.raises(ServerRefused, match="not of one revision"):
                client.load(name_of(some))
    finally:
        config.write_text(text)
