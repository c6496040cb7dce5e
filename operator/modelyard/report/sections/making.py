"""How it was made: the machine, the time, the memory, the tools."""

from __future__ import annotations

from modelyard.contract.report import BuildReport
from modelyard.report.document import Row, Section, Table, code, quantity, text
from modelyard.report.words import gibibytes, seconds


def making(report: BuildReport) -> Section:
    """Return the section."""
    blocks = [Table(caption="The machine", rows=_machine(report))]
    if report.stages:
        blocks.append(_stages(report))
    if report.images:
        blocks.append(_names("Images", report.images))
    if report.versions:
        blocks.append(_names("Versions", report.versions))
    return Section(anchor="making", title="How it was made", blocks=tuple(blocks))


def _machine(report: BuildReport) -> tuple[Row, ...]:
    machine, peak = report.machine, report.peak_memory_bytes
    rows: list[Row] = [
        (text("processor"), text(machine.cpu)),
        (text("cores"), text(str(machine.cores))),
        (text("memory"), text(gibibytes(machine.memory))),
        (text("instruction sets"), text(", ".join(machine.instruction_sets) or "none that matter here")),
    ]
    if peak is not None:
        rows.append((text("most memory that the conversion held"), text(gibibytes(peak))))
    return tuple(rows)


def _stages(report: BuildReport) -> Table:
    longest = max(stage.seconds for stage in report.stages)
    return Table(
        caption=f"Stages: {seconds(sum(stage.seconds for stage in report.stages))} in all",
        columns=("stage", "time"),
        rows=tuple(
            (text(stage.name), quantity(seconds(stage.seconds), bar=_share(stage.seconds, longest)))
            for stage in report.stages
        ),
    )


def _share(value: float, longest: float) -> float:
    """Return a value as a share of the longest, 0 to 1."""
    share = value / longest if longest > 0 else 0.0
    return share if 0 <= share <= 1 else 0.0


def _names(caption: str, names: dict[str, str]) -> Table:
    return Table(caption=caption, rows=tuple((text(name), code(value)) for name, value in names.items()))
