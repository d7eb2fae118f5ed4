"""Prints the nanoseconds that scapy takes for a frame of each kind, time on a core."""

import json
import logging
import time

logging.getLogger("scapy").setLevel(logging.ERROR)
from scapy.all import GRE, IP, UDP, Ether, Raw  # noqa: E402: it complains while it is imported

FRAMES = 500
KEY = 5001 << 8 | 7

INNER = bytes(
    Ether(dst="00:15:5d:00:00:03", src="00:15:5d:00:00:00")
    / IP(src="10.0.0.2", dst="10.0.0.5")
    / UDP(sport=1024, dport=53)
    / Raw(bytes(18))
)


def encap(frame):
    link = Ether(dst="02:00:00:01:00:00", src="02:00:00:00:00:00")
    outer = link / IP(src="172.0.0.1", dst="172.0.0.2") / GRE(key_present=1, proto=0x6558, key=KEY)
    return bytes(outer / Raw(frame))


def decap(frame):
    packet = Ether(frame)
    assert packet[GRE].key == KEY
    return bytes(packet[GRE].payload)


def nat(frame):
    packet = Ether(frame)
    packet[IP].src, packet[IP].dst = "172.0.0.65", "172.0.0.68"
    del packet[IP].chksum, packet[UDP].chksum
    return bytes(packet)


def ns_of(work, frame):
    start = time.process_time_ns()
    for _ in range(FRAMES):
        work(frame)
    return (time.process_time_ns() - start) / FRAMES


OUTER = encap(INNER)
assert decap(OUTER) == INNER
print(json.dumps({
    "encap": ns_of(encap, INNER),
    "decap": ns_of(decap, OUTER),
    "nat": ns_of(nat, INNER),
}))
