"""Encap, decap and NAT beside Open vSwitch. Both sides get the same frames, a copy of each first
(net_pcap copies into a buffer of the switch, ours into a buffer with headroom), and tables of as many
records. net_null takes what leaves."""

from ours import DECAP, ENCAP, NAT
from report import Row
from switch import Switch

# Of its ports, in bytes: 1,500 of a guest's packet, and the tunnel's headers.
MTU = 1600

# Operation, case, which frames, and the ratio that is asked for.
CASES = (
    ("encap", ENCAP, "64 B, 1,000 flows", 5),
    ("encap", ENCAP + "/20000-flows", "64 B, 20,000 flows", 0),
    ("encap", ENCAP.replace("64B", "1500B"), "1500 B, 1,000 flows", 0),
    ("decap", DECAP, "64 B, 1,000 flows", 6),
    ("decap", DECAP + "/20000-flows", "64 B, 20,000 flows", 0),
    ("decap", DECAP.replace("64B", "1500B"), "1500 B, 1,000 flows", 0),
    ("nat", NAT, "64 B, 1,000 flows", 0),
    ("nat", NAT + "/20000-flows", "64 B, 20,000 flows", 0),
    ("nat", NAT.replace("64B", "1500B"), "1500 B, 1,000 flows", 0),
)


def compare(machine, ours, asked):
    switch = machine.switch = Switch(machine)
    for operation, case, of, least in CASES:
        connect(switch, operation, ours.file(case, "host"))
        switch.add_flows("br0", ours.file(case, "rules"))
        receive(switch, operation, ours.file(case, "pcap"))
        row = Row(operation, of, "Open vSwitch", [], [], least)
        for _ in range(asked.rounds):
            row.theirs.append(switch.measure(asked.seconds))
            switch.pause()
            row.ours.append(ours.case_ns(case))
            switch.resume()
        yield row
    disconnect(switch)


def disconnect(switch):
    switch.vsctl("--if-exists", "del-br", "br0", "--", "--if-exists", "del-br", "brp")


def connect(switch, operation, host):
    """br0 is the switch of the guests, brp the one to the provider network. What comes in at p0 leaves
    by n0."""
    own, *others = host.read_text().splitlines()
    address, prefix_length, mac = own.split()
    disconnect(switch)
    switch.vsctl(
        "add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev", "fail-mode=secure",
        "--", "add-br", "brp", "--", "set", "bridge", "brp", "datapath_type=netdev",
        f'other-config:hwaddr="{mac}"',
    )
    switch.in_namespace("ip", "link", "set", "brp", "up")
    switch.in_namespace("ip", "addr", "replace", f"{address}/{prefix_length}", "dev", "brp")
    outward = "brp" if operation == "encap" else "br0"
    add_port(switch, outward, "n0", 2, "net_null0,no-rx=1")
    if operation == "nat":
        return
    switch.vsctl(
        "add-port", "br0", "g0", "--", "set", "Interface", "g0", "type=gre", "ofport_request=3",
        "options:remote_ip=flow", f"options:local_ip={address}", "options:key=flow",
    )
    if operation == "decap":
        switch.add_flow("brp", "actions=LOCAL")
        return
    for number, other in enumerate(others):
        neighbor = f"02:00:00:01:{number >> 8:02x}:{number & 255:02x}"
        switch.appctl("tnl/arp/set", "brp", other, neighbor)
    switch.add_flow("brp", "actions=output:2")


def receive(switch, operation, capture):
    """Last of all: without its rules the switch would learn to drop these frames."""
    inward = "brp" if operation == "decap" else "br0"
    add_port(switch, inward, "p0", 1, f"net_pcap0,rx_pcap={capture},infinite_rx=1")


def add_port(switch, bridge, name, number, device):
    switch.vsctl(
        "add-port", bridge, name, "--", "set", "Interface", name, "type=dpdk",
        f"options:dpdk-devargs={device}", f"ofport_request={number}", f"mtu_request={MTU}",
    )
