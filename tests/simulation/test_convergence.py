"""Whatever happened, in whatever order: the loop gets to what is wanted, safely, and then rests.

The world itself watches all the while that nothing of S1 leaves in the clear, that the stack is
told of no link that does not stand, and that the loop is no busy one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from hypothesis import given, note, settings
from hypothesis import strategies as st

from henbd.actions import TerminateIke
from henbd.control.plan import plan
from henbd.model import paths
from henbd.values import Desired, EspMode, Kernel, S1Link
from tests.unit.deeds import CORE_MME, DEEDS, UNATTENDED, heal
from tests.unit.fakes.kernel import OUTER, Fate
from tests.unit.fakes.stack import FakeMme
from tests.unit.settings import QUICK
from tests.unit.world import ADDRESS, GATEWAY, GATEWAY_2, HEMS, World


@contextmanager
def box(mode: EspMode) -> Iterator[World]:
    """Give a box whose S1 is up."""
    world = World(mode)
    world.mmes[CORE_MME] = FakeMme()
    try:
        world.bring_up_s1()
        yield world
    finally:
        world.kill()


def check_result(world: World) -> None:
    """Check that what stands is what is wanted, and that nothing is left to do."""
    daemon, kernel = world.daemon, world.daemon.witness.observed.kernel
    assert isinstance(daemon.desired, Desired)
    assert isinstance(kernel, Kernel)
    assert plan(daemon.desired, daemon.witness.observed, daemon.witness.tunnel) == []
    assert kernel.guards == daemon.desired.guards
    assert daemon.witness.tunnel.up
    assert len(world.charon.connections) == 1
    assert world.kernel.fate(daemon.witness.tunnel.inner[0], HEMS) is Fate.INSIDE
    link = daemon.desired.link
    if not world.daemon.settlement.asked.far_ends:
        assert link is None
        return
    assert isinstance(link, S1Link)
    assert link.inside is world.daemon.settlement.asked.s1_inside
    assert set(world.stack.up) == {peer.address for peer in link.peers}
    assert link.local == (daemon.witness.tunnel.inner[0] if link.inside else OUTER)


def rest(world: World) -> None:
    """Heal the box, and check that it gets to what is wanted and then does nothing more."""
    heal(world)
    note(f"{world.time.now - 1000:.4f} healed")
    # The longest wait for a gateway is 90 s, and one for an action 30 s.
    world.run(150)
    for _ in range(1 + len(world.hems.requests)):
        world.listener.call()
        world.run(20)
    done, told = len(world.journal.actions), len(world.informs)
    world.run(70)
    assert world.journal.actions[done:] == []
    assert len(world.informs) == told
    check_result(world)
    known = world.daemon.memory.ledger.acknowledged
    assert known[ADDRESS] == str(world.daemon.witness.tunnel.inner[0])
    assert known[paths.OP_STATE] == world.values[paths.OP_STATE]


def steps(names: Iterable[str]) -> st.SearchStrategy[list[tuple[str, float]]]:
    """Return a strategy of things that happen, and of how long after each comes the next."""
    pauses = st.sampled_from([0.0, 0.001, 0.012, 0.1, 3.0, 15.0])
    return st.lists(st.tuples(st.sampled_from(sorted(names)), pauses), max_size=8)


@settings(QUICK, max_examples=100)
@given(st.sampled_from(EspMode), steps(DEEDS))
def test_whatever_happens_the_box_gets_there_and_rests(
    mode: EspMode, happenings: list[tuple[str, float]]
) -> None:
    with box(mode) as world:
        for name, pause_s in happenings:
            note(f"{world.time.now - 1000:.4f} {name}")
            DEEDS[name](world)
            world.run(pause_s)
        rest(world)


@settings(QUICK, max_examples=70)
@given(st.sampled_from(EspMode), steps(UNATTENDED), st.sampled_from(["boot-1", "boot-2"]))
def test_from_whatever_it_finds_at_start_the_box_gets_there_and_rests(
    mode: EspMode, happenings: list[tuple[str, float]], boot_id: str
) -> None:
    with box(mode) as world:
        world.kill()
        for name, pause_s in happenings:
            note(f"{world.time.now - 1000:.4f} {name}")
            UNATTENDED[name](world)
            world.run(pause_s)
        world.start(boot_id)
        world.run(1)
        rest(world)


def test_superseded_sas_do_not_pile_up() -> None:
    with box(EspMode.POLICY) as world:
        for number in range(20):
            gateway = (GATEWAY, GATEWAY_2)[number % 2]
            world.provision({paths.SECURITY_GATEWAYS[0]: str(gateway)})
            world.provision({paths.SECURITY_GATEWAYS[1]: ""})
            world.run(2)
        assert len(world.charon.sas) == 1
        # Of the first ones two are done as one: the HeMS calls again while a session goes on.
        assert len(world.done(TerminateIke)) >= 18
