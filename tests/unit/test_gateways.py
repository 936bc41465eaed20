"""Which gateway is used: within a list, and of two lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import ip_address

import pytest

from henbd.control import gateway_turns as turns
from henbd.control import gateways as lists
from henbd.control import trials
from henbd.control.connection import name_with
from henbd.control.gateway_turns import NAMELESS_S, noted
from henbd.control.gateways import HEAD_START_S, Gateways, choose
from henbd.control.trials import Trials
from henbd.control.tunnel import Condition, Tunnel, judge
from henbd.values import Address, Observed
from tests.unit.settings import ipsec
from tests.unit.sights import (
    GATEWAY,
    GATEWAY_2,
    NOBODY,
    NOW,
    charon,
    ike_sa,
    kernel,
    observed,
    provisioned,
)

BOX = ipsec(gateway_trial_s=100, gateway_retry_s=1000)
BOTH = (str(GATEWAY), str(GATEWAY_2))
DOWN = Tunnel(Condition.DOWN)
UP = judge(charon(ike_sa()), kernel())
NEVER_TRIED = Gateways()
ONE_FAILED = Gateways(trials.failed(Trials(), GATEWAY, NOW, 0.5))


def tunnel(gateway: Address, **changes: object) -> Tunnel:
    """Return a tunnel with this gateway."""
    return judge(charon(ike_sa(gateway=str(gateway), **changes)), kernel())


def chosen(
    known: Gateways = NEVER_TRIED,
    tunnel: Tunnel = DOWN,
    hosts: tuple[str, ...] = BOTH,
    now: float = NOW,
    names: Mapping[str, tuple[Address, ...]] = {},
) -> Address | None:
    literals = {host: (ip_address(host),) for host in hosts if host in BOTH}
    seen = observed(names={**literals, **names})
    return choose(hosts, seen, tunnel, known, BOX, now)


# Of one list.


@pytest.mark.conformance("C168")
def test_gateways_are_taken_in_order() -> None:
    assert chosen() == GATEWAY


def test_one_that_failed_is_passed_over() -> None:
    assert chosen(ONE_FAILED) == GATEWAY_2


def test_one_that_works_is_kept_though_it_failed_once_or_is_not_the_first() -> None:
    assert chosen(ONE_FAILED, tunnel(GATEWAY)) == GATEWAY
    assert chosen(tunnel=tunnel(GATEWAY_2)) == GATEWAY_2


def test_one_that_works_and_is_no_longer_wanted_is_left() -> None:
    assert chosen(tunnel=tunnel(ip_address("203.0.113.1"))) == GATEWAY


def test_one_that_has_sent_us_on_to_another_is_kept() -> None:
    """A redirect (RFC 5685): the connection is the same, the other end is in no list."""
    sent_on = tunnel(ip_address("203.0.113.1"), connection=name_with(GATEWAY_2, BOX))
    assert chosen(tunnel=sent_on) == GATEWAY_2
    swapped = tunnel(GATEWAY, connection=name_with(GATEWAY_2, BOX))
    assert chosen(tunnel=swapped) == GATEWAY_2


def test_each_address_of_a_name_is_a_candidate() -> None:
    names = {"segw.example": (GATEWAY, GATEWAY_2)}
    assert chosen(ONE_FAILED, hosts=("segw.example",), names=names) == GATEWAY_2


def test_a_name_without_an_address_is_passed_over() -> None:
    assert chosen(hosts=("gone.example", str(GATEWAY_2)), names={"gone.example": ()}) == GATEWAY_2


def test_one_that_works_is_kept_while_its_name_may_be_lost() -> None:
    elsewhere = ip_address("203.0.113.1")
    hosts = ("gone.example", str(GATEWAY_2))
    assert chosen(hosts=hosts, tunnel=tunnel(elsewhere), names={"gone.example": ()}) == elsewhere


def test_without_a_candidate_there_is_no_gateway() -> None:
    assert chosen(hosts=()) is None


def test_one_that_charon_negotiates_with_by_itself_is_not_left() -> None:
    connecting = tunnel(GATEWAY_2, established=False, connecting=True, inner=(), children=())
    assert connecting.condition is Condition.CONNECTING
    assert chosen(ONE_FAILED, connecting, now=NOW + 3) == GATEWAY_2


@pytest.mark.parametrize(
    ("trying", "later_s", "wanted"),
    [
        ({GATEWAY: NOW}, HEAD_START_S - 0.1, GATEWAY),
        ({GATEWAY: NOW}, HEAD_START_S, GATEWAY_2),
        ({GATEWAY: NOW, GATEWAY_2: NOW + HEAD_START_S}, HEAD_START_S + 1, GATEWAY_2),
        # Nobody else is there to be tried: the first goes on.
        ({GATEWAY: NOW, GATEWAY_2: NOW}, 2 * HEAD_START_S, GATEWAY),
    ],
)
def test_one_that_is_slow_is_raced_by_the_next(
    trying: dict[Address, float], later_s: float, wanted: Address
) -> None:
    known = Gateways(trying=trying)
    assert chosen(known, now=NOW + later_s) == wanted


def test_the_next_is_not_hurried_while_it_is_left_alone() -> None:
    known = replace(ONE_FAILED, trying={GATEWAY_2: NOW - HEAD_START_S})
    assert chosen(known) == GATEWAY_2


def test_rivals_go_on_until_one_of_them_is_up() -> None:
    known = lists.began(Gateways(), (GATEWAY, GATEWAY_2), NOW)
    names = {name_with(GATEWAY, BOX), name_with(GATEWAY_2, BOX)}
    assert lists.rivals(known, DOWN, BOX) == names
    assert lists.rivals(known, UP, BOX) == frozenset()


def test_a_negotiation_that_ended_is_none_any_more() -> None:
    known = lists.began(Gateways(), (GATEWAY, GATEWAY_2), NOW)
    for error in (None, "refused"):
        after = lists.ended(known, GATEWAY, error, NOW + 1, 0.5)
        assert after.trying == {GATEWAY_2: NOW}
        assert (GATEWAY in after.trials.failures) is (error is not None)


# Of two lists.

NEW, OLD = (str(GATEWAY_2),), (str(GATEWAY),)
SEEN = observed(names={str(GATEWAY): (GATEWAY,), str(GATEWAY_2): (GATEWAY_2,)})
WITHOUT_ROUTES = replace(SEEN, kernel=kernel(routes=()))
OF_OLD, OF_NEW = tunnel(GATEWAY), tunnel(GATEWAY_2)
NAMELESS = observed(names={str(GATEWAY): (), str(GATEWAY_2): ()})


def look(
    known: Gateways,
    tunnel: Tunnel,
    now: float,
    asked: tuple[str, ...] = NEW,
    seen: Observed = SEEN,
    nameless_s: float = 0.0,
    proposals: tuple[str, ...] = BOX.proposals,
) -> Gateways:
    wish = provisioned(gateways=asked, proposals=proposals)
    return noted(known, wish, seen, tunnel, BOX, now, nameless_s)


CHOICE = ("aes256gcm16-prfsha384-ecp384",)
OF_BOX = tunnel(GATEWAY, connection=name_with(GATEWAY, BOX))
OF_CHOICE = tunnel(GATEWAY, connection=name_with(GATEWAY, replace(BOX, proposals=CHOICE)))


def on_trial(tunnel: Tunnel = OF_OLD) -> Gateways:
    """Return what is known when NEW has just been set, after OLD had worked."""
    worked = look(Gateways(), OF_OLD, NOW, asked=OLD)
    return look(worked, tunnel, NOW)


def test_a_list_that_works_is_the_last_good_one() -> None:
    known = look(Gateways(), OF_OLD, NOW, asked=OLD)
    assert (known.good, known.fallen_back) == (OLD, False)
    assert turns.in_use(known, OLD) == OLD


@pytest.mark.parametrize("tunnel", [OF_OLD, DOWN])
def test_a_new_list_is_on_trial_and_then_the_last_good_one_is_used_again(tunnel: Tunnel) -> None:
    known = on_trial(tunnel)
    assert turns.in_use(known, NEW) == NEW
    assert look(known, tunnel, NOW + 99).fallen_back is False
    after = look(known, tunnel, NOW + 100)
    assert turns.in_use(after, NEW) == OLD
    assert "is used again" in (turns.trouble(known, after) or "")


def test_a_new_list_that_works_is_kept() -> None:
    known = look(on_trial(), OF_NEW, NOW + 50)
    assert (known.good, turns.in_use(known, NEW)) == (NEW, NEW)
    assert look(known, DOWN, NOW + 10_000).fallen_back is False


@pytest.mark.parametrize(("tunnel", "turn_s"), [(OF_OLD, 1000), (DOWN, 100)])
def test_the_new_list_is_retried_sooner_if_the_last_good_one_does_not_work_either(
    tunnel: Tunnel, turn_s: float
) -> None:
    back = look(on_trial(), tunnel, NOW + 100)
    assert look(back, tunnel, NOW + 99 + turn_s).fallen_back
    again = look(back, tunnel, NOW + 100 + turn_s)
    assert turns.in_use(again, NEW) == NEW
    assert NOW + 100 + turn_s in turns.times(back, tunnel, BOX, NOW + 100)


def proposed(known: Gateways, proposals: tuple[str, ...] = CHOICE) -> tuple[str, ...]:
    """Return which proposals of IKE are used, where the HeMS allows these."""
    asked = provisioned(gateways=OLD, proposals=proposals)
    return turns.in_force(known, asked, BOX).proposals


@pytest.mark.parametrize("tunnel", [OF_BOX, DOWN])
def test_a_choice_of_algorithms_is_on_trial_like_a_list(tunnel: Tunnel) -> None:
    known = look(look(Gateways(), OF_BOX, NOW, OLD), tunnel, NOW, OLD, proposals=CHOICE)
    assert proposed(look(known, tunnel, NOW + 99, OLD, proposals=CHOICE)) == CHOICE
    after = look(known, tunnel, NOW + 100, OLD, proposals=CHOICE)
    assert (turns.in_use(after, OLD), proposed(after)) == (OLD, BOX.proposals)
    assert "choice of algorithms did not work" in (turns.trouble(known, after) or "")
    assert NOW + 100 in turns.times(known, tunnel, BOX, NOW)
    assert proposed(after, BOX.proposals) == BOX.proposals
    other = ("aes128-sha256-ecp256",)
    assert proposed(after, other) == other, "another choice is tried at once"


def test_a_choice_of_algorithms_that_worked_is_stayed_with() -> None:
    known = look(Gateways(), OF_CHOICE, NOW, OLD, proposals=CHOICE)
    assert proposed(look(known, DOWN, NOW + 9999, OLD, proposals=CHOICE)) == CHOICE
    back = look(look(known, DOWN, NOW, proposals=CHOICE), DOWN, NOW + 100, proposals=CHOICE)
    asked = provisioned(gateways=NEW, proposals=CHOICE)
    assert turns.in_use(back, NEW) == OLD
    assert turns.in_force(back, asked, BOX).proposals == CHOICE


def test_another_list_of_the_hems_is_tried_at_once() -> None:
    back = look(on_trial(), OF_OLD, NOW + 100)
    newer = ("198.51.100.7",)
    assert turns.in_use(back, newer) == newer
    assert not look(back, OF_OLD, NOW + 101, asked=newer).fallen_back


def test_without_a_good_list_there_is_nothing_to_fall_back_to() -> None:
    known = look(Gateways(), DOWN, NOW)
    assert not look(known, DOWN, NOW + 10_000).fallen_back


def test_without_a_way_out_no_list_is_judged() -> None:
    known = look(on_trial(DOWN), DOWN, NOW + 90, seen=WITHOUT_ROUTES)
    assert not look(known, DOWN, NOW + 189).fallen_back
    assert look(known, DOWN, NOW + 190).fallen_back


def test_failures_without_a_way_out_are_forgotten_when_there_is_one() -> None:
    waiting = look(ONE_FAILED, DOWN, NOW, asked=BOTH, seen=WITHOUT_ROUTES)
    assert waiting.trials == ONE_FAILED.trials
    assert look(waiting, DOWN, NOW, asked=BOTH).trials == Trials()


# None can be had.

BOTH_FAILED = replace(
    ONE_FAILED, trials=trials.failed(ONE_FAILED.trials, GATEWAY_2, NOW, 0.5), way_out=True
)


def test_all_have_failed_when_the_last_one_has() -> None:
    one = look(replace(ONE_FAILED, way_out=True), DOWN, NOW, asked=BOTH)
    assert not one.failed
    both = look(BOTH_FAILED, DOWN, NOW, asked=BOTH)
    assert both.failed
    assert turns.trouble(one, both) == "no security gateway can be had"
    assert turns.trouble(both, look(both, DOWN, NOW + 1, asked=BOTH)) is None


def test_none_has_failed_while_the_tunnel_is_up_or_there_is_no_way_out() -> None:
    assert not look(BOTH_FAILED, OF_OLD, NOW, asked=BOTH).failed
    assert not look(BOTH_FAILED, DOWN, NOW, asked=BOTH, seen=WITHOUT_ROUTES).failed


def test_names_without_addresses_count_only_after_a_while() -> None:
    assert not look(Gateways(), DOWN, NOW, asked=BOTH, seen=NAMELESS).failed
    after = look(Gateways(), DOWN, NOW, asked=BOTH, seen=NAMELESS, nameless_s=NAMELESS_S)
    assert after.failed


def test_a_kernel_that_cannot_be_read_changes_nothing() -> None:
    seen = replace(SEEN, kernel=NOBODY)
    assert look(BOTH_FAILED, DOWN, NOW, asked=BOTH, seen=seen) is BOTH_FAILED
