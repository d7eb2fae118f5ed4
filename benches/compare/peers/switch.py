"""An Open vSwitch of our own: its database, its sockets and its network are its own."""

import json
import os
import re
import signal
import socket
import time

from machine import run

VSWITCHD = "/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk"
SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"
HUGEPAGES = 400


class Switch:
    """The userspace datapath on DPDK: one thread that forwards, on the core that is measured on."""

    def __init__(self, machine):
        if len(machine.cores) < 2:
            raise RuntimeError("its threads need two cores")
        self.folder = machine.folder / "ovs"
        self.folder.mkdir()
        for name in ("OVS_RUNDIR", "OVS_LOGDIR", "OVS_DBDIR", "OVS_SYSCONFDIR"):
            os.environ[name] = str(self.folder)
        self.control = self.folder / "vswitchd.ctl"
        self.namespace = machine.namespace()
        huge = machine.reserve_hugepages(HUGEPAGES)
        quiet = ["-vconsole:off", "-vsyslog:off"]
        run(["ovsdb-tool", "create", self.folder / "conf.db", SCHEMA])
        machine.start(
            ["ovsdb-server", self.folder / "conf.db", f"--remote=punix:{self.folder}/db.sock",
             f"--unixctl={self.folder}/db.ctl", "--no-chdir", *quiet],
            self.folder / "db.out",
        )
        wait_for((self.folder / "db.sock").exists, "its database does not answer")
        self.vsctl("--no-wait", "init")
        options = {
            "dpdk-init": "true",
            "dpdk-lcore-mask": hex(1 << machine.cores[0]),
            "pmd-cpu-mask": hex(1 << machine.core),
            "dpdk-hugepage-dir": huge,
            "dpdk-extra": '"--in-memory --no-pci -m 512"',
        }
        self.vsctl("--no-wait", "set", "Open_vSwitch", ".",
                   *(f"other_config:{key}={value}" for key, value in options.items()))
        # `ip netns exec` becomes what it runs: the id stays the same.
        self.process = machine.start(
            ["ip", "netns", "exec", self.namespace, VSWITCHD, f"unix:{self.folder}/db.sock",
             f"--unixctl={self.control}", f"--pidfile={self.folder}/vswitchd.pid", *quiet,
             f"--log-file={self.folder}/vswitchd.log"],
            self.folder / "vswitchd.out",
        )
        wait_for(self.answers, "it does not start")

    def answers(self):
        if self.process.poll() is not None:
            raise RuntimeError((self.folder / "vswitchd.log").read_text()[-400:])
        try:
            return bool(self.appctl("version"))
        except RuntimeError:
            return False

    def vsctl(self, *words):
        return run(["ovs-vsctl", f"--db=unix:{self.folder}/db.sock", "--timeout=30", *words])

    def appctl(self, *words):
        return run(["ovs-appctl", "-t", self.control, "-T", "10", *words])

    def add_flows(self, bridge, file):
        run(["ovs-ofctl", "add-flows", f"unix:{self.folder}/{bridge}.mgmt", file])

    def add_flow(self, bridge, flow):
        run(["ovs-ofctl", "add-flow", f"unix:{self.folder}/{bridge}.mgmt", flow])

    def in_namespace(self, *words):
        return run(["ip", "netns", "exec", self.namespace, *words])

    def ask(self, method, *words):
        """Over the control socket, as `ovs-appctl` would, without starting a program."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self.control))
            question = {"method": method, "params": words, "id": 0}
            connection.sendall(json.dumps(question).encode())
            answer = b""
            while True:
                answer += connection.recv(1 << 16)
                try:
                    return json.loads(answer)["result"]
                except ValueError:
                    pass

    def pause(self):
        """Its thread never sleeps: while ours are measured it has to stand still."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def sent(self, port):
        """Packets that left by a port."""
        shown = self.ask("dpctl/show", "-s", "netdev@ovs-netdev")
        found = re.search(rf"port \d+: {port} .*?TX packets:(\d+)", shown, re.DOTALL)
        if not found:
            raise RuntimeError(f"no port {port} in: {shown}")
        return int(found.group(1))

    def forwarding_ns(self):
        """Time on a core of the thread that forwards: what else runs there does not count."""
        tasks = f"/proc/{self.process.pid}/task"
        for task in os.listdir(tasks):
            with open(f"{tasks}/{task}/comm", encoding="ascii") as comm:
                if comm.read().startswith("pmd-"):
                    with open(f"{tasks}/{task}/schedstat", encoding="ascii") as stat:
                        return int(stat.read().split()[0])
        raise RuntimeError("no thread of it forwards")

    def measure(self, seconds, port):
        """Nanoseconds of each packet that left."""
        time.sleep(0.5)
        packets, cpu = self.sent(port), self.forwarding_ns()
        time.sleep(seconds)
        packets, cpu = self.sent(port) - packets, self.forwarding_ns() - cpu
        if packets < 10_000:
            raise RuntimeError(f"only {packets} packets left in {seconds} s")
        return cpu / packets


def wait_for(ready, otherwise):
    for _ in range(100):
        if ready():
            return
        time.sleep(0.1)
    raise RuntimeError(otherwise)
