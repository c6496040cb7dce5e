"""What a tagger keeps of the original: each token's label and probabilities, and the entities that labels make."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from modelyard.contract.report import Figure
from modelyard_runtime.backend.rows import Answers
from modelyard_runtime.distances import CLEAR_MARGIN, decisions, finite, logit_errors, shifts
from modelyard_runtime.golden import probabilities
from modelyard_runtime.statistics import (
    clustered_percentile_figure,
    clustered_share_figure,
    drawn_anew,
    share_figure,
)

LAST_PERCENTILE = 0.99
OUTSIDE = "O"
BEGIN, INSIDE = frozenset("BSU"), frozenset("IELM")
"""Prefixes of labels, in the schemes IOB, IOBES and BILOU: those that begin an entity, and those that go on with it."""

Entity: TypeAlias = tuple[int, int, str]
"""The first token, the one behind the last, and the kind."""


def figures_of(
    labels: tuple[str, ...], owners: npt.NDArray[np.intp], want: Answers, got: Answers
) -> tuple[dict[str, Figure], dict[str, float]]:
    """Return figures, and what is only reported.

    want, got: float32 [tokens, labels], without tokens that the tokenizer added; owners: each token's text, [tokens].
    Tokens of one text go wrong together, so bounds are those of texts drawn anew.
    """
    before, after = (probabilities(finite(x), multi_label=False) for x in (want, got))
    same, margin = decisions(before, after, multi_label=False)
    clear = margin > CLEAR_MARGIN
    texts = np.unique(owners)
    tokens = np.array([(owners == text).sum() for text in texts])
    kept = np.array([(same | ~clear)[owners == text].sum() for text in texts])
    shift, error = shifts(want, got, multi_label=False), logit_errors(want, got, multi_label=False)
    ours, theirs = before.argmax(axis=1), after.argmax(axis=1)
    sure = np.where(clear, theirs, ours)  # what the original itself is not sure of counts as kept, as above
    wanted, found, all_found = (_entities_of(labels, owners, chosen) for chosen in (ours, sure, theirs))
    figures = {
        "agreement": clustered_share_figure(kept, tokens),
        "maxShift": clustered_percentile_figure(shift, owners, LAST_PERCENTILE, lowest=0, highest=1),
        "logitError": clustered_percentile_figure(error, owners, LAST_PERCENTILE, lowest=0, highest=1),
        "entityF1": f1_figure(wanted, found),
    }
    reported = {
        "unclear": float((~clear).sum()),
        "agreementOfAll": float(same.mean()),
        "entityF1OfAll": f1_figure(wanted, all_found).value,
    }
    return figures, reported


def entities(labels: Sequence[str]) -> frozenset[Entity]:
    """Return the entities of a text by its tokens' labels.

    A label is ``O``, or a kind with a prefix, or a kind alone. A kind goes on as an entity until another comes or a
    prefix begins one anew, as ``aggregation_strategy="simple"`` groups them in transformers' pipeline.
    """
    found: set[Entity] = set()
    start, kind = 0, OUTSIDE
    for place, label in enumerate([*labels, OUTSIDE]):
        prefix, dash, rest = label.partition("-")
        prefixed = bool(dash) and prefix in BEGIN | INSIDE
        now = rest if prefixed else label
        if now != kind or (prefixed and prefix in BEGIN):
            if kind != OUTSIDE:
                found.add((start, place, kind))
            start, kind = place, now
    return frozenset(found)


def f1_figure(want: Sequence[frozenset[Entity]], got: Sequence[frozenset[Entity]]) -> Figure:
    """Return the F1 of entities, those of each text: 2 both / (want + got).

    Bounded by the wider of texts drawn anew, and of the exact bounds of J, the share of all entities that are in both:
    F1 is 2 J / (1 + J). Where nothing was missed, drawing anew shows no spread. No entity at all proves nothing.
    """
    both = np.array([len(a & b) for a, b in zip(want, got, strict=True)])
    either = np.array([len(a | b) for a, b in zip(want, got, strict=True)])
    exact = share_figure(int(both.sum()), int(either.sum()))
    lower, upper = drawn_anew(2 * both, both + either)
    value, least, most = (2 * share / (1 + share) for share in (exact.value, exact.lower, exact.upper))
    return Figure(value=value, lower=min(least, lower), upper=max(most, upper), samples=exact.samples)


def _entities_of(
    labels: tuple[str, ...], owners: npt.NDArray[np.intp], chosen: npt.NDArray[np.intp]
) -> list[frozenset[Entity]]:
    """Return each text's entities. chosen: the number of each token's label."""
    return [entities([labels[number] for number in chosen[owners == text]]) for text in np.unique(owners)]
