"""Run the stand-in: `python -m tests.lab.srsenb [--stop-s S] enb.conf`, until SIGTERM."""

from __future__ import annotations

import argparse
import configparser
import os
import signal
import threading
from ipaddress import ip_address

from tests.lab import s1ap, sctp
from tests.lab.enb.peer import is_present

RETRY_S = 10.0
ANSWER_S = 5.0


def main() -> int:
    """Try to have S1, and say how that comes out."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab.srsenb", description=__doc__)
    parser.add_argument("--stop-s", type=float, default=5.0, help="how long it takes to stop")
    parser.add_argument("--retry-s", type=float, default=RETRY_S, help="between attempts")
    parser.add_argument("file")
    arguments = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: _stop(arguments.stop_s))
    file = configparser.ConfigParser(inline_comment_prefixes=("#",))
    file.read(arguments.file)
    keys = file["enb"]
    say("---  Software Radio Systems LTE eNodeB  ---")
    while True:
        attempt(keys)
        say(f"Attempting reconnection in {arguments.retry_s:g} seconds")
        threading.Event().wait(arguments.retry_s)
        say("Restarting S1 connection")


def say(text: str) -> None:
    """Write a line as the log and the console of srsenb have it."""
    print(text, flush=True)


def attempt(keys: configparser.SectionProxy) -> None:
    """Connect, register, and stay until S1 ends."""
    local, mme = ip_address(keys["s1c_bind_addr"]), ip_address(keys["mme_addr"])
    if not is_present(local):
        say("bind(): Cannot assign requested address")
        return
    try:
        association = sctp.connect(local, mme, s1ap.PORT, ANSWER_S)
    except sctp.SctpError:
        say("Failed to initiate S1 connection.")
        return
    try:
        association.send(s1ap.encode(request(keys)), s1ap.PPID)
        while True:
            message = association.receive(ANSWER_S)
            if message is not None and not accepted(s1ap.decode(message.data)):
                return
    except sctp.SctpError:
        say("SCTP Association Shutdown")
    finally:
        association.abort()


def request(keys: configparser.SectionProxy) -> s1ap.S1SetupRequest:
    """Return its S1 SETUP REQUEST: that of a macro eNB, whatever it was told."""
    plmn = keys["mcc"] + keys["mnc"]
    return s1ap.S1SetupRequest(
        global_enb_id=s1ap.GlobalEnbId(plmn, int(keys["enb_id"], 0), s1ap.EnbKind.MACRO),
        supported_tas=(s1ap.SupportedTa(1, (plmn,)),),
        enb_name="srsenb01",
    )


def accepted(message: s1ap.Message) -> bool:
    """Say what an answer is; return whether S1 goes on."""
    match message:
        case s1ap.S1SetupResponse():
            say('[S1AP] [I] Proc "MME Connection" - S1Setup procedure completed successfully')
        case s1ap.S1SetupFailure(cause):
            say(f"S1 Setup Failure. Cause: {cause}")
            return False
    return True


def _stop(after_s: float) -> None:
    """Take so long, then die without a word to the MME."""
    say("Stopping ..")
    signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    signal.setitimer(signal.ITIMER_REAL, max(after_s, 0.001))


if __name__ == "__main__":
    main()
