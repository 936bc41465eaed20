"""What a file server says of a file's content, and whether it is so. No I/O."""

from __future__ import annotations

import binascii
import hashlib
import re
from base64 import b64decode
from collections.abc import Mapping

# RFC 9530 (Repr-Digest, Content-Digest), RFC 3230 (Digest), RFC 1864 (Content-MD5).
ALGORITHMS = {"sha-256": "sha256", "sha-512": "sha512", "sha": "sha1", "md5": "md5"}

_ITEM = re.compile(r"\s*([A-Za-z0-9-]+)\s*=\s*:?([A-Za-z0-9+/=]+):?\s*")


class Checksums:
    """Hashes a file as it comes, by what the headers of the response tell of it."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        wanted = [("md5", headers["Content-MD5"])] if "Content-MD5" in headers else []
        for name in ("Repr-Digest", "Content-Digest", "Digest"):
            for item in headers.get(name, "").split(","):
                if (found := _ITEM.fullmatch(item)) is not None:
                    wanted.append((found[1].lower(), found[2]))
        self._wanted = [
            (name, text, hashlib.new(ALGORITHMS[name], usedforsecurity=False))
            for name, text in wanted
            if name in ALGORITHMS
        ]

    def update(self, piece: bytes) -> None:
        """Take the next piece of the file."""
        for _, _, found in self._wanted:
            found.update(piece)

    def wrong(self) -> str | None:
        """Return the name of a checksum that is another one, None where all are right."""
        for name, text, found in self._wanted:
            if _decoded(text) != found.digest():
                return name
        return None


def _decoded(text: str) -> bytes:
    try:
        return b64decode(text.strip(), validate=True)
    except binascii.Error:
        return b""
