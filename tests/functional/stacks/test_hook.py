"""The adapter of hooks, with programs that behave as HOOK.md says and with some that do not."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from henbd.actions import Tell
from henbd.system.s1ap.hook import NOT_ASKED, HookAdapter
from henbd.values import Peer, PeerState, Stack, Unknown
from tests.functional.loop import Loop
from tests.functional.stacks.native_stack import LINK, MME

UP = (
    '[{"address":"10.30.0.2","port":36412,"state":"up","local":"10.99.0.1","cause":null,'
    '"time_to_wait_s":null,"mme_name":"mme"}]'
)
SPOKEN = f"""
status)
    [ -f applied ] && peers=$(cat peers) || peers='[]'
    [ -f applied ] && applied=$(cat applied) || applied=null
    printf '{{"applied":%s,"peers":%s,"transmitting":true,"user_plane_peers":["10.30.0.4"]}}' \\
        "$applied" "$peers" ;;
apply)
    cat >applied; echo '{UP}' >peers
    echo "{{\\"generation\\":$(sed 's/.*"generation":\\([0-9]*\\).*/\\1/' applied)}}" ;;
quiesce)
    cat >applied; echo '[]' >peers
    echo "{{\\"generation\\":$(sed 's/.*"generation":\\([0-9]*\\).*/\\1/' applied)}}" ;;
"""
OTHER = replace(LINK, local=IPv4Address("10.99.0.7"))


# A run ends long before this, however busy the machine is; an adapter that waits for it is at work.
RUN_S = 600


class Hook:
    """A hook in sh, the adapter that runs it, and how often that rang."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.program = folder / "hook"
        self.loop = Loop()
        self.rings = 0
        self.be(SPOKEN)
        self.adapter = self.another()

    def be(self, cases: str, first: str = "") -> None:
        """Make the hook one that does this; `first` is what it does before anything else."""
        new = self.folder / "new"
        new.write_text(
            f'#!/bin/sh\ncd {self.folder} || exit 1\necho "$*" >>calls\n{first}\n'
            f"case $1 in\n{cases}\nesac\n"
        )
        new.chmod(0o755)
        new.rename(self.program)

    def another(self) -> HookAdapter:
        return HookAdapter(
            (str(self.program),), RUN_S, 5, self.loop.doorbell, self.loop.clock, self._rung
        )

    def _rung(self) -> None:
        self.rings += 1

    @property
    def calls(self) -> list[str]:
        calls = self.folder / "calls"
        return calls.read_text().split() if calls.exists() else []

    def ask(self) -> Stack | Unknown:
        """Have it asked how S1 is, once it is due, and return what is seen then."""
        before = len(self.calls)
        self.loop.forward(self.adapter)
        self.loop.turn_until(lambda: len(self.calls) > before)
        self.rest()
        return self.adapter.observe()

    def rest(self) -> None:
        """Turn until it is not at work."""
        self.loop.turn_until(lambda: not self.at_work)

    @property
    def at_work(self) -> bool:
        wake_at = self.adapter.wake_at()
        return wake_at is None or wake_at > self.loop.clock() + RUN_S / 2

    def tell(self, tell: Tell) -> Stack | Unknown:
        self.adapter.perform(tell)
        self.rest()
        return self.adapter.observe()


@pytest.fixture
def hook(tmp_path: Path) -> Iterator[Hook]:
    made = Hook(tmp_path)
    yield made
    made.adapter.close()


def test_it_is_asked_then_told_then_asked_again(hook: Hook) -> None:
    assert hook.adapter.observe() == NOT_ASKED
    assert hook.ask() == Stack("hook", None, 0, True, (), True, (IPv4Address("10.30.0.4"),))
    assert hook.rings == 1
    hook.adapter.perform(Tell(LINK))
    seen = hook.adapter.observe()
    assert isinstance(seen, Stack)
    assert (seen.told, seen.acknowledged) == (LINK, False)
    hook.rest()
    seen = hook.adapter.observe()
    assert isinstance(seen, Stack)
    assert (seen.told, seen.generation, seen.acknowledged) == (LINK, 1, True)
    assert hook.rings == 2
    seen = hook.ask()
    assert isinstance(seen, Stack)
    assert seen.peers == (Peer(MME, PeerState.UP, LINK.local, mme_name="mme"),)
    hook.tell(Tell(None))
    seen = hook.ask()
    assert isinstance(seen, Stack)
    assert (seen.told, seen.generation, seen.peers) == (None, 2, ())
    assert hook.calls == ["status", "apply", "status", "quiesce", "status"]
    assert '"link":null' in (hook.folder / "applied").read_text()


def test_s1_goes_on_over_a_restart_of_henbd(hook: Hook) -> None:
    hook.ask()
    hook.tell(Tell(LINK))
    before = hook.ask()
    hook.adapter.close()
    hook.adapter = hook.another()
    assert hook.ask() == before
    hook.tell(Tell(OTHER))
    assert '"generation":2' in (hook.folder / "applied").read_text()


def test_while_it_is_told_it_is_told_the_last_of_what_follows(hook: Hook) -> None:
    hook.ask()
    hook.be(SPOKEN, first="[ $1 = status ] || while [ -f busy ]; do sleep 0.02; done")
    (hook.folder / "busy").touch()
    for tell in (Tell(LINK), Tell(None), Tell(OTHER)):
        hook.adapter.perform(tell)
    hook.loop.settle()
    (hook.folder / "busy").unlink()
    hook.loop.turn_until(lambda: hook.calls == ["status", "apply", "apply"])
    hook.rest()
    seen = hook.adapter.observe()
    assert isinstance(seen, Stack)
    assert (seen.told, seen.generation, seen.acknowledged) == (OTHER, 3, True)


def test_a_question_does_not_hold_up_what_it_is_told(hook: Hook) -> None:
    hook.ask()
    hook.be(SPOKEN, first="[ $1 = apply ] || exec sleep 60")
    hook.loop.forward(hook.adapter)
    hook.loop.turn_until(lambda: hook.calls == ["status", "status"])
    started = time.monotonic()
    seen = hook.tell(Tell(LINK))
    assert isinstance(seen, Stack)
    assert seen.acknowledged
    assert time.monotonic() - started < 5


def test_what_it_applies_it_may_finish_when_henbd_ends(hook: Hook) -> None:
    hook.ask()
    hook.be(SPOKEN, first="[ $1 = status ] || sleep 0.3")
    hook.adapter.perform(Tell(LINK))
    hook.loop.turn_until(lambda: hook.calls == ["status", "apply"])
    hook.adapter.close()
    hook.loop.turn_until(lambda: (hook.folder / "applied").exists())


FAILURES = {
    "status: no JSON": "status) echo nonsense;;",
    "status: the line is no JSON object": "status) echo 1;;",
    "status: applied is missing": "status) echo '{}';;",
    "status: more than 262144 bytes of answer": "status) head -c 300000 /dev/zero;;",
    "status: exit status 3": "status) exit 3;;",
    "status: it was ended by signal 11": "status) kill -SEGV $$;;",
    "status: peers are not those that were applied, in their order": (
        'status) echo \'{"applied":null,"peers":' + UP + ',"transmitting":true,'
        '"user_plane_peers":[]}\';;'
    ),
}


def test_what_is_no_answer_leaves_it_unknown_how_s1_is(hook: Hook) -> None:
    for reason, cases in FAILURES.items():
        hook.be(cases)
        seen = hook.ask()
        assert isinstance(seen, Unknown), reason
        assert f"the hook failed: {reason}" in seen.reason
        hook.be(SPOKEN)
        assert isinstance(hook.ask(), Stack), "it is asked again"


def test_a_hook_that_hangs_is_ended_with_all_it_has_started(hook: Hook) -> None:
    hook.be("status) sleep 600 & echo $! >child; wait;;")
    hook.loop.forward(hook.adapter)
    hook.loop.turn_until(lambda: (hook.folder / "child").exists())
    hook.loop.settle()
    child = int((hook.folder / "child").read_text())
    hook.loop.forward(hook.adapter)
    hook.loop.turn_until(lambda: hook.adapter.observe() != NOT_ASKED)
    assert hook.adapter.observe() == Unknown("the hook failed: status: it took more than 600 s")
    stat = Path(f"/proc/{child}/stat")
    hook.loop.turn_until(lambda: not stat.exists() or stat.read_text().split()[2] == "Z")


def test_what_could_not_be_applied_is_seen_when_it_is_asked_again(hook: Hook) -> None:
    hook.ask()
    hook.be(SPOKEN, first="[ $1 = status ] || exit 1")
    assert hook.tell(Tell(LINK)) == Unknown("the hook failed: apply: exit status 1")
    seen = hook.ask()
    assert isinstance(seen, Stack)
    assert seen.told is None, "so it is told again"


def test_a_hook_that_acknowledges_something_else_has_not_acknowledged(hook: Hook) -> None:
    hook.ask()
    hook.be("apply) echo '{\"generation\":7}';;")
    reason = "apply: it acknowledges generation 7, not 1"
    assert hook.tell(Tell(LINK)) == Unknown(f"the hook failed: {reason}")


def test_a_stack_that_went_back_to_an_old_generation_is_found_out(hook: Hook) -> None:
    hook.ask()
    hook.tell(Tell(LINK))
    hook.ask()
    (hook.folder / "applied").unlink()
    reason = "status: it works by generation 0, not 1"
    assert hook.ask() == Unknown(f"the hook failed: {reason}")
    seen = hook.ask()
    assert isinstance(seen, Stack)
    assert (seen.told, seen.generation) == (None, 0)
    seen = hook.tell(Tell(LINK))
    assert isinstance(seen, Stack)
    assert seen.generation == 2


def test_a_hook_that_is_not_there_is_named(hook: Hook) -> None:
    hook.program.unlink()
    hook.loop.forward(hook.adapter)
    text = f"the hook failed: {hook.program}: No such file or directory"
    assert hook.adapter.observe() == Unknown(text)


def test_what_it_says_to_standard_error_is_in_the_log(
    hook: Hook, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="henbd")
    hook.be(SPOKEN, first="echo 'the radio is warm' >&2")
    hook.ask()
    assert "hook: the radio is warm" in caplog.messages


def test_while_s1_is_not_up_it_is_asked_more_often(hook: Hook) -> None:
    hook.ask()
    hook.tell(Tell(LINK))
    hook.ask()
    (hook.folder / "peers").write_text(UP.replace('"up"', '"connecting"'))
    hook.ask()
    wake_at = hook.adapter.wake_at()
    assert wake_at is not None
    assert wake_at <= hook.loop.clock() + 1
