"""The metrics: in Prometheus' text format, named by its conventions, and true."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import pairwise

from henbd.metrics import text
from henbd.status import status
from tests.unit.settings import device
from tests.unit.world import MME, World, lab_settings

# Of a sample; a value of a label has \\, \" and \n escaped.
SAMPLE = re.compile(r'(henbd_[a-z0-9_]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\[\\"n])*",?)*)\})? (\S+)')


def samples(world: World) -> dict[str, float]:
    """Return the value of each metric with its labels, as a reader of the format finds it."""
    daemon = world.daemon
    lines = text(status(daemon), daemon.counts, daemon.clock.moment()).splitlines()
    found: dict[str, float] = {}
    for line in lines:
        if line.startswith("#"):
            continue
        match = SAMPLE.fullmatch(line)
        assert match, line
        key = match[1].removeprefix("henbd_") + (f"{{{match[2]}}}" if match[2] else "")
        assert key not in found
        found[key] = float(match[3])
    return found


def test_each_metric_is_named_typed_and_explained(world: World) -> None:
    world.bring_up_s1()
    daemon = world.daemon
    lines = text(status(daemon), daemon.counts, daemon.clock.moment()).splitlines()
    names: list[str] = []
    for help_, type_ in pairwise(lines):
        if not help_.startswith("# HELP "):
            continue
        name, _, explanation = help_.removeprefix("# HELP ").partition(" ")
        assert explanation.endswith(".")
        kind = type_.removeprefix(f"# TYPE {name} ")
        assert (kind == "counter") is name.endswith("_total"), name
        assert kind in ("counter", "gauge")
        assert not name.endswith(("_ms", "_minutes", "_kb"))
        names.append(name)
    assert len(set(names)) == len(names)
    of_samples = {line.partition("{")[0].partition(" ")[0] for line in lines if line[0] != "#"}
    assert of_samples <= set(names)


def test_start_is_told_by_the_clock_as_it_is_though_it_was_set_later(world: World) -> None:
    true = world.time.wall_at_start
    world.time.wall_at_start = datetime(1970, 1, 1, tzinfo=UTC)
    world.register()
    world.time.wall_at_start = true
    world.run(60)
    assert samples(world)["start_time_seconds"] == true.timestamp()


def test_a_box_in_service_is_told_as_that(world: World) -> None:
    world.bring_up_s1()
    world.run(60)
    found = samples(world)
    for name in ("registered", "hems_reachable", "tunnel_up", "s1_up", "s1_inside"):
        assert found[name] == 1, name
    peers = {key: value for key, value in found.items() if key.startswith("s1_peer_up")}
    assert list(peers.values()) == [1]
    assert f'peer="{MME}"' in next(iter(peers))
    assert found["guards_missing"] == found["session_failures"] == found["pending_events"] == 0
    assert found["tunnels_total"] == found["inner_addresses_total"] == found["s1_setups_total"] == 1
    assert found['sessions_total{result="ended"}'] == len(world.informs)
    assert found['informs_total{event="0 BOOTSTRAP"}'] == 1
    assert found["start_time_seconds"] == world.time.wall_at_start.timestamp()


def test_what_goes_wrong_is_counted(world: World) -> None:
    world.bring_up_s1()
    before = samples(world)
    world.hems.answers_after_s = 1e9
    world.listener.call()
    world.run(700)
    found = samples(world)
    assert found['sessions_total{result="failed"}'] == before['sessions_total{result="failed"}'] + 1
    assert found["session_failures"] == 1
    assert found["session_seconds_total"] > 10
    world.charon.kill()
    world.run(10)
    assert samples(world)["charon_reachable"] == 0


def test_a_box_that_is_just_starting_has_metrics_too(world: World) -> None:
    world.start()
    found = samples(world)
    assert found["registered"] == found["s1_up"] == found["tunnel_up"] == 0


def test_labels_are_escaped(world: World) -> None:
    world.settings = lab_settings(device=device(manufacturer='a "b" \\ c', serial_number="1"))
    world.start()
    (key,) = [key for key in samples(world) if key.startswith("info")]
    assert r'manufacturer="a \"b\" \\ c"' in key


def test_counts_never_shrink_over_a_restart_of_the_tunnel(world: World) -> None:
    world.bring_up_s1()
    before = samples(world)
    world.daemon.reconnect()
    world.run(30)
    after = samples(world)
    assert after["tunnels_total"] == before["tunnels_total"] + 1
    for key, value in before.items():
        if "_total" in key:
            assert after[key] >= value, key
