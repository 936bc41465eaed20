"""The first boot: who the box is, by what the board says of itself."""

from __future__ import annotations

import pytest

from tests.openwrt.board import FILES, Board

SHIPPED = (FILES / "henbd.config").read_text()


def booted(board: Board, mac: str | None, name: str = "example,femto-1", label: str = "") -> str:
    """Boot a board for the first time; return what its configuration is then."""
    board.put("lib/functions/system.sh", f"get_mac_label() {{ echo '{label}'; }}\n")
    board.put("tmp/sysinfo/board_name", f"{name}\n")
    if mac is not None:
        board.put("sys/class/net/eth0/address", f"{mac}\n")
    if not (board.root / "etc/config/henbd").exists():
        board.put("etc/config/henbd", SHIPPED)
    board.put("etc/uci-defaults/90-henbd", (FILES / "henbd.defaults").read_text())
    done = board.run("/bin/dash", "/etc/uci-defaults/90-henbd")
    assert (done.returncode, done.stderr) == (0, "")
    return (board.root / "etc/config/henbd").read_text()


def identity(text: str) -> dict[str, str]:
    """Return the options of the section `device` that are set."""
    section = text.partition("config device 'device'\n")[2].partition("\nconfig")[0]
    lines = section.splitlines()
    options = [line.split() for line in lines if line.startswith("\toption")]
    return {name: value.strip("'") for _, name, value in options}


def test_board_names_the_box(board: Board) -> None:
    assert identity(booted(board, "00:25:6d:ab:cd:ef")) == {
        "serial_number": "00256DABCDEF",
        "oui": "00256D",
        "manufacturer": "example",
        "product_class": "femto-1",
    }


def test_label_comes_before_the_first_port(board: Board) -> None:
    found = identity(booted(board, "00:25:6d:00:00:01", label="00:25:6d:00:00:02"))
    assert found["serial_number"] == "00256D000002"


def test_address_that_is_made_up_names_no_manufacturer(board: Board) -> None:
    found = identity(booted(board, "02:25:6d:ab:cd:ef"))
    assert found["serial_number"] == "02256DABCDEF"
    assert "oui" not in found


@pytest.mark.parametrize("mac", [None, "", "not an address"])
def test_board_without_an_address_leaves_the_serial_number_open(
    board: Board, mac: str | None
) -> None:
    assert identity(booted(board, mac)).keys() == {"manufacturer", "product_class"}


def test_board_without_a_vendor_leaves_its_name_open(board: Board) -> None:
    assert "product_class" not in identity(booted(board, None, "x86"))


def test_what_is_set_stays(board: Board) -> None:
    board.put("etc/config/henbd", "config device 'device'\n\toption serial_number '7'\n")
    found = identity(booted(board, "00:25:6d:ab:cd:ef"))
    assert (found["serial_number"], found["oui"]) == ("7", "00256D")
    assert identity(booted(board, "00:25:6d:ff:ff:ff")) == found
