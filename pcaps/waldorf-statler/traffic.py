"""What the guests of record.sh say to each other: a DNS exchange and a TCP transfer.

    traffic.py serve TENANT                     on guest 22: UDP port 53 and TCP port 5001, both families
    traffic.py ask TENANT ADDRESS BYTES         on guest 11: look the peer up, send BYTES, read BYTES back

Every line of a transfer names its tenant and sender, so a byte that strays shows where it came from.
"""

import selectors
import socket
import struct
import sys

DNS_PORT, TRANSFER_PORT = 53, 5001
A, AAAA, CLASS_IN = 1, 28, 1
TTL_SECONDS = 3600


def lines(tenant: str, guest: int, size: int) -> bytes:
    """`size` bytes of numbered lines that name the sender."""
    line = lambda n: f"{tenant}{guest} line {n:06}\n".encode()
    return b"".join(line(n) for n in range(size // len(line(0)) + 1))[:size]


def query(ident: int, tenant: str, kind: int) -> bytes:
    """A DNS question (RFC 1035 section 4.1) for the tenant's guest 22."""
    name = b"".join(bytes([len(p)]) + p for p in (f"{tenant.lower()}22".encode(), b"example")) + b"\0"
    return struct.pack(">6H", ident, 0x0100, 1, 0, 0, 0) + name + struct.pack(">2H", kind, CLASS_IN)


def answer(question: bytes) -> bytes:
    """The answer to `query`: one A or AAAA record, its name a pointer to the question."""
    kind = struct.unpack(">H", question[-4:-2])[0]
    data = (socket.inet_aton("192.168.1.22") if kind == A
            else socket.inet_pton(socket.AF_INET6, "fd00:192:168:1::22"))
    header = struct.pack(">6H", struct.unpack(">H", question[:2])[0], 0x8580, 1, 1, 0, 0)
    return header + question[12:] + struct.pack(">3HIH", 0xC00C, kind, CLASS_IN, TTL_SECONDS, len(data)) + data


def read_all(stream: socket.socket) -> bytes:
    parts = []
    while part := stream.recv(65536):
        parts.append(part)
    return b"".join(parts)


def serve(tenant: str) -> None:
    chooser = selectors.DefaultSelector()
    for family in (socket.AF_INET, socket.AF_INET6):
        for kind, port in ((socket.SOCK_DGRAM, DNS_PORT), (socket.SOCK_STREAM, TRANSFER_PORT)):
            listener = socket.socket(family, kind)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("", port))
            if kind == socket.SOCK_STREAM:
                listener.listen()
            chooser.register(listener, selectors.EVENT_READ)
    while True:
        for key, _ in chooser.select():
            if key.fileobj.type == socket.SOCK_DGRAM:
                question, peer = key.fileobj.recvfrom(512)
                key.fileobj.sendto(answer(question), peer)
            else:
                stream, _ = key.fileobj.accept()
                with stream:
                    got = read_all(stream)
                    assert got == lines(tenant, 11, len(got)), "not what guest 11 sends"
                    stream.sendall(lines(tenant, 22, len(got)))


def ask(tenant: str, address: str, size: int) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as resolver:
        resolver.settimeout(5)
        for ident, kind in ((0x1101, A), (0x1102, AAAA)):
            resolver.sendto(query(ident, tenant, kind), (address, DNS_PORT))
            assert resolver.recv(512) == answer(query(ident, tenant, kind)), "not the answer"
    with socket.create_connection((address, TRANSFER_PORT), timeout=20) as stream:
        stream.sendall(lines(tenant, 11, size))
        stream.shutdown(socket.SHUT_WR)
        assert read_all(stream) == lines(tenant, 22, size), "not what guest 22 sends"


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2])
    else:
        ask(sys.argv[2], sys.argv[3], int(sys.argv[4]))
