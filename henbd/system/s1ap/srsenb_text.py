"""What srsenb reads and says: four keys of enb.conf, and the lines of its log about S1.

Pure. srsenb has no other way to be told, nor to be asked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from henbd.system.s1ap.dialect import Dialect, Said
from henbd.values import FarEnd, PeerState, S1Link

SECTION = re.compile(r"\s*\[(?P<name>[^\]]*)\]")
KEY = re.compile(r"(?P<before>\s*(?P<name>\w+)\s*=\s*)(?P<value>[^#\s]*)")


# In the order in which they are looked for. The first is logged with `[log] s1ap_level = info`.
LINES = (
    (re.compile(r"S1Setup procedure completed successfully"), Said(PeerState.UP)),
    (
        re.compile(r"S1 Setup Failure\. Cause: (?P<cause>.*)"),
        Said(PeerState.FAILED, "stack/S1 Setup Failure"),
    ),
    (re.compile(r"Cannot assign requested address"), Said(PeerState.FAILED, "stack/no-address")),
    (
        re.compile(r"Failed to initiate S1 connection"),
        Said(PeerState.FAILED, "stack/no-connection"),
    ),
    (re.compile(r"SCTP Association Shutdown"), Said(PeerState.DOWN, "stack/shut-down-by-the-mme")),
    (re.compile(r"Restarting S1 connection"), Said(PeerState.CONNECTING)),
)

# TS 36.412 7: the port of S1AP.
PORT = 36_412

# Of what the MME says in a failure, so much is kept.
LONGEST_CAUSE = 100


def rewrite(text: str, link: S1Link) -> str:
    """Return enb.conf with these addresses, all else as it was; ValueError without [enb]."""
    wanted = {
        "mme_addr": str(link.peers[0].address),
        "gtp_bind_addr": str(link.local),
        "gtp_advertise_addr": str(link.local),
        "s1c_bind_addr": str(link.local),
    }
    lines = text.split("\n")
    section, header = "", None
    for number, line in enumerate(lines):
        found = SECTION.match(line)
        if found:
            section = found["name"].strip()
            header = number if section == "enb" and header is None else header
        key = KEY.match(line)
        if section == "enb" and key and key["name"] in wanted:
            lines[number] = key["before"] + wanted.pop(key["name"]) + line[key.end() :]
    if header is None:
        raise ValueError("there is no section [enb]")
    # Right behind the header: the sections that follow may have keys of any name.
    lines[header + 1 : header + 1] = [f"{name} = {value}" for name, value in wanted.items()]
    return "\n".join(lines)


def hear(line: str, link: S1Link) -> Mapping[FarEnd, Said]:
    """Return what a line of srsenb's log says of S1; most say nothing."""
    for pattern, said in LINES:
        found = pattern.search(line)
        if found is None:
            continue
        if "cause" in pattern.groupindex:
            said = Said(said.state, f"stack/{found['cause'].strip()[:LONGEST_CAUSE]}")
        return dict.fromkeys(link.peers, said)
    return {}


def beyond(link: S1Link) -> str | None:
    """Return what of a link srsenb cannot do, None where it can do all of it."""
    if link.local.version != 4:
        return "srsenb has S1 over IPv4 alone"
    if len(link.peers) > 1:
        return "srsenb has one MME at a time"
    if link.peers[0].port != PORT:
        return f"srsenb knows no other port than {PORT}"
    if not link.may_transmit:
        return "srsenb transmits as soon as it runs"
    return None


SRSENB = Dialect("srsenb", beyond, hear)
