"""One comparison, and all of them as a table."""

import dataclasses
import json
import os
import platform
import statistics
import sys
import time


@dataclasses.dataclass
class Row:
    """Nanoseconds of ours and theirs, turn by turn."""

    operation: str
    of: str
    peer: str
    ours: list
    theirs: list
    asked: float = 0.0

    def ratio(self):
        """The median of the turns' ratios: what disturbs a turn disturbs both of its sides."""
        return statistics.median(b / a for a, b in zip(self.ours, self.theirs))

    def holds(self):
        return self.ratio() >= self.asked


def told(row, as_json):
    """As soon as it is there: lines for tools, a word on the way for people."""
    if not as_json:
        print(f"{row.operation}, {row.of}: {times(row.ratio())}", file=sys.stderr)
        return
    line = {
        "schema": "nvgre.compare/1",
        "operation": row.operation,
        "of": row.of,
        "peer": row.peer,
        "ours_ns": round(statistics.median(row.ours), 1),
        "peer_ns": round(statistics.median(row.theirs), 1),
        "ratio": round(row.ratio(), 2),
        "asked": row.asked or None,
        "holds": row.holds(),
        "rounds": len(row.ours),
    }
    print(json.dumps(line), flush=True)


def table(rows):
    heads = ("operation", "of", "peer", "peer's", "ours", "ratio", "asked")
    lines = [heads]
    for row in rows:
        asked = f">= {row.asked:.2g}" if row.asked else ""
        if not row.holds():
            asked += " NOT MET"
        lines.append((
            row.operation,
            row.of,
            row.peer,
            readable(statistics.median(row.theirs)),
            readable(statistics.median(row.ours)),
            f"{times(row.ratio())} x",
            asked,
        ))
    widths = [max(len(line[at]) for line in lines) for at in range(len(heads))]
    for line in lines:
        print("  ".join(
            word.ljust(width) if at < 3 else word.rjust(width)
            for at, (word, width) in enumerate(zip(line, widths))
        ).rstrip())
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"\n{time.strftime('%Y-%m-%d')}, {processor()}, {os.cpu_count()} cores, "
          f"Linux {platform.release()}; load {load} (1, 5, 15 minutes)")
    print("Medians of turns in which both sides were measured; the ratio is the median of the turns'.")


def times(ratio):
    return f"{ratio:.2f}" if ratio < 2 else f"{ratio:.1f}" if ratio < 100 else f"{ratio:,.0f}"


def readable(ns):
    for unit, size in (("s", 1e9), ("ms", 1e6), ("us", 1e3)):
        if ns >= size:
            return f"{ns / size:,.3g} {unit}"
    return f"{ns:.1f} ns" if ns < 100 else f"{ns:.0f} ns"


def processor():
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return names[0] if names else platform.machine()
