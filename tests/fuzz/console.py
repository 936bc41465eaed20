"""The lines that come in at the control socket."""

from __future__ import annotations

import json

from henbd.system.console import read_request
from henbd.system.lines import LineBuffer


def fuzz(data: bytes) -> None:
    """Read every line; each is a request, or there is a text that says why not."""
    for line in LineBuffer().feed(data + b"\n"):
        request = read_request(line)
        if isinstance(request, str):
            assert request
        else:
            json.dumps({"error": f"unknown command {request.get('command')!r}"})
