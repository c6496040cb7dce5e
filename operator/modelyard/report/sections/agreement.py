"""How near the artifact's answers are to the original's: all figures, and their distribution."""

from __future__ import annotations

import math

from modelyard.contract.report import BuildReport, CandidateReport, Distribution, Parity
from modelyard.report.document import Cell, Kind, Plot, Section, Table, quantity, text
from modelyard.report.figures import meaning
from modelyard.report.judged import PREFERRED, gates_of, leading_of, name_of
from modelyard.report.plots.spread import Spread, distances, spread_plot
from modelyard.report.words import bounds, count, distance, number

NOT_ASKED = "Agreement was not measured."
NO_DISTRIBUTION = "This build is of an older version, which did not keep the distribution: there is no plot of it."
SHARES = (
    (0.0, "nearest"),
    (0.25, "25%"),
    (0.5, "median"),
    (0.75, "75%"),
    (0.95, "95%"),
    (0.99, "99%"),
    (1.0, "farthest"),
)
NONE = "—"


def agreement(report: BuildReport) -> Section:
    """Return the section."""
    parity = report.chosen.parity
    if parity is None:
        return Section(anchor="agreement", title="Agreement", words=(NOT_ASKED,), blocks=())
    asked = [candidate for candidate in report.candidates if candidate.parity and candidate.parity.distribution]
    name, dataset = name_of(report.chosen), parity.dataset
    how = f"{name} was asked through {report.served_by}, and held against the original in FP32. Texts: {dataset}."
    words = (how,) if asked else (how, NO_DISTRIBUTION)
    blocks: list[Table | Plot] = []
    if asked:
        blocks += [*_plots(report, asked), _quantiles(asked)]
    blocks.append(_figures(parity, [gate.gate for gate in gates_of(report, report.chosen)]))
    if parity.reported:
        blocks.append(_reported(parity))
    return Section(anchor="agreement", title="Agreement", words=words, blocks=tuple(blocks))


def _plots(report: BuildReport, asked: list[CandidateReport]) -> list[Plot]:
    """Return the distribution as a picture; none where a distance is no number."""
    spreads = []
    for candidate in asked:
        distribution = candidate.parity.distribution if candidate.parity else None
        if distribution is None or not _drawable(distribution):
            continue
        leading = leading_of(report, candidate)
        gate = leading.gate if leading and leading.name in PREFERRED else None
        spreads.append(Spread(name=name_of(candidate), outcome=candidate.outcome, distribution=distribution, gate=gate))
    if not spreads:
        return []
    caption = (
        "Each line goes from the nearest answer to the farthest; it is thicker for the middle nine tenths, thickest "
        "for the middle half, and cut at the median. The diamond is the 99th percentile, which the bar, the gate, "
        "holds."
    )
    return [Plot(svg=spread_plot(spreads), caption=caption)]


def _drawable(distribution: Distribution) -> bool:
    return bool(distribution.quantiles) and all(math.isfinite(one.distance) for one in distribution.quantiles)


def _quantiles(asked: list[CandidateReport]) -> Table:
    found = [(one, one.parity.distribution) for one in asked if one.parity and one.parity.distribution]
    measures = ", ".join(dict.fromkeys(distribution.measure for _, distribution in found))
    return Table(
        caption=f"Distance from the original, one by one: {measures}",
        columns=("candidate", "answers", *(name for _, name in SHARES)),
        rows=tuple(
            (
                text(name_of(candidate)),
                quantity(count(distribution.samples)),
                *(
                    quantity(distance(known[share]) if share in known else NONE)
                    for known in (distances(distribution),)
                    for share, _ in SHARES
                ),
            )
            for candidate, distribution in found
        ),
    )


def _figures(parity: Parity, first: list[str]) -> Table:
    """Return all figures, those that gates hold before the others."""
    names = dict.fromkeys(name for name in (*first, *parity.figures) if name in parity.figures)
    return Table(
        caption="What was measured",
        columns=("figure", "value", "95% bounds", "of"),
        rows=tuple(
            (
                Cell(text=name, kind=Kind.CODE, note=meaning(name)),
                quantity(number(figure.value)),
                quantity(bounds(figure)),
                quantity(count(figure.samples)),
            )
            for name, figure in ((name, parity.figures[name]) for name in names)
        ),
    )


def _reported(parity: Parity) -> Table:
    return Table(
        caption="Told, and held to nothing",
        columns=("figure", "value"),
        rows=tuple(
            (Cell(text=name, kind=Kind.CODE, note=meaning(name)), quantity(number(value)))
            for name, value in parity.reported.items()
        ),
    )
