"""Beside Open vSwitch when nothing is forwarded: being told how a frame is decided, and loading."""

import statistics
import time

from forwarding import connect, disconnect
from machine import cpu_ns, run
from ours import ENCAP
from report import Row

# Rules, and lookup records.
RECORDS = 100_000

# Frames that are traced in a turn.
TRACED = 64


def compare(machine, ours, asked):
    switch = machine.switch
    yield tracing(switch, machine, ours, asked)
    yield loading(switch, ours, asked)


def tracing(switch, machine, ours, asked):
    """Over the control socket there, in the process here: the ways in which each is asked."""
    connect(switch, "encap", ours.file(ENCAP, "host"))
    switch.add_flows("br0", ours.file(ENCAP, "rules"))
    row = Row("explain a frame", "64 B, 1,000 records", "ofproto/trace", [], [])
    for _ in range(asked.rounds):
        times = run(machine.pinned([ours.program("trace_frame")])).split()
        row.ours.append(statistics.median(int(ns) for ns in times))
        row.theirs.append(statistics.median(trace(switch, n) for n in range(TRACED)))
    return row


def trace(switch, number):
    flow = f"in_port=1,ip,nw_src=10.0.0.2,nw_dst=10.0.0.{5 + number},nw_ttl=64"
    start = time.perf_counter_ns()
    answer = switch.ask("ofproto/trace", "br0", flow)
    took = time.perf_counter_ns() - start
    if "tnl_push" not in answer:
        raise RuntimeError(f"a frame that was to leave: {answer}")
    return took


def loading(switch, ours, asked):
    """Time on a core: of our program, which reads a script and makes tables that forward, and of the
    switch and the command that hands it the rules. Both read a file in memory."""
    run([ours.program("compare_export"), "records", ours.folder, RECORDS])
    disconnect(switch)
    switch.vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev", "fail-mode=secure")
    row = Row("load records", f"{RECORDS:,}, each", "ovs-ofctl add-flows", [], [])
    bridge = f"unix:{switch.folder}/br0.mgmt"
    for _ in range(asked.rounds):
        row.ours.append(cpu_ns([ours.program("load_records"), ours.folder / "records.ps1"]) / RECORDS)
        before = switch.cpu_ns()
        command = cpu_ns(["ovs-ofctl", "add-flows", bridge, ours.folder / "records.rules"])
        row.theirs.append((switch.cpu_ns() - before + command) / RECORDS)
        run(["ovs-ofctl", "del-flows", bridge])
    disconnect(switch)
    return row
