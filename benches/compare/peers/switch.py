"""An Open vSwitch of our own: its database, its sockets and its network are its own."""

import json
import os
import pathlib
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
            # Milliseconds after which a flow that is not used leaves the caches: more than a pause.
            "max-idle": "600000",
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
                    said = json.loads(answer)
                except ValueError:
                    continue
                if said.get("error"):
                    raise RuntimeError(f"{method}: {said['error']}")
                return said["result"]

    def pause(self):
        """Its thread never sleeps: while ours are measured it has to stand still."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def passed(self):
        """Packets that p0 has received, and packets that have left by n0."""
        shown = self.ask("dpctl/show", "-s", "netdev@ovs-netdev")
        counts = [
            re.search(rf"port \d+: {port} .*?{way} packets:(\d+)", shown, re.DOTALL)
            for port, way in (("p0", "RX"), ("n0", "TX"))
        ]
        if None in counts:
            raise RuntimeError(f"a port is missing in: {shown}")
        return tuple(int(count.group(1)) for count in counts)

    def cpu_ns(self, threads=""):
        """Time on a core of its threads of this name, or of all: what else runs there does not count."""
        total = 0
        for task in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir():
            if (task / "comm").read_text().startswith(threads):
                total += int((task / "schedstat").read_text().split()[0])
        return total

    def forwarding_ns(self):
        """Of the thread that forwards."""
        return self.cpu_ns("pmd-")

    def settle(self):
        """Until every flow has found its way into the caches."""
        for _ in range(80):
            before = self.passed()
            time.sleep(0.25)
            received, sent = (now - then for now, then in zip(self.passed(), before))
            if received and sent > 0.999 * received:
                return
        raise RuntimeError(f"of {received} packets {sent} left")

    def measure(self, seconds):
        """Nanoseconds of each packet that left."""
        self.settle()
        (_, before), cpu = self.passed(), self.forwarding_ns()
        time.sleep(seconds)
        (_, sent), cpu = self.passed(), self.forwarding_ns() - cpu
        return cpu / (sent - before)


def wait_for(ready, otherwise):
    for _ in range(100):
        if ready():
            return
        time.sleep(0.1)
    raise RuntimeError(otherwise)
