"""Runs every comparison that was asked for, and prints one table. benches/compare/run starts it."""

import argparse
import contextlib
import signal
import sys

import captures
import forwarding
import packets
import report
import rules
from machine import Machine
from ours import Ours


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--programs", required=True)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--incomplete", action="store_true")
    parser.add_argument("peers", nargs="+")
    asked = parser.parse_args()
    # So that whatever was set up is taken down, whoever ends this.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(130))

    rows, failed = [], asked.incomplete
    with contextlib.ExitStack() as stack:
        machine = Machine(stack)
        ours = Ours(asked.programs, machine)
        ours.export()
        for peer in asked.peers:
            for compare in comparisons(peer):
                try:
                    for row in compare(machine, ours, asked):
                        rows.append(row)
                        report.told(row, asked.json)
                except (OSError, RuntimeError) as error:
                    print(f"NOT COMPARED: {peer}: {error}", file=sys.stderr)
                    failed = True
    if not asked.json:
        report.table(rows)
    if failed:
        return 3
    return 0 if all(row.holds() for row in rows) else 1


def comparisons(peer):
    return {
        "ovs": [forwarding.compare, rules.compare],
        "tcprewrite": [captures.tcprewrite],
        "tcpdump": [captures.tcpdump, captures.replay],
        "tshark": [captures.tshark],
        "scapy": [packets.compare],
    }[peer]


sys.exit(main())
