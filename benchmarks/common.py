"""What every benchmark shares: targets that can be missed, the machine, and how results are written."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

RESULTS = Path(__file__).parents[1] / "docs" / "benchmarks"
MISSED = 3
"""Exit code of a benchmark with a missed target."""

INTERESTING_FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8")

Cell = str | int | float | bool
Row = Mapping[str, Cell]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A claim: what is wanted and what was seen, with units, and whether the claim held."""

    name: str
    want: str
    got: str
    met: bool


def at_most(name: str, limit: float, got: float, unit: str) -> Target:
    """Return the claim that ``got`` does not exceed ``limit``."""
    return Target(name=name, want=f"<= {limit:g} {unit}", got=f"{got:.1f} {unit}", met=got <= limit)


def this_machine() -> dict[str, Cell]:
    """Return processor, cores, memory in GiB, kernel and the instruction sets that decide speed."""
    lines = [line.partition(":") for line in Path("/proc/cpuinfo").read_text().splitlines()]
    facts = {key.strip(): value.strip() for key, _, value in lines}
    flags = facts.get("flags", "").split()
    return {
        "cpu": facts.get("model name", platform.machine()),
        "cores": os.cpu_count() or 0,
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "kernel": platform.release(),
        "instruction_sets": " ".join(flag for flag in INTERESTING_FLAGS if flag in flags),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """One run. ``rows`` all have the same keys, which head the table; ``remarks`` say how to read it."""

    name: str
    title: str
    targets: Sequence[Target]
    rows: Sequence[Row]
    versions: Mapping[str, str]
    remarks: Sequence[str] = ()
    machine: Mapping[str, Cell] = field(default_factory=this_machine)


def publish(result: Benchmark, folder: Path = RESULTS) -> int:
    """Write ``NAME.json`` and ``NAME.md``, print the page, and return 0, or 3 for a missed target."""
    folder.mkdir(parents=True, exist_ok=True)
    data = {
        "name": result.name,
        "machine": dict(result.machine),
        "versions": dict(result.versions),
        "targets": [asdict(target) for target in result.targets],
        "rows": [dict(row) for row in result.rows],
    }
    (folder / f"{result.name}.json").write_text(json.dumps(data, indent=2) + "\n")
    page = markdown(result)
    (folder / f"{result.name}.md").write_text(page)
    print(page)
    missed = [target for target in result.targets if not target.met]
    for target in missed:
        print(f"MISSED {target.name}: want {target.want}, got {target.got}")
    return MISSED if missed else 0


def markdown(result: Benchmark) -> str:
    """Return the page: the claims, the figures, the machine."""
    claims = [
        {"target": t.name, "want": t.want, "got": t.got, "": "met" if t.met else "**MISSED**"} for t in result.targets
    ]
    setting = [{"": key, "value": value} for key, value in {**result.machine, **result.versions}.items()]
    parts = [
        f"# {result.title}",
        table(claims),
        *result.remarks,
        table(result.rows),
        "## Where it ran",
        table(setting),
        f"Run it: `make bench NAME={result.name}`.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def table(rows: Sequence[Row]) -> str:
    """Return rows with the same keys as a Markdown table; nothing for no rows."""
    if not rows:
        return ""
    heads = list(rows[0])
    lines = [heads, ["---"] * len(heads), *([_cell(row[head]) for head in heads] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: Cell) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value).replace("|", "\\|")
