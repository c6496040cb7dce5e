"""Requests into batches for the engine: checked, stripped of padding, grouped by length. Pure numpy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Tokens: TypeAlias = npt.NDArray[np.int64]

CALL_TOKENS = 32
"""What one more call of the engine costs, in tokens computed: below that, splitting a batch doesn't pay."""


class BadRequest(ValueError):
    """A request that can't be answered; says why and the fix. Its neighbours in the batch are answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The texts of one request. ids and mask: int64 [texts, tokens]; lengths without the padding at the end."""

    ids: Tokens
    mask: Tokens
    lengths: Tokens  # [texts]


def rows_of(ids: Tokens, mask: Tokens, *, vocabulary: int, max_sequence: int) -> Rows:
    """Check one request's tensors. Raises BadRequest."""
    if ids.shape != mask.shape:
        message = f"input_ids is {list(ids.shape)} but attention_mask is {list(mask.shape)}: they must be alike"
        raise BadRequest(message)
    if not ((mask == 0) | (mask == 1)).all():
        message = "attention_mask may hold 0 (padding) and 1 (a token) only"
        raise BadRequest(message)
    if mask.size == 0 or not mask.any(axis=1).all():
        message = "a text without a single token: its attention_mask is all 0 (an empty text has its special tokens)"
        raise BadRequest(message)
    if ids.min() < 0 or ids.max() >= vocabulary:
        worst = ids.min() if ids.min() < 0 else ids.max()
        message = f"token id {worst} is outside this model's vocabulary of {vocabulary}: use the model's own tokenizer"
        raise BadRequest(message)
    # The last token of each text, counted from the end: whatever follows is padding and needn't be computed.
    lengths = mask.shape[1] - np.argmax(mask[:, ::-1], axis=1)
    if lengths.max() > max_sequence:
        message = f"a text of {lengths.max()} tokens, but this model takes {max_sequence}: truncate it"
        raise BadRequest(message)
    return Rows(ids=ids, mask=mask, lengths=lengths)


def groups_by_length(lengths: Tokens) -> list[Tokens]:
    """Split texts into calls of the engine so that little padding is computed.

    Returns index arrays, each a group of like lengths. A short text beside a long one would cost as much as the long
    one, so batches are cut where the padding saved is worth a call of its own (``CALL_TOKENS``). The cut is the
    cheapest there is: cost[i] is that of the i shortest texts, found from shorter prefixes.
    """
    order = np.argsort(lengths, kind="stable")
    ordered = lengths[order].tolist()
    cost = [0]
    start_of = [0]
    for end in range(1, len(ordered) + 1):
        width = ordered[end - 1]
        best, start = min((cost[s] + (end - s) * width + CALL_TOKENS, s) for s in range(end))
        cost.append(best)
        start_of.append(start)
    groups: list[Tokens] = []
    end = len(ordered)
    while end:
        groups.append(order[start_of[end] : end])
        end = start_of[end]
    return groups[::-1]


def padded(rows: list[tuple[Tokens, Tokens]], pad_token: int) -> tuple[Tokens, Tokens]:
    """Lay texts side by side. rows: (ids, mask) of any lengths; returns ids and mask, int64 [len(rows), longest]."""
    width = max(len(ids) for ids, _ in rows)
    ids = np.full((len(rows), width), pad_token, dtype=np.int64)
    mask = np.zeros((len(rows), width), dtype=np.int64)
    for row, (tokens, present) in enumerate(rows):
        ids[row, : len(tokens)] = tokens
        mask[row, : len(tokens)] = present
    return ids, mask
