"""Batches: nothing lost, nothing mixed up, little padding."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.contract.choices import INPUTS, TOKEN_TYPES
from modelyard_runtime.backend.rows import (
    CALL_TOKENS,
    IDS,
    MASK,
    TYPES,
    BadRequest,
    all_padding,
    groups_by_length,
    laid_out,
    padded,
    rows_of,
)

LIMITS = {"vocabulary": 100, "max_sequence": 16}
LENGTHS = st.lists(st.integers(1, 512), min_size=1, max_size=32)


def cost(lengths: list[int], groups: list[list[int]]) -> int:
    """Return what a grouping costs in tokens."""
    return sum(len(group) * max(lengths[i] for i in group) + CALL_TOKENS for group in groups)


@given(LENGTHS)
def test_every_text_is_in_one_group_and_grouping_is_never_dearer_than_one_batch(lengths: list[int]) -> None:
    groups = [group.tolist() for group in groups_by_length(np.array(lengths))]
    assert sorted(row for group in groups for row in group) == list(range(len(lengths)))
    assert cost(lengths, groups) <= cost(lengths, [list(range(len(lengths)))])
    assert cost(lengths, groups) <= cost(lengths, [[row] for row in range(len(lengths))])


def test_a_long_text_does_not_make_short_ones_as_dear_as_itself() -> None:
    groups = [sorted(group.tolist()) for group in groups_by_length(np.array([8, 500, 9, 8]))]
    assert groups == [[0, 2, 3], [1]]


def test_texts_of_like_length_share_a_call() -> None:
    assert len(groups_by_length(np.array([20, 22, 21, 20]))) == 1


@given(LENGTHS)
def test_padding_keeps_every_token_and_masks_the_rest(lengths: list[int]) -> None:
    texts = [{IDS: np.arange(1, n + 1), MASK: np.ones(n, dtype=np.int64)} for n in lengths]
    batch = padded(texts, pad_token=0)
    ids, mask = batch[IDS], batch[MASK]
    assert ids.shape == mask.shape == (len(lengths), max(lengths))
    assert mask.sum(axis=1).tolist() == lengths
    assert ((ids == 0) == (mask == 0)).all()


def test_padding_at_the_end_is_not_computed_and_holes_are_kept() -> None:
    ids = np.array([[5, 6, 7, 0, 0], [5, 0, 7, 8, 0]])
    rows = rows_of({IDS: ids, MASK: np.array([[1, 1, 1, 0, 0], [1, 0, 1, 1, 0]])}, **LIMITS)
    assert rows.lengths.tolist() == [3, 4]
    assert [text[IDS].tolist() for text in rows.texts] == [[5, 6, 7], [5, 0, 7, 8]]
    assert [text[MASK].tolist() for text in rows.texts] == [[1, 1, 1], [1, 0, 1, 1]]


def test_every_token_of_a_request_has_an_answer_and_what_is_no_token_has_0() -> None:
    mask = np.array([[1, 1, 0, 0], [1, 0, 1, 1]])
    rows = rows_of({IDS: np.ones_like(mask), MASK: mask}, **LIMITS)
    answers = [np.full((tokens, 3), number, np.float32) for number, tokens in ((1, 4), (2, 5))]  # padded in the engine
    whole = laid_out(rows, answers)
    assert whole.shape == (2, 4, 3)
    assert whole[..., 0].tolist() == [[1, 1, 0, 0], [2, 0, 2, 2]]


def test_a_text_with_one_answer_keeps_it() -> None:
    rows = rows_of({IDS: np.ones((2, 4), np.int64), MASK: np.ones((2, 4), np.int64)}, **LIMITS)
    assert laid_out(rows, [np.full(3, 1, np.float32), np.full(3, 2, np.float32)]).tolist() == [[1, 1, 1], [2, 2, 2]]


def test_an_engine_is_warmed_with_every_tensor_that_it_reads() -> None:
    batch = all_padding((*INPUTS, TOKEN_TYPES), 7, texts=2, tokens=3)
    assert {name: tensor.tolist() for name, tensor in batch.items()} == {
        IDS: [[7] * 3] * 2,
        MASK: [[1] * 3] * 2,
        TYPES: [[0] * 3] * 2,
    }


@pytest.mark.parametrize(
    ("ids", "mask", "says"),
    [
        ([[1, 2]], [[1]], "must be alike"),
        ([[1, 2]], [[1, 2]], "0 .padding. and 1"),
        ([[1, 2]], [[0, 0]], "without a single token"),
        ([[]], [[]], "without a single token"),
        ([[1, 100]], [[1, 1]], "token id 100 is outside"),
        ([[1, -7]], [[1, 1]], "token id -7 is outside"),
        ([[1] * 17], [[1] * 17], "takes 16"),
    ],
)
def test_a_wrong_request_is_told_what_is_wrong(ids: list[list[int]], mask: list[list[int]], says: str) -> None:
    batch = {IDS: np.array(ids, dtype=np.int64), MASK: np.array(mask, dtype=np.int64)}
    with pytest.raises(BadRequest, match=says):
        rows_of(batch, **LIMITS)


@pytest.mark.parametrize(
    ("types", "says"), [([[0, 2]], "0 .the first text. and 1"), ([[0]], "token_type_ids is .1, 1.")]
)
def test_wrong_token_types_are_told(types: list[list[int]], says: str) -> None:
    ones = np.ones((1, 2), dtype=np.int64)
    with pytest.raises(BadRequest, match=says):
        rows_of({IDS: ones, MASK: ones, TYPES: np.array(types, dtype=np.int64)}, **LIMITS)
