"""The poll set: who is called when several descriptors are ready in one turn."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest

from henbd.system.doorbell import Doorbell


@pytest.fixture
def pipes() -> Iterator[list[int]]:
    """Give a list of descriptors that are closed at the end."""
    opened: list[int] = []
    yield opened
    for descriptor in opened:
        os.close(descriptor)


def ready(pipes: list[int]) -> int:
    """Return the end of a new pipe that has something to read."""
    read, write = os.pipe()
    pipes += read, write
    os.write(write, b"x")
    return read


def test_one_that_is_forgotten_in_a_turn_is_not_called_in_it(pipes: list[int]) -> None:
    doorbell, first, second = Doorbell(), ready(pipes), ready(pipes)
    called: list[str] = []
    doorbell.watch(first, lambda: doorbell.forget(second))
    doorbell.watch(second, lambda: called.append("forgotten"))
    doorbell.wait(time.monotonic())
    assert called == []


def test_the_next_owner_of_a_number_is_not_called_for_the_former(pipes: list[int]) -> None:
    doorbell, first, second = Doorbell(), ready(pipes), ready(pipes)
    called: list[str] = []

    def change_hands() -> None:
        doorbell.forget(first)
        doorbell.forget(second)
        silent, write = os.pipe()
        pipes.append(write)
        os.dup2(silent, second, inheritable=False)
        os.close(silent)
        doorbell.watch(second, lambda: called.append("next owner"))

    doorbell.watch(first, change_hands)
    doorbell.watch(second, lambda: called.append("former owner"))
    doorbell.wait(time.monotonic())
    doorbell.wait(time.monotonic())
    assert called == []
    os.write(pipes[-1], b"x")
    doorbell.wait(time.monotonic())
    assert called == ["next owner"]


def test_one_that_is_watched_anew_in_its_turn_has_the_next(pipes: list[int]) -> None:
    doorbell, first, second = Doorbell(), ready(pipes), ready(pipes)
    called: list[str] = []

    def watch_anew() -> None:
        doorbell.forget(first)
        doorbell.forget(second)
        doorbell.watch(second, lambda: called.append("anew"))

    doorbell.watch(first, watch_anew)
    doorbell.watch(second, lambda: called.append("before"))
    doorbell.wait(time.monotonic())
    doorbell.wait(time.monotonic())
    assert called == ["anew"]
