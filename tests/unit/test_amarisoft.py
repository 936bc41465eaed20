"""What Amarisoft's lteenb reads and says, as far as it is publicly known."""

from __future__ import annotations

import json
from dataclasses import replace
from ipaddress import ip_address

import pytest

from henbd.system.s1ap.amarisoft_text import beyond, hear, rewrite
from henbd.system.s1ap.dialect import Said
from henbd.values import FarEnd, PeerState
from tests.unit.test_srsenb import LINK

FILE = """\
/* mme_list: [] is further down */
{
  log_options: "all.level=error, mme_list: 1",
  com_addr: "[::]:9001",
  mme_list: [
    {
      /* the address of the MME ] */
      mme_addr: "127.0.1.100", // }
    },
  ],
  // the address of GTP
  gtp_addr: "127.0.1.1",
  enb_id: 0x1A2D0,
}
"""
INACTIVE = Said(PeerState.DOWN, "stack/inactive")
FIRST, SECOND = LINK.peers[0], FarEnd(ip_address("fd00:30::2"), 36413)


def test_far_ends_and_addresses_are_rewritten_and_all_else_stays() -> None:
    found = rewrite(FILE, replace(LINK, peers=(FIRST, SECOND)))
    mmes = (
        'mme_list: [{ mme_addr: "10.30.0.2", s1ap_bind_addr: "10.99.0.1" }, '
        '{ mme_addr: "[fd00:30::2]:36413", s1ap_bind_addr: "10.99.0.1" }],'
    )
    before, _, rest = FILE.partition("mme_list: [\n")
    after = rest.partition("  ],\n")[2].replace("127.0.1.1", "10.99.0.1")
    assert found == f"{before}{mmes}\n{after}"


def test_rewriting_twice_changes_nothing() -> None:
    once = rewrite(FILE, LINK)
    assert rewrite(once, LINK) == once
    assert rewrite(rewrite(once, replace(LINK, peers=(SECOND,))), LINK) == once


def test_a_file_without_its_keys_is_refused() -> None:
    for text, reason in (
        ("{}", "there is no mme_list"),
        ('{ "mme_list": [] }', "there is no gtp_addr"),
        ("{ mme_list: 5 }", "neither a list nor a text"),
        ('{ mme_list: [{ gtp_addr: "10.0.0.1" }] }', "one is within the other"),
        ("{ gtp_addr: [{ mme_list: [] }] }", "one is within the other"),
        ("{ mme_list: [ }", "brackets do not match"),
        ("{ mme_list: [", "brackets do not match"),
        ("{ /* mme_list: [] }", "has no end"),
        ('{ mme_list: "', "has no end"),
    ):
        with pytest.raises(ValueError, match=reason):
            rewrite(text, LINK)


def answer(*items: dict[str, object]) -> str:
    return json.dumps({"message": "s1", "s1_list": items})


def test_its_answer_says_how_s1_with_each_far_end_is() -> None:
    link = replace(LINK, peers=(FIRST, SECOND))
    said = hear(
        answer(
            {"address": "10.30.0.2:36412", "state": "Setup done"},
            {"address": "[fd00:30::2]:36413", "state": "connecting"},
        ),
        link,
    )
    assert said == {FIRST: Said(PeerState.UP), SECOND: Said(PeerState.CONNECTING)}
    for items, expected in (
        ([{"address": "10.30.0.2", "state": "setup_done"}], Said(PeerState.UP)),
        (
            [{"address": "10.30.0.22", "state": "setup_done"}],
            Said(PeerState.DOWN, "stack/inactive"),
        ),
        ([], INACTIVE),
        ([{"address": "10.30.0.2", "state": "odd"}], Said(PeerState.DOWN, "stack/odd")),
        ([{"address": "10.30.0.2"}], Said(PeerState.DOWN, "stack/")),
        ([7, {"address": 7}], INACTIVE),
    ):
        assert hear(answer(*items), LINK)[FIRST] == expected


def test_other_answers_say_nothing() -> None:
    for text in ("", "[]", '{"message":"ready"}', '{"s1_list": {}}', "[" * 100_000):
        assert hear(text, LINK) == {}


def test_it_transmits_as_soon_as_it_runs() -> None:
    assert beyond(LINK) is None
    assert "transmits" in str(beyond(replace(LINK, may_transmit=False)))
