"""The HeMS of the lab: a scripted ACS that holds the CPE to TR-069, and notes every breach.

`server` has the sockets and threads, `reception` and `session` the dialogue without them; `script`
and `rpc` are what tests write, `messages` what they read.
"""

from tests.lab.hems.server import Hems, TlsFiles

__all__ = ["Hems", "TlsFiles"]
