"""Beside the tools for captures, file to file in memory: time on a core, of the whole process."""

from machine import cpu_ns
from ours import DECAP, NAT
from report import Row


def tcprewrite(machine, ours, asked):
    """The same rewrite by both: what comes out is compared first, from the IP headers on."""
    pnat = ["tcprewrite", "--pnat=10.0.0.0/8:172.0.0.0/8", "-i"]
    for size, frames, least in (("64B", 1_000_000, 10), ("1500B", 50_000, 0)):
        source, count = ours.capture(NAT.replace("64B", size), frames)
        mine, theirs = ours.folder / "ours.pcap", ours.folder / "theirs.pcap"
        turns = [
            [ours.program("rewrite_pcap"), "nat", source, mine],
            [*pnat, source, "-o", theirs],
        ]
        same(machine, turns, mine, theirs)
        yield row(machine, asked, "rewrite a pcap", f"{size[:-1]} B", "tcprewrite", turns, count, least)


def tcpdump(machine, ours, asked):
    """tcpdump copies what passes its filter, ours puts all of it into NVGRE."""
    for size, frames in (("64B", 1_000_000), ("1500B", 50_000)):
        source, count = ours.capture(NAT.replace("64B", size), frames)
        turns = [
            [ours.program("rewrite_pcap"), "encap", source, ours.folder / "ours.pcap"],
            ["tcpdump", "-r", source, "-w", ours.folder / "theirs.pcap", "udp"],
        ]
        yield row(machine, asked, "encap a pcap / copy it", f"{size[:-1]} B", "tcpdump", turns, count)


def tshark(machine, ours, asked):
    """A line for every frame of NVGRE: tshark dissects, ours judges. What either takes for a single
    frame is taken off: tshark starts for a quarter of a second."""
    source, count = ours.capture(DECAP, 50_000)
    single, _ = ours.capture(DECAP, 1)
    decap = [ours.program("nvgre"), "pcap", "decap"]
    for name, how in (
        ("read NVGRE, a line each", []),
        ("read NVGRE, its key", ["-T", "fields", "-e", "gre.key", "-e", "ip.src"]),
    ):
        turns = [[*decap, source], ["tshark", "-n", "-r", source, *how]]
        starts = [[*decap, single], ["tshark", "-n", "-r", single, *how]]
        yield row(machine, asked, name, "64 B", "tshark", turns, count, starts=starts)


def row(machine, asked, operation, of, peer, turns, count, least=0.0, starts=()):
    made = Row(operation, of, peer, [], [], least)
    # Once before it counts: the pages of the files are the machine's by then.
    for command in turns:
        cpu_ns(machine.pinned(command))
    for _ in range(asked.rounds):
        for at, (times, command) in enumerate(zip((made.ours, made.theirs), turns)):
            took = cpu_ns(machine.pinned(command))
            if starts:
                took -= cpu_ns(machine.pinned(starts[at]))
            times.append(took / count)
    return made


def same(machine, turns, mine, theirs):
    for command in turns:
        cpu_ns(machine.pinned(command))
    for number, (one, other) in enumerate(zip(packets(mine), packets(theirs), strict=True)):
        if one != other:
            raise RuntimeError(f"packet {number + 1} was rewritten differently")


def packets(path):
    """What is behind the Ethernet headers: we write those of the underlay."""
    with open(path, "rb") as file:
        file.read(24)
        while record := file.read(16):
            yield file.read(int.from_bytes(record[8:12], "little"))[14:]
