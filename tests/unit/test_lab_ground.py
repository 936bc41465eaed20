"""What of the lab's ground needs no ground: formats, texts and tables."""

from __future__ import annotations

import lzma
import struct
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.lab.capture import in_the_clear
from tests.lab.charon import Settings, configuration, merged, render
from tests.lab.ike import ike_sas
from tests.lab.pcap import (
    ARP,
    ICMP,
    ICMPV6,
    IPV4,
    IPV6,
    SCTP,
    TCP,
    UDP,
    Frame,
    MalformedCapture,
    Packet,
    frames,
    packet,
)
from tests.lab.topology import CORE, LINKS, POOLS, PROTECTED
from tests.lab.vm_kernel import Entry, cpio, load_order, uncompressed

FILE_HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)


def record(frame: bytes, at: tuple[int, int] = (1, 500_000)) -> bytes:
    return struct.pack("<IIII", *at, len(frame), len(frame)) + frame


def ethernet(ethertype: int, payload: bytes) -> bytes:
    return bytes(12) + struct.pack("!H", ethertype) + payload


def ipv4(
    protocol: int,
    payload: bytes,
    *,
    source: str = "10.99.0.1",
    destination: str = "10.30.0.2",
    offset: int = 0,
) -> bytes:
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 1, offset, 64, protocol, 0)
    return head + IPv4Address(source).packed + IPv4Address(destination).packed + payload


def ipv6(next_header: int, payload: bytes) -> bytes:
    head = struct.pack("!IHBB", 6 << 28, len(payload), next_header, 64)
    return head + IPv6Address("fd00:99::1").packed + IPv6Address("fd00:30::2").packed + payload


# --- captures


def test_frames_come_with_time_and_type() -> None:
    capture = FILE_HEADER + record(ethernet(ARP, b"who")) + record(ethernet(IPV4, b"x"), (2, 0))
    assert list(frames(capture)) == [Frame(1.5, ARP, b"who"), Frame(2.0, IPV4, b"x")]


def test_frame_still_being_written_is_left_out() -> None:
    whole = FILE_HEADER + record(ethernet(ARP, b"first"))
    second = record(ethernet(ARP, b"second"))
    for end in range(len(second)):
        assert [frame.payload for frame in frames(whole + second[:end])] == [b"first"]


def test_capture_without_a_whole_header_has_no_frames() -> None:
    assert list(frames(FILE_HEADER[:-1])) == []


@pytest.mark.parametrize(
    ("header", "why"),
    [
        (FILE_HEADER[3::-1] + FILE_HEADER[4:], "magic 0xd4c3b2a1"),
        (FILE_HEADER[:-4] + struct.pack("<I", 101), "link type 101"),
    ],
)
def test_capture_of_another_kind_is_refused(header: bytes, why: str) -> None:
    with pytest.raises(MalformedCapture, match=why):
        list(frames(header))


@pytest.mark.parametrize(
    ("ethertype", "data", "text"),
    [
        (IPV4, ipv4(SCTP, b"\x8e\x3c\x8e\x3d"), "SCTP 10.99.0.1:36412 > 10.30.0.2:36413 24 bytes"),
        (IPV4, ipv4(UDP, b"\x08\x68\x08\x68"), "UDP 10.99.0.1:2152 > 10.30.0.2:2152 24 bytes"),
        (IPV4, ipv4(TCP, b"\x00\x50"), "TCP 10.99.0.1 > 10.30.0.2 22 bytes"),
        (IPV4, ipv4(TCP, b"\x00\x50\x00\x51", offset=7), "TCP 10.99.0.1 > 10.30.0.2 24 bytes"),
        (IPV4, ipv4(89, b""), "protocol 89 10.99.0.1 > 10.30.0.2 20 bytes"),
        (IPV6, ipv6(TCP, b"\x00\x07\x00\x09"), "TCP fd00:99::1:7 > fd00:30::2:9 44 bytes"),
        (
            IPV6,
            ipv6(0, bytes([60, 0]) + bytes(6) + bytes([UDP, 0]) + bytes(6) + b"\0\5\0\6"),
            "UDP fd00:99::1:5 > fd00:30::2:6 60 bytes",
        ),
        (
            IPV6,
            ipv6(44, bytes([UDP, 0, 0, 1, 0, 0, 0, 0]) + b"\0\5\0\6"),
            "UDP fd00:99::1:5 > fd00:30::2:6 52 bytes",
        ),
        (
            IPV6,
            ipv6(44, bytes([SCTP, 0, 0, 9, 0, 0, 0, 0]) + b"\0\5\0\6"),
            "SCTP fd00:99::1 > fd00:30::2 52 bytes",
        ),
        (
            IPV6,
            ipv6(ICMPV6, b"\1\4" + bytes(6) + ipv6(UDP, b"\0\5\0\6")),
            "ICMPv6 fd00:99::1:5 > fd00:30::2:6 92 bytes",
        ),
        (
            IPV4,
            ipv4(ICMP, b"\3\3" + bytes(6) + ipv4(UDP, b"\0\5\0\6")),
            "ICMP 10.99.0.1:5 > 10.30.0.2:6 52 bytes",
        ),
        (
            IPV4,
            ipv4(ICMP, b"\3\3" + bytes(6) + ipv4(TCP, b"\0\5\0\6")),
            "ICMP 10.99.0.1 > 10.30.0.2 52 bytes",
        ),
    ],
)
def test_packet_tells_who_sends_what_to_whom(ethertype: int, data: bytes, text: str) -> None:
    assert str(packet(Frame(0.0, ethertype, data))) == text


@pytest.mark.parametrize(
    ("ethertype", "data"),
    [
        (ARP, bytes(28)),
        (IPV4, ipv4(TCP, b"")[:19]),
        (IPV6, ipv6(TCP, b"")[:39]),
        (IPV4, ipv6(TCP, b"")),
        (IPV6, ipv4(TCP, bytes(40))),
    ],
)
def test_frame_without_a_whole_ip_header_is_no_packet(ethertype: int, data: bytes) -> None:
    assert packet(Frame(0.0, ethertype, data)) is None


@given(st.sampled_from([IPV4, IPV6]), st.sampled_from([0x45, 0x4F, 0x40, 0x60]), st.binary())
def test_no_payload_upsets_the_reader(ethertype: int, first: int, rest: bytes) -> None:
    found = packet(Frame(0.0, ethertype, bytes([first]) + rest))
    assert found is None or found.source.version == found.destination.version


def test_clear_is_what_belongs_to_the_core_and_nothing_protects() -> None:
    inside, outside = IPv4Address("10.99.0.1"), IPv4Address("10.10.1.2")
    mme, gateway = IPv4Address("10.30.0.2"), IPv4Address("10.20.0.2")

    def clear(
        source: IPv4Address | IPv6Address,
        destination: IPv4Address | IPv6Address,
        protocol: int,
        ports: tuple[int, int] | None = None,
        icmp_type: int | None = None,
    ) -> bool:
        sample = Packet(0.0, source, destination, protocol, ports, icmp_type, 100)
        return in_the_clear(sample, PROTECTED)

    assert clear(outside, mme, SCTP, (36412, 36412))
    assert clear(mme, outside, SCTP, (36412, 36412))
    assert clear(inside, gateway, TCP, (7547, 80))
    assert clear(outside, mme, UDP, (2152, 2152))
    assert clear(outside, mme, UDP)
    assert clear(outside, mme, TCP, (4500, 4500))
    assert clear(outside, mme, ICMP, icmp_type=8)
    assert clear(mme, outside, ICMP, (2152, 2152), icmp_type=3)
    assert not clear(mme, outside, ICMP, (4500, 4500), icmp_type=3)
    assert not clear(outside, gateway, TCP, (1, 2))
    assert not clear(inside, mme, 50)
    assert not clear(inside, mme, UDP, (4500, 4500))
    assert not clear(inside, mme, UDP, (500, 500))
    inside_6, link = IPv6Address("fd00:99::1"), IPv6Address("ff02::1:ff00:1")
    assert not clear(inside_6, link, ICMPV6, icmp_type=135)
    assert clear(inside_6, link, ICMPV6, icmp_type=128)


# --- strongswan.conf


def test_settings_are_merged_section_by_section() -> None:
    left: Settings = {"a": "1", "plugins": {"vici": {"socket": "x"}}}
    right: Settings = {"a": "2", "plugins": {"resolve": {"file": "y"}}}
    assert merged(left, right) == {
        "a": "2",
        "plugins": {"vici": {"socket": "x"}, "resolve": {"file": "y"}},
    }
    assert left["plugins"] == {"vici": {"socket": "x"}}


def test_section_may_take_the_place_of_a_setting_and_back() -> None:
    assert merged({"a": "1"}, {"a": {"b": "2"}}) == {"a": {"b": "2"}}
    assert merged({"a": {"b": "2"}}, {"a": "1"}) == {"a": "1"}


def test_one_setting_is_written_a_line() -> None:
    assert render({"a": "1", "b": {"c": "2 3"}}) == "a = 1\nb {\n  c = 2 3\n}\n"


def test_configuration_has_plugins_socket_and_what_a_test_wants() -> None:
    wanted: Settings = {"retransmit_tries": "7", "plugins": {"resolve": {"file": "/r"}}}
    text = configuration(Path("/s/vici"), Path("/l"), ("random", "vici"), wanted)
    lines = [line.strip() for line in text.splitlines()]
    assert lines[0] == "charon-systemd {"
    assert "load = random vici" in lines
    assert "socket = unix:///s/vici" in lines
    assert "path = /l" in lines
    assert "retransmit_tries = 7" in lines
    assert "retransmit_tries = 3" not in lines
    assert "file = /r" in lines


# --- VICI


def test_sas_are_read_from_a_message() -> None:
    child = {
        "name": b"s1",
        "uniqueid": b"7",
        "state": b"INSTALLED",
        "local-ts": [b"10.30.0.2/32"],
        "remote-ts": [b"10.99.0.1/32"],
    }
    section = {
        "uniqueid": b"3",
        "state": b"ESTABLISHED",
        "remote-id": b"henb1.lab",
        "remote-host": b"10.10.1.2",
        "remote-vips": [b"10.99.0.1", b"fd00:99::1", b"10.99.0.1"],
        "child-sas": {"s1-7": child},
    }
    (sa,) = ike_sas({"up": b"yes", "henb": section})
    assert (sa.name, sa.unique_id, sa.state) == ("henb", "3", "ESTABLISHED")
    assert sa.remote_inner == (IPv4Address("10.99.0.1"), IPv6Address("fd00:99::1"))
    assert sa.local_inner == ()
    assert sa.children[0].local_selectors == ("10.30.0.2/32",)


def test_sa_that_was_never_established_has_little() -> None:
    (sa,) = ike_sas({"(unnamed)": {"uniqueid": b"5", "state": b"CONNECTING"}})
    assert (sa.remote_id, sa.remote_inner, sa.children) == ("", (), ())


# --- topology


def test_links_are_made_from_the_left_and_no_name_is_twice() -> None:
    ends = [(end.role, end.name) for link in LINKS for end in (link.left, link.right)]
    assert len(set(ends)) == len(ends)
    outer = [ip_network(a, strict=False) for link in LINKS[:3] for a in link.left.addresses]
    assert not any(
        net.version == 4 and net.overlaps(part) for net in outer for part in (CORE, POOLS)
    )


# --- the VM's first programs


def unpacked(archive: bytes) -> Iterator[tuple[str, int, bytes, tuple[int, int]]]:
    """Yield name, mode, data and device of what is in an archive, as the kernel reads it."""
    offset = 0
    while True:
        assert archive[offset : offset + 6] == b"070701"
        digits = archive[offset + 6 : offset + 110]
        fields = [int(digits[i : i + 8], 16) for i in range(0, 104, 8)]
        mode, size, name_size, device = fields[1], fields[6], fields[11], (fields[9], fields[10])
        name = archive[offset + 110 : offset + 110 + name_size]
        assert name.endswith(b"\0")
        start = (offset + 110 + name_size + 3) & ~3
        if name == b"TRAILER!!!\0":
            assert len(archive) == start
            return
        yield name[:-1].decode(), mode, archive[start : start + size], device
        offset = (start + size + 3) & ~3


@pytest.mark.parametrize("size", range(9))
def test_archive_holds_what_was_put_in(size: int) -> None:
    entries = [
        Entry("x" * (size + 1), 0o40755),
        Entry("file", 0o100644, b"d" * size),
        Entry("dev/console", 0o20600),
    ]
    assert list(unpacked(cpio(entries))) == [
        ("x" * (size + 1), 0o40755, b"", (0, 0)),
        ("file", 0o100644, b"d" * size, (0, 0)),
        ("dev/console", 0o20600, b"", (5, 1)),
    ]


def test_modules_are_loaded_after_what_they_need_and_once() -> None:
    table = (
        "kernel/fs/9p/9p.ko: kernel/net/9p/9pnet.ko kernel/fs/netfs/netfs.ko\n"
        "kernel/net/9p/9pnet.ko:\n"
        "kernel/fs/netfs/netfs.ko:\n"
        "kernel/drivers/virtio/virtio-pci.ko.xz: kernel/drivers/virtio/virtio.ko.xz\n"
    )
    assert load_order(table, ["virtio_pci", "9pnet", "9p", "built_in"]) == [
        "kernel/drivers/virtio/virtio.ko.xz",
        "kernel/drivers/virtio/virtio-pci.ko.xz",
        "kernel/net/9p/9pnet.ko",
        "kernel/fs/netfs/netfs.ko",
        "kernel/fs/9p/9p.ko",
    ]


@pytest.mark.parametrize(("stored", "sectors"), [(3, 3), (0, 4)])
def test_elf_kernel_is_taken_out_of_its_wrapping(stored: int, sectors: int) -> None:
    payload = lzma.compress(b"\x7fELF and so on") + struct.pack("<I", 14)
    image = bytearray((sectors + 1) * 512 + 64) + payload + b"padding"
    image[0x1F1] = stored
    struct.pack_into("<II", image, 0x248, 64, len(payload))
    assert uncompressed(bytes(image)) == b"\x7fELF and so on"


def test_kernel_wrapped_otherwise_is_left_as_it_is() -> None:
    image = bytearray(6 * 512)
    struct.pack_into("<II", image, 0x248, 0, 64)
    assert uncompressed(bytes(image)) is None
