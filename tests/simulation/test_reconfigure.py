"""Another configuration while henbd runs: what is taken, when, and what it must not disturb."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from henbd.actions import Initiate, Tell
from henbd.control.reconfigure import taken
from henbd.model import paths
from henbd.settings import Settings
from henbd.values import AddressFamily
from tests.unit.fakes.hems import Manner as HemsManner
from tests.unit.settings import connection_request, device, hems, ipsec, s1, settings
from tests.unit.world import GATEWAY_2, World

BEFORE = settings()


@pytest.mark.parametrize(
    ("wanted", "waiting", "differing"),
    [
        (BEFORE, (), {}),
        (settings(hems=hems(password="new")), (), {"hems": hems(password="new")}),
        (
            settings(device=device(serial_number="2", boot_id_file="/other", oui="0000AA")),
            ("device.boot_id_file", "device.oui"),
            {"device": device(serial_number="2")},
        ),
        (
            settings(ipsec=ipsec(vici="/other", dpd_s=5)),
            ("ipsec.vici",),
            {"ipsec": ipsec(dpd_s=5)},
        ),
        (
            settings(s1=s1(socket="/other", group="staff", hold_s=0)),
            ("s1.socket", "s1.group"),
            {"s1": s1(hold_s=0)},
        ),
        (
            settings(store_directory="/other", control_socket="/other", control_group="staff"),
            ("store.directory", "control.socket", "control.group"),
            {},
        ),
        (settings(ipsec=None, hems=hems(password="new")), ("ipsec",), {}),
    ],
)
def test_what_a_shell_was_built_with_waits_for_the_next_start(
    wanted: Settings, waiting: tuple[str, ...], differing: dict[str, Any]
) -> None:
    assert taken(BEFORE, wanted) == (replace(BEFORE, **differing), waiting)


def test_without_ipsec_the_rest_is_taken() -> None:
    before, wanted = settings(ipsec=None), settings(ipsec=None, s1=s1(hold_s=1))
    assert taken(before, wanted) == (wanted, ())


def lasting(world: World) -> dict[str, str]:
    """Return the parameters without the rows that are made anew for a HeMS that asks."""
    rows = paths.CHILD_SAS.removesuffix(".")
    return {path: value for path, value in world.values.items() if not path.startswith(rows)}


def test_the_same_configuration_again_changes_nothing(world: World) -> None:
    world.bring_up_s1()
    world.run(60)
    told, done, values = len(world.informs), len(world.journal.actions), lasting(world)
    world.bells.ring(lambda: world.daemon.reconfigure(world.settings))
    world.run(60)
    assert (len(world.informs), len(world.journal.actions)) == (told, done)
    assert lasting(world) == values


def test_what_the_hems_has_set_outlasts_another_configuration(world: World) -> None:
    world.bring_up_s1()
    world.provision({paths.PERIODIC_INTERVAL: "600"})
    world.run(5)
    new = replace(world.settings, connection_request=connection_request(port=7000))
    told = len(world.informs)
    world.bells.ring(lambda: world.daemon.reconfigure(new))
    world.run(5)
    assert world.values[paths.PERIODIC_INTERVAL] == "600"
    assert world.stack.up
    (inform,) = world.informs[told:]
    assert ":7000/" in inform.values[paths.CONNECTION_REQUEST_URL]


def test_another_gateway_takes_over_beside_the_one_before(world: World) -> None:
    world.bring_up_s1()
    since = len(world.journal.actions)
    assert world.settings.ipsec is not None
    new = replace(world.settings, ipsec=replace(world.settings.ipsec, gateways=(str(GATEWAY_2),)))
    world.bells.ring(lambda: world.daemon.reconfigure(new))
    world.run(10)
    assert len(world.done(Initiate, since)) == 1
    assert world.daemon.witness.tunnel.sa is not None
    assert world.daemon.witness.tunnel.sa.gateway == str(GATEWAY_2)
    assert world.stack.up
    assert None not in [tell.link for tell in world.done(Tell, since)]


def test_a_session_is_finished_by_the_configuration_that_it_began_with(world: World) -> None:
    world.register()
    world.hems.answers_after_s = 1.0
    world.listener.call()
    world.run(0.5)
    assert world.daemon.conversation.current is not None
    before = world.daemon.settlement.settings
    new = replace(world.settings, s1=s1(hold_s=3))
    world.bells.ring(lambda: world.daemon.reconfigure(new))
    world.run(0.1)
    assert world.daemon.settlement.settings == before
    world.run(10)
    assert world.daemon.conversation.current is None
    assert world.daemon.settlement.settings == new


def test_another_configuration_does_not_wait_for_the_retry_table(world: World) -> None:
    world.hems.manner = HemsManner.REFUSES
    world.start()
    world.run(300)
    world.hems.manner = HemsManner.ANSWERS
    tried = len(world.hems.attempts_at)
    new = replace(world.settings, s1=s1(hold_s=3))
    world.bells.ring(lambda: world.daemon.reconfigure(new))
    world.run(1)
    assert len(world.hems.attempts_at) == tried + 1
    assert world.informs


def test_a_family_of_addresses_less_is_a_row_less_and_no_harm(world: World) -> None:
    assert world.settings.ipsec is not None
    families = (AddressFamily.IPV4, AddressFamily.IPV6)
    world.bring_up_s1()
    both = replace(world.settings, ipsec=replace(world.settings.ipsec, families=families))
    world.bells.ring(lambda: world.daemon.reconfigure(both))
    world.run(10)
    assert paths.INNER_IPV6 + "IPAddress" in world.values
    world.bells.ring(lambda: world.daemon.reconfigure(world.settings))
    world.run(10)
    assert paths.INNER_IPV6 + "IPAddress" not in world.values
    assert world.stack.up


def test_onlookers_see_each_change_until_the_daemon_ends(world: World) -> None:
    world.start()
    world.run(0.001)
    assert world.board.values is not None
    assert not world.board.values["hems"]["registered"]
    assert world.supervisor.summary.startswith("not registered; tunnel ")
    world.run(2)
    assert world.board.values["hems"]["registered"]
    assert "waiting for the HeMS to provision" in world.supervisor.summary
    world.stop()
    assert world.board.values is None
