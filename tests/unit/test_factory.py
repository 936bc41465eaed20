"""The configuration → the tree as it leaves the factory."""

from __future__ import annotations

from dataclasses import replace

import pytest

from henbd.control.factory import (
    after_power_on,
    connection_request_path,
    device_id,
    factory_tree,
)
from henbd.cwmp.structs import DeviceId
from henbd.model import paths
from henbd.model.table import device_table
from henbd.settings import LocationSettings
from henbd.values import AddressFamily, Coordinates
from tests.unit.settings import SECRET, connection_request, factory, ipsec, settings

ANOTHER_SECRET = SECRET[::-1]
NAMES = (paths.CONNECTION_REQUEST_USERNAME, paths.CONNECTION_REQUEST_PASSWORD)


@pytest.mark.conformance("C083")
def test_device_id_is_that_of_device_info() -> None:
    assert device_id(settings()) == DeviceId("Example", "00256D", "HeNB", "0001")
    paths_of_it = (paths.MANUFACTURER, paths.OUI, paths.PRODUCT_CLASS, paths.SERIAL_NUMBER)
    assert DeviceId(*(factory().value(path) for path in paths_of_it)) == device_id(settings())


def test_versions_are_those_of_the_configuration() -> None:
    assert factory().value(paths.HARDWARE_VERSION) == "1"
    assert factory().value(paths.SOFTWARE_VERSION) == "0.1.0"


def test_model_names_what_it_is_drawn_from() -> None:
    tree = factory()
    assert tree.value("Device.RootDataModelVersion") == "2.12"
    names = [tree.value(f"{paths.DATA_MODELS}{n}.URN") for n in (1, 2)]
    assert names == [f"urn:broadband-forum-org:{n}-cwmp" for n in ("tr-181-2-12-0", "tr-196-2-1-2")]


def test_log_that_can_be_uploaded_is_listed() -> None:
    assert factory().value(paths.LOG_FILES + "1.Name") == "log"
    none = replace(settings().transfers, log_command=())
    assert factory(transfers=none).instances[paths.LOG_FILES] == ()


def test_box_that_knows_its_place_has_rows_that_tell_it_at_registration() -> None:
    place = Coordinates(52_520_000, 13_405_000)
    tree = factory(location=LocationSettings(coordinates=place, gpsd=None))
    rows = [f"{paths.INFORM_PARAMETERS}{n}." for n in tree.instances[paths.INFORM_PARAMETERS]]
    assert [tree.value(row + "ParameterName") for row in rows] == [
        paths.GPS_LATITUDE,
        paths.GPS_LONGITUDE,
        paths.OWN_LOCATION + "DataObject",
    ]
    assert {tree.value(row + "EventList") for row in rows} == {"0 BOOTSTRAP,1 BOOT"}
    assert factory().instances[paths.INFORM_PARAMETERS] == ()


def test_nothing_is_provisioned_in_the_factory() -> None:
    assert not factory().provisioning.values


@pytest.mark.conformance("C162")
def test_connection_request_credentials_are_of_this_device() -> None:
    """Unique for each device, and the same for ever."""
    one, again = factory(), factory()
    other = factory_tree(device_table("00256D"), settings(), ANOTHER_SECRET)
    assert [one.value(n) for n in NAMES] == [again.value(n) for n in NAMES]
    assert one.value(NAMES[0]) == "00256D-HeNB-0001"
    assert one.value(NAMES[1]) != other.value(NAMES[1])
    assert len(one.value(NAMES[1])) >= 32


@pytest.mark.conformance("C156")
def test_derived_values_tell_nothing_of_each_other() -> None:
    path = connection_request_path(settings(), SECRET)
    assert path.startswith("/")
    assert path != connection_request_path(settings(), ANOTHER_SECRET)
    assert len({path.removeprefix("/"), factory().value(NAMES[1]), SECRET}) == 3


def test_configured_credentials_go_before_derived_ones() -> None:
    section = connection_request(username="u", password="p", path="/p")
    tree = factory(connection_request=section)
    assert [tree.value(name) for name in NAMES] == ["u", "p"]
    assert connection_request_path(settings(connection_request=section), SECRET) == "/p"


@pytest.mark.parametrize(
    ("families", "rows"),
    [
        ((AddressFamily.IPV4,), {"AddressingType": "IKEv2"}),
        ((AddressFamily.IPV6,), {"Origin": "IKEv2"}),
        (
            (AddressFamily.IPV4, AddressFamily.IPV6),
            {"AddressingType": "IKEv2", "Origin": "IKEv2"},
        ),
    ],
)
def test_inner_addresses_are_marked_as_those_of_ikev2(
    families: tuple[AddressFamily, ...], rows: dict[str, str]
) -> None:
    tree = factory(ipsec=ipsec(families=families))
    values = (paths.INNER_IPV4 + "AddressingType", paths.INNER_IPV6 + "Origin")
    assert {p.rpartition(".")[2]: tree.value(p) for p in values if p in tree.values} == rows


def test_references_name_rows_that_are_there() -> None:
    """TR-106: the path of a row, without the dot at its end."""
    tree = factory()
    for path in (paths.TUNNEL_INTERFACE, paths.IKE_SA + "Tunnel"):
        assert not tree.value(path).endswith(".")
        assert tree.value(path) + "." in tree.nodes


def test_box_without_ipsec_has_none_of_its_rows() -> None:
    tree = factory(ipsec=None)
    assert not any(p.startswith((paths.IKE_SAS, paths.INTERFACES)) for p in tree.rows)


@pytest.mark.conformance("C172")
def test_admin_state_is_false_after_a_power_on() -> None:
    tree = factory().set([(paths.ADMIN_STATE, "true")])
    assert after_power_on(tree).value(paths.ADMIN_STATE) == "false"
    assert after_power_on(tree).provisioning.values == {paths.ADMIN_STATE: "false"}


def test_power_on_changes_nothing_else() -> None:
    tree = factory().set([(paths.S1_PORT, "36500")])
    assert after_power_on(tree) is tree
