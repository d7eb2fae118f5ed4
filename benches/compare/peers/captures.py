"""Beside the tools for captures, file to file in memory: time on a core, of the whole process."""

import struct

from machine import cpu_ns
from ours import DECAP, NAT
from report import Row

# Where frames are replayed, and the two of its guests that they are of: MAC and address.
SCENARIO = "pcaps/waldorf-statler/scenario.toml"
RED11 = bytes.fromhex("00155d002009"), bytes([192, 168, 1, 11])
RED22 = bytes.fromhex("00155d002008"), bytes([192, 168, 1, 22])


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


def replay(machine, ours, asked):
    """tcpdump copies what it reads, ours carries it from guest to guest of modeled hosts, judges it,
    and writes nothing, what is delivered, or every hop with a comment. Hops are three gigabytes, for
    which no machine has large pages at hand: both write to disk there."""
    source, count = replayed(ours.folder, 2_000_000)
    copy = ["tcpdump", "-r", source, "-w", ours.folder / "theirs.pcap"]
    walk = [ours.program("nvgre"), "replay", SCENARIO, "-r", source]
    delivered, hops = ours.folder / "ours.pcap", machine.folder / "ours.pcapng"
    for name, more, least in (
        ("replay / copy it", [], 1.5),
        ("replay, delivered / copy it", ["-w", delivered], 1 / 2),
    ):
        yield row(machine, asked, name, "64 B", "tcpdump", [[*walk, *more], copy], count, least)
    few, frames = replayed(ours.folder, 1_000)
    cpu_ns([ours.program("nvgre"), "replay", SCENARIO, "-r", few, "-w", hops])
    records = count * packet_blocks(hops) // frames
    yield row(
        machine, asked, "replay, each hop / copy it", "64 B, a record", "tcpdump",
        [[*walk, "-w", hops], [*copy[:-1], machine.folder / "theirs.pcap"]], (records, count),
        1 / 1.5, large=hops,
    )


def replayed(folder, frames):
    """A capture of UDP in frames of 60 bytes, 1,000 flows in turn, and how many frames it holds."""
    records = b"".join(
        struct.pack("<IIII", 1, flow, 60, 60) + datagram(1_024 + flow, bytes(18)) for flow in range(1_000)
    )
    path = folder / f"replayed-{frames}.pcap"
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 1))
        for _ in range(frames // 1_000):
            out.write(records)
    return path, frames


def datagram(port, payload):
    (from_mac, source), (to_mac, destination) = RED11, RED22
    length = 8 + len(payload)
    pseudo = source + destination + struct.pack("!HH", 17, length)
    udp = struct.pack("!HHHH", port, 53, length, 0)
    udp = udp[:6] + checksum(pseudo + udp + payload) + payload
    ip = struct.pack("!BBHHHBB", 0x45, 0, 20 + len(udp), 0, 0, 64, 17)
    ip += checksum(ip + source + destination) + source + destination
    return to_mac + from_mac + b"\x08\x00" + ip + udp


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return struct.pack("!H", 0xFFFF - total)


def packet_blocks(path):
    """How many packets a pcapng file holds."""
    blocks, at, found = path.read_bytes(), 0, 0
    while at < len(blocks):
        kind, length = struct.unpack_from("<II", blocks, at)
        found += kind == 6
        at += length
    return found


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


def row(machine, asked, operation, of, peer, turns, count, least=0.0, starts=(), large=None):
    """`count`: what the time is of; a pair where it is of other things on either side. `large`: a file
    that does not fit twice."""
    counts = count if isinstance(count, tuple) else (count, count)
    made = Row(operation, of, peer, [], [], least)
    # Once before it counts: the pages of the files are the machine's by then.
    for command in turns:
        cpu_ns(machine.pinned(command))
    for _ in range(asked.rounds):
        if large:
            large.unlink()
        for at, (times, command) in enumerate(zip((made.ours, made.theirs), turns)):
            took = cpu_ns(machine.pinned(command))
            if starts:
                took -= cpu_ns(machine.pinned(starts[at]))
            times.append(took / counts[at])
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
