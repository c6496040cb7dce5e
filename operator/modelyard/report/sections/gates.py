"""The verdict of each gate, as far as the report knows."""

from __future__ import annotations

from modelyard.contract.report import BuildReport, GateReport
from modelyard.report.document import Cell, Kind, Row, Section, Table, outcome, quantity
from modelyard.report.figures import meaning
from modelyard.report.judged import gates_of, keeps_gates
from modelyard.report.words import bounds, count, number

RULE = (
    "A figure passes where its whole 95% interval does, misses where none of it does, and is inconclusive in between, "
    "which is never a pass."
)
ELSEWHERE = (
    "These are the gates of the build. A model that uses the artifact holds its own against the same figures, speed "
    "(minSpeedup, maxP95) among them: its status says how that came out."
)
DEFAULTS = (
    "This build is of an older version, which did not keep the gates that it held: these are today's for the task."
)


def gates(report: BuildReport) -> Section:
    """Return the section."""
    words = (RULE, ELSEWHERE) if keeps_gates(report) else (RULE, DEFAULTS, ELSEWHERE)
    held = gates_of(report, report.chosen)
    if not held:
        return Section(
            anchor="gates", title="Gates", words=("No figure was held against a gate.", ELSEWHERE), blocks=()
        )
    table = Table(
        caption="Agreement with the original",
        columns=("gate", "measured", "95% bounds", "must be", "of", "verdict"),
        rows=tuple(_row(report, gate) for gate in held),
    )
    return Section(anchor="gates", title="Gates", words=words, blocks=(table,))


def _row(report: BuildReport, gate: GateReport) -> Row:
    parity = report.chosen.parity
    figure = parity.figures.get(gate.gate) if parity else None
    sense = "at least" if gate.sense == ">=" else "at most"
    return (
        Cell(text=gate.gate, kind=Kind.CODE, note=meaning(gate.gate)),
        quantity(number(figure.value) if figure else "not measured"),
        quantity(bounds(figure) if figure else "—"),
        quantity(f"{sense} {number(gate.limit)}"),
        quantity(count(figure.samples) if figure else "—"),
        outcome(gate.outcome),
    )
