"""A file server, and the installer of the box."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from henbd.errors import FaultCode, TransferError
from henbd.system.carriage import (
    Document,
    Errand,
    FetchDocument,
    FetchImage,
    Image,
    Install,
    Installed,
    Outcome,
    Send,
    SendLog,
    Sent,
)
from tests.unit.fakes.clockwork import Doorbell, Time

TAKES_S = 5.0


def image(number: int) -> str:
    """Return the name of the image that is fetched as the so-manyeth."""
    return f"/tmp/henbd-fetched-{number}.img"


IMAGE = image(1)


class FileServer:
    """What is there to fetch, by URL: a JSON object, an image (None), or why not; what was sent."""

    def __init__(self) -> None:
        self.there: dict[str, Mapping[str, Any] | TransferError | None] = {}
        self.received: dict[str, bytes | tuple[str, ...]] = {}
        self.asked: list[str] = []
        # What is on the disk of the box, whoever has put it there.
        self.images: set[str] = set()
        self.fetched = 0
        # Why everything fails.
        self.fails: TransferError | None = None


class FilesShell:
    """What henbd.system.carriage is, over a fake server; `installed` is what an installer does."""

    def __init__(self, server: FileServer, time: Time, doorbell: Doorbell) -> None:
        self.installed: Callable[[], TransferError | None] = lambda: None
        self.images = server.images
        self.takes_s = TAKES_S
        self.began = 0
        self.given_up = 0
        self._server, self._time, self._doorbell = server, time, doorbell

    def carry(self, errand: Errand, done: Callable[[Outcome], None]) -> Callable[[], None]:
        """Do an errand in its time, unless it is given up before that."""
        self.began += 1
        if isinstance(errand, FetchImage):
            self._server.fetched += 1
            self.images.add(image(self._server.fetched))
        fetched = image(self._server.fetched)
        outcome = partial(self._outcome, errand, fetched)
        under_way = [done]

        def end(outcome: Callable[[], Outcome]) -> None:
            if under_way:
                done = under_way.pop()
                self._doorbell.ring(lambda: done(outcome()))

        def give_up() -> None:
            if under_way and isinstance(errand, FetchImage):
                self.images.discard(fetched)
            self.given_up += len(under_way)
            end(lambda: TransferError(FaultCode.FILE_INCOMPLETE, "given up"))

        self._time.after(self.takes_s, lambda: end(outcome))
        return give_up

    def discard(self, file: str) -> None:
        """Remove an image that is there."""
        self.images.remove(file)

    def clear(self, directory: str) -> None:
        """Remove all images."""
        assert directory == "/tmp"
        self.images.clear()

    def _outcome(self, errand: Errand, image: str) -> Outcome:
        if isinstance(errand, Install):
            assert errand.file in self.images
            return self.installed() or Installed()
        url = errand.server.url
        self._server.asked.append(url)
        found = self._server.fails or self._server.there.get(url)
        if isinstance(found, TransferError):
            self.images.discard(image)
            return found
        match errand:
            case FetchImage():
                return Image(image)
            case FetchDocument():
                assert found is not None
                return Document(found)
            case Send(content=content):
                self._server.received[url] = content
            case SendLog(command=command):
                self._server.received[url] = command
        return Sent()
