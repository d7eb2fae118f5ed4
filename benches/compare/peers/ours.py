"""Our programs: what they are called, and what they print."""

import json
import pathlib
import struct

from machine import run

# How captures are named for the cases whose frames they hold.
ENCAP, DECAP, NAT = (
    "copied/encap/ipv4/64B",
    "copied/decap/ipv4/64B",
    "copied/nat/udp/64B/out",
)


class Ours:
    def __init__(self, programs, machine):
        self.programs = pathlib.Path(programs).resolve()
        self.machine = machine
        self.folder = machine.memory

    def program(self, name):
        folder = self.programs if name == "nvgre" else self.programs / "examples"
        return folder / name

    def export(self):
        run([self.program("compare_export"), "frames", self.folder])

    def case_ns(self, case):
        """Nanoseconds of a frame, as `nvgre bench` says."""
        lines = run(self.machine.pinned([self.program("nvgre"), "bench", case, "--quick", "--json"]))
        rows = (json.loads(line) for line in lines.splitlines())
        return next(row["ns_per_frame"] for row in rows if row["id"] == case)

    def file(self, case, kind):
        return self.folder / f"{case.replace('/', '-')}.{kind}"

    def capture(self, case, frames):
        """The frames of a case, one after the other until there are as many; and their number."""
        source = self.file(case, "pcap").read_bytes()
        header, records = source[:24], source[24:]
        distinct, at = 0, 0
        while at < len(records):
            at += 16 + struct.unpack_from("<I", records, at + 8)[0]
            distinct += 1
        times = max(1, frames // distinct)
        path = self.folder / f"{case.replace('/', '-')}-{frames}.pcap"
        if frames == 1:
            length = 16 + struct.unpack_from("<I", records, 8)[0]
            path.write_bytes(header + records[:length])
            return path, 1
        with open(path, "wb") as out:
            out.write(header)
            for _ in range(times):
                out.write(records)
        return path, times * distinct
