"""When the tunnel is up: an IKE_SA, a CHILD_SA, an address granted, and that address there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from henbd.control.tunnel import Condition, Tunnel, esp_mode, judge, ours
from henbd.values import Block, Charon, EspMode, IkeSa, Kernel, Unknown, Unreachable
from tests.unit.settings import QUICK
from tests.unit.sights import (
    ANY,
    CORE,
    HEMS,
    INNER,
    INNER6,
    INNER_2,
    MME,
    MME6,
    NOBODY,
    OUTER,
    SGW,
    WAN,
    charon,
    child_sa,
    host,
    ike_sa,
    kernel,
    on,
)

ESTABLISHED_ELSEWHERE = ike_sa(connection="operator", unique_id=9)


@pytest.mark.parametrize(
    ("seen", "condition"),
    [
        (charon(), Condition.DOWN),
        (charon(ESTABLISHED_ELSEWHERE), Condition.DOWN),
        (charon(ike_sa(established=False, connecting=True)), Condition.CONNECTING),
        (charon(ike_sa(established=False, connecting=False)), Condition.DOWN),
        (charon(ike_sa(inner=())), Condition.NO_ADDRESS),
        (charon(ike_sa(children=())), Condition.NO_CHILD),
        (charon(ike_sa(child_sa(installed=False))), Condition.NO_CHILD),
        (charon(ike_sa(inner=(INNER_2,))), Condition.ADDRESS_MISSING),
        (charon(ike_sa(inner=(INNER_2,), children=())), Condition.ADDRESS_MISSING),
        (charon(ike_sa()), Condition.UP),
        (NOBODY, Condition.UNKNOWN),
    ],
)
def test_each_part_is_needed(seen: Charon | Unknown, condition: Condition) -> None:
    assert judge(seen, kernel()).condition is condition


def test_a_kernel_that_cannot_be_read_leaves_it_unknown() -> None:
    assert judge(charon(ike_sa()), NOBODY).condition is Condition.UNKNOWN


def test_an_address_in_the_kernel_is_no_sign_of_life() -> None:
    assert judge(charon(), kernel()).condition is Condition.DOWN


def test_a_tentative_address_cannot_be_used_yet() -> None:
    tentative = kernel(addresses=(on(INNER, WAN, usable=False),))
    assert judge(charon(ike_sa()), tentative).condition is Condition.ADDRESS_MISSING


def test_up_names_the_address_and_what_bears_it() -> None:
    tunnel = judge(charon(ike_sa()), kernel())
    assert (tunnel.inner, tunnel.device) == ((INNER,), WAN)
    assert tunnel.networks == (CORE, host(MME))


def test_an_address_that_is_listed_twice_is_one_address() -> None:
    assert judge(charon(ike_sa(inner=(INNER, INNER))), kernel()).inner == (INNER,)


def test_of_two_families_the_one_that_is_there_counts() -> None:
    tunnel = judge(charon(ike_sa(inner=(INNER, INNER6))), kernel())
    assert tunnel.up
    assert tunnel.inner == (INNER,)


@pytest.mark.parametrize("order", [1, -1])
def test_of_several_that_are_up_the_youngest_counts(order: int) -> None:
    old, new = ike_sa(), ike_sa(unique_id=2, inner=(INNER_2,))
    tunnel = judge(charon(*(old, new)[::order]), kernel(inner=(INNER, INNER_2)))
    assert tunnel.inner == (INNER_2,)


@pytest.mark.parametrize(
    "younger",
    [
        ike_sa(unique_id=2, established=False, connecting=True, inner=(), children=()),
        ike_sa(unique_id=2, inner=(), children=()),
        ike_sa(unique_id=2, children=()),
        ike_sa(unique_id=2, inner=(INNER_2,)),
    ],
)
def test_a_younger_one_that_is_not_complete_does_not_count(younger: IkeSa) -> None:
    tunnel = judge(charon(ike_sa(), younger), kernel())
    assert tunnel.sa is not None
    assert tunnel.sa.unique_id == 1


def test_what_is_not_ours_is_left_out() -> None:
    assert ours(charon(ESTABLISHED_ELSEWHERE, ike_sa())) == [ike_sa()]


@pytest.mark.parametrize(
    ("far_end", "source"),
    [(MME, INNER), (HEMS, INNER), (SGW, None), (MME6, None)],
)
def test_the_source_is_an_inner_address_whose_child_leads_there(
    far_end: object, source: object
) -> None:
    assert judge(charon(ike_sa()), kernel()).source_for(far_end) == source  # type: ignore[arg-type]


def test_the_source_is_of_the_family_of_the_far_end() -> None:
    sa = ike_sa(child_sa(CORE, host(MME6)), inner=(INNER, INNER6))
    tunnel = judge(charon(sa), kernel(inner=(INNER, INNER6)))
    assert tunnel.source_for(HEMS) == INNER
    assert tunnel.source_for(MME6) == INNER6


def test_an_address_of_the_core_is_not_reached_while_the_tunnel_is_down() -> None:
    assert Tunnel(Condition.DOWN, ike_sa()).source_for(HEMS) is None


@pytest.mark.parametrize("mode", EspMode)
def test_charon_says_where_the_kernel_meets_esp(mode: EspMode) -> None:
    assert esp_mode(charon(mode=mode), kernel(), if_id=0) is mode
    assert esp_mode(charon(mode=mode), kernel(), if_id=42) is EspMode.INTERFACE


@pytest.mark.parametrize(
    ("seen", "mode"),
    [
        (kernel(), EspMode.POLICY),
        (kernel(Unreachable(ANY, CORE)), EspMode.POLICY),
        (kernel(Block(ANY, CORE, 0), Unreachable(ANY, CORE)), EspMode.POLICY),
        (kernel(Block(ANY, CORE, WAN), Unreachable(ANY, CORE)), EspMode.INTERFACE),
        (kernel(Block(ANY, CORE, WAN), Block(ANY, CORE, 0)), EspMode.INTERFACE),
    ],
)
def test_without_charon_the_guards_that_stand_say_where(seen: Kernel, mode: EspMode) -> None:
    assert esp_mode(NOBODY, seen, if_id=0) is mode


sas = st.builds(
    ike_sa,
    connection=st.sampled_from(["henbd-a", "henbd-b", "operator"]),
    unique_id=st.integers(1, 9),
    established=st.booleans(),
    connecting=st.booleans(),
    inner=st.lists(st.sampled_from([INNER, INNER_2, INNER6]), max_size=2).map(tuple),
    children=st.lists(
        st.builds(child_sa, installed=st.booleans(), unique_id=st.integers(10, 19)), max_size=2
    ).map(tuple),
)


@QUICK
@given(st.lists(sas, max_size=4, unique_by=lambda sa: sa.unique_id), st.booleans())
def test_up_is_never_said_of_what_is_not(found: list[IkeSa], present: bool) -> None:
    seen = kernel(inner=(INNER,) if present else (OUTER,))
    tunnel = judge(charon(*found), seen)
    if not tunnel.up:
        assert (tunnel.inner, tunnel.networks, tunnel.source_for(HEMS)) == ((), (), None)
        return
    assert tunnel.sa in found
    assert tunnel.sa.connection.startswith("henbd-")
    assert tunnel.sa.established
    assert tunnel.inner
    assert set(tunnel.inner) <= {a.address for a in seen.addresses} & set(tunnel.sa.inner)
