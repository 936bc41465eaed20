"""The least that anybody could do about a new inner address: listen, and send prepared bytes.

Runs as a program on the HeNB. Each line on its standard input is `note ADDRESS` or `send ADDRESS`;
it answers `ready`, and then in seconds of the wall clock when that address was usable: the later of
the kernel's NEWADDR and charon's child-updown. With `send`, prepared bytes leave at that moment.
"""

from __future__ import annotations

import argparse
import select
import socket
import ssl
import struct
import sys
import time
from ipaddress import ip_address

from tests.lab.address_watch import addresses

# linux/rtnetlink.h: RTMGRP_IPV4_IFADDR; strongSwan's vici_protocol: the packet types.
IPV4_ADDRESSES = 0x10
EVENT_REGISTER, EVENT_CONFIRM = 3, 5
UP = b"\x02up\x00\x03yes"

BYTES = b"x" * 2200


def main() -> None:
    """Serve the commands on standard input until it ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("vici")
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("--ca-file")
    arguments = parser.parse_args()
    target = arguments.host, arguments.port
    context = ssl.create_default_context(cafile=arguments.ca_file) if arguments.ca_file else None
    kernel = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    kernel.bind((0, IPV4_ADDRESSES))
    charon = registered(arguments.vici)
    for line in sys.stdin:
        what, address = line.split()
        drain(kernel, charon)
        say("ready")
        usable_at = wait(kernel, charon, address)
        if what == "send":
            sent = send(address, target, context)
            say(str(usable_at))
            sent.close()
        else:
            say(str(usable_at))


def say(word: str) -> None:
    """Write a line at once."""
    print(word, flush=True)


def registered(path: str) -> socket.socket:
    """Return a connection to charon on which it tells of its children."""
    charon = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    charon.connect(path)
    name = b"child-updown"
    body = bytes([EVENT_REGISTER, len(name)]) + name
    charon.sendall(struct.pack("!I", len(body)) + body)
    answer = charon.recv(5, socket.MSG_WAITALL)
    assert answer[4] == EVENT_CONFIRM, answer
    return charon


def drain(*sockets: socket.socket) -> None:
    """Throw away what was told before."""
    while ready := select.select(sockets, [], [], 0)[0]:
        for each in ready:
            each.recv(65536)


def wait(kernel: socket.socket, charon: socket.socket, address: str) -> float:
    """Sleep until the address is there and a child with it; return when that was."""
    wanted, text = ip_address(address), address.encode()
    there = child = False
    poll = select.poll()
    poll.register(kernel, select.POLLIN)
    poll.register(charon, select.POLLIN)
    while not (there and child):
        ready = {descriptor for descriptor, _ in poll.poll()}
        at = time.time()
        if kernel.fileno() in ready:
            there = there or wanted in addresses(kernel.recv(65536))
        if charon.fileno() in ready:
            told = charon.recv(65536)
            assert told, "charon is gone"
            child = child or (UP in told and text in told)
    return at


def send(source: str, target: tuple[str, int], context: ssl.SSLContext | None) -> socket.socket:
    """Connect from an address and send; return the connection."""
    plain = socket.socket()
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    plain.bind((source, 0))
    plain.connect(target)
    stream = context.wrap_socket(plain, server_hostname=target[0]) if context else plain
    stream.sendall(BYTES)
    return stream


if __name__ == "__main__":
    main()
