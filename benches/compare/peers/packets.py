"""Beside scapy: a frame at a time in Python, as scripts for captures do it."""

import json
import pathlib
import sys

from machine import run
from ours import DECAP, ENCAP, NAT
from report import Row

CASES = {"encap": ENCAP, "decap": DECAP, "nat": NAT}


def compare(machine, ours, asked):
    program = pathlib.Path(__file__).with_name("with_scapy.py")
    rows = {name: Row(name, "64 B", "scapy", [], []) for name in CASES}
    for _ in range(asked.rounds):
        said = run(machine.pinned([sys.executable, "-B", program]))
        for name, ns in json.loads(said).items():
            rows[name].theirs.append(ns)
            rows[name].ours.append(ours.case_ns(CASES[name]))
    yield from rows.values()
