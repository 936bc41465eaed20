"""`make lab`: what to do in a lab that is kept up, and the keys that do something in it."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator

from tests.lab.lab import ROOT, Lab

HELP = """
The lab is up. In another shell:

  what henbd believes         {henbd} status --socket {control}
  what henbd says             tail -f {log}
  a shell on the HeNB         ip netns exec {henb} bash
  the tunnel                  swanctl --uri unix://{vici} --list-sas
  the guards                  ip -n {henb} xfrm policy; ip -n {henb} rule
  the wire                    ip netns exec {net} tcpdump --immediate-mode -ni henb0
  change the inner address    swanctl --uri unix://{vici} --rekey --ike NAME --reauth
                              (NAME as in --list-sas; the gateway grants another one each time)

Here: a, change the inner address; c, connection request of the HeMS; s, status; q or ^C, the end.
"""


def keep(lab: Lab) -> None:
    """Explain the lab and do as the person says until it is enough."""
    pools = (f"10.99.{n}.0/24" for n in itertools.cycle(range(2, 250)))
    _next_pool(lab, pools)
    net = lab.net
    print(
        HELP.format(
            henbd=f"PYTHONPATH={ROOT} {sys.executable} -m henbd",
            control=lab.control_socket,
            log=lab.henbd.output,
            henb=net.henb.name,
            net=net.net.name,
            vici=lab.charon.vici.path,
        ),
        flush=True,
    )
    try:
        for line in sys.stdin:
            match line.strip():
                case "a":
                    for sa in lab.charon.vici.sas():
                        lab.charon.vici.reauthenticate(sa.name)
                    _next_pool(lab, pools)
                case "c":
                    print(f"HTTP {lab.call()}")
                case "s":
                    print(lab.screen())
                case "q":
                    return
    except KeyboardInterrupt:
        print()


def _next_pool(lab: Lab, pools: Iterator[str]) -> None:
    lab.gateway.use_pool(next(pools))
