"""Parameters → what they ask for: the IPsec usage indicator, the S1 link, the HeMS."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from henbd.control import inform_parameters, intent
from henbd.model import paths
from henbd.model.table import device_table
from henbd.model.tree import Tree
from henbd.settings import IpsecSettings
from henbd.values import AddressFamily, Cell, Provisioned, S1Mode
from tests.unit.settings import factory, ipsec, settings

PLMN = paths.PLMN_LIST + "{}.{}"


def provisioned(tree: Tree, **changes: Any) -> Provisioned:
    return intent.provisioned(tree, settings(**changes))


def with_rows(rows: dict[str, tuple[int, ...]], values: dict[str, str]) -> Tree:
    """Return a tree with more rows than the factory makes."""
    ours = {paths.FAP_SERVICES: (1,), paths.PLMN_LIST: (1,), paths.PROFILES: (1,)}
    instances = {**ours, **rows}
    return Tree.factory(device_table("00256D"), instances, values)


# S1 goes inside, or not.

NONE: tuple[str, ...] = ()
ONE = ("segw.example",)


@pytest.mark.parametrize(
    ("enabled", "gateways", "lte_tunnel", "inside"),
    [
        (False, NONE, False, False),
        (False, NONE, True, False),
        (False, ONE, False, False),
        (False, ONE, True, False),
        (True, NONE, False, False),
        (True, NONE, True, True),
        (True, ONE, False, True),
        (True, ONE, True, True),
    ],
)
def test_usage_indicator(
    enabled: bool, gateways: tuple[str, ...], lte_tunnel: bool, inside: bool
) -> None:
    """Enable false means outside; else a gateway or an enabled Tunnel row means inside."""
    assert intent.s1_inside(enabled=enabled, gateways=gateways, lte_tunnel=lte_tunnel) is inside


@pytest.mark.parametrize(
    ("section", "values", "inside"),
    [
        pytest.param(ipsec(), {}, True, id="as it leaves the factory"),
        pytest.param(ipsec(), {paths.IPSEC_ENABLE: "false"}, False, id="turned off"),
        pytest.param(
            ipsec(), {paths.SECURITY_GATEWAYS[0]: ""}, True, id="configured gateway is left"
        ),
        pytest.param(ipsec(gateways=()), {}, False, id="no gateway"),
        pytest.param(
            ipsec(gateways=()), {paths.SECURITY_GATEWAYS[2]: "segw"}, True, id="third gateway alone"
        ),
        pytest.param(
            ipsec(gateways=()),
            {paths.SECURITY_GATEWAYS[0]: "segw", paths.IPSEC_ENABLE: "false"},
            False,
            id="gateway, and turned off",
        ),
        pytest.param(None, {}, False, id="no [ipsec]"),
        pytest.param(None, {paths.IPSEC_ENABLE: "true"}, False, id="no [ipsec], and turned on"),
    ],
)
def test_usage_indicator_of_parameters(
    section: IpsecSettings | None, values: dict[str, str], inside: bool
) -> None:
    tree = factory(ipsec=section).set(values.items())
    assert provisioned(tree, ipsec=section).s1_inside is inside


@pytest.mark.parametrize(
    ("rows", "inside"),
    [({1: "false"}, False), ({1: "true"}, True), ({1: "false", 7: "true"}, True)],
)
def test_enabled_tunnel_row_means_inside_and_a_disabled_one_nothing(
    rows: dict[int, str], inside: bool
) -> None:
    values = {f"{paths.LTE_TUNNELS}{n}.Enable": enabled for n, enabled in rows.items()}
    tree = with_rows({paths.LTE_TUNNELS: tuple(rows)}, {paths.IPSEC_ENABLE: "true", **values})
    assert provisioned(tree, ipsec=ipsec(gateways=())).s1_inside is inside
    assert provisioned(tree, ipsec=ipsec()).s1_inside


def test_configuration_turns_the_indicator_on_in_the_factory() -> None:
    assert factory().value(paths.IPSEC_ENABLE) == "true"
    assert factory(ipsec=None).value(paths.IPSEC_ENABLE) == "false"


# Gateways and far ends.


@pytest.mark.parametrize(
    ("parameters", "gateways"),
    [
        (("", "", ""), ("configured-1", "configured-2")),
        (("a", "", ""), ("a",)),
        (("", "b", ""), ("b",)),
        (("c", "a", "b"), ("c", "a", "b")),
        (("a", "", "c"), ("a", "c")),
    ],
)
def test_gateways_are_those_of_the_parameters_else_those_of_the_configuration(
    parameters: tuple[str, ...], gateways: tuple[str, ...]
) -> None:
    section = ipsec(gateways=("configured-1", "configured-2"))
    tree = factory(ipsec=section).set(zip(paths.SECURITY_GATEWAYS, parameters, strict=True))
    assert provisioned(tree, ipsec=section).gateways == gateways


def test_configured_gateways_are_the_factory_values_of_the_parameters() -> None:
    tree = factory(ipsec=ipsec(gateways=("a", "b")))
    assert [tree.value(path) for path in paths.SECURITY_GATEWAYS] == ["a", "b", ""]


@pytest.mark.parametrize(
    ("listed", "far_ends"),
    [
        ("mme.example", ("mme.example",)),
        ("10.0.0.2, 2001:db8::2 ,mme", ("10.0.0.2", "2001:db8::2", "mme")),
        ("b,a", ("b", "a")),
    ],
)
def test_far_ends_are_in_the_order_of_the_list(listed: str, far_ends: tuple[str, ...]) -> None:
    assert provisioned(factory().set([(paths.S1_SERVERS, listed)])).far_ends == far_ends


@pytest.mark.conformance("C167")
def test_box_as_it_leaves_the_factory_asks_for_no_s1() -> None:
    """A mode that is not set is One."""
    asked = provisioned(factory())
    assert asked == Provisioned(
        s1_inside=True,
        far_ends=(),
        port=36412,
        mode=S1Mode.ONE,
        gateways=("segw.example",),
        admin_state=False,
        cell=Cell(0, 0, (), name=None, csg_id=None, parameters=asked.cell.parameters),
        proposals=ipsec().proposals,
        esp_proposals=ipsec().esp_proposals,
    )


# The profile of IPsec.

MANY = ipsec(
    proposals=("aes128gcm16-prfsha256-ecp256", "aes128-sha256-modp2048", "aes256-sha384-x25519"),
    esp_proposals=("aes128gcm16-ecp256", "aes128-sha256"),
)


def test_profile_allows_all_that_is_configured_until_the_hems_says_otherwise() -> None:
    tree = factory(ipsec=MANY)
    lists = [tree.value(path) for path in (paths.IKE_ENCRYPTION, paths.IKE_PSEUDO_RANDOM)]
    assert lists == ["AES-GCM-16,AES-CBC", "HMAC-SHA2-256,HMAC-SHA2-384"]
    assert tree.value(paths.IKE_GROUPS) == "ECP-256,MODP-2048"
    assert tree.value(paths.INTEGRITY_SUPPORTED) == "HMAC-SHA2-256-128"
    assert provisioned(tree, ipsec=MANY).proposals == MANY.proposals
    assert provisioned(tree, ipsec=MANY).esp_proposals == MANY.esp_proposals


@pytest.mark.parametrize(
    ("path", "names", "ike", "esp"),
    [
        (paths.IKE_ENCRYPTION, "AES-CBC", (1, 2), (0, 1)),
        (paths.IKE_ENCRYPTION, "AES-GCM-16", (0,), (0, 1)),
        (paths.IKE_GROUPS, "MODP-2048", (1, 2), (0, 1)),
        (paths.IKE_INTEGRITY, "", (0, 2), (0, 1)),
        (paths.ESP_ENCRYPTION, "AES-CBC", (0, 1, 2), (1,)),
        (paths.ESP_INTEGRITY, "", (0, 1, 2), (0,)),
    ],
)
def test_profile_chooses_from_the_configured_proposals(
    path: str, names: str, ike: tuple[int, ...], esp: tuple[int, ...]
) -> None:
    """An algorithm that TR-181 has no name for is always allowed."""
    asked = provisioned(factory(ipsec=MANY).set([(path, names)]), ipsec=MANY)
    assert asked.proposals == tuple(MANY.proposals[n] for n in ike)
    assert asked.esp_proposals == tuple(MANY.esp_proposals[n] for n in esp)


def test_configuration_that_has_nothing_of_what_was_allowed_counts_whole() -> None:
    tree = factory(ipsec=MANY).set([(paths.IKE_ENCRYPTION, "AES-GCM-16")])
    other = ipsec(proposals=("aes256-sha384-x25519",))
    assert provisioned(tree, ipsec=other).proposals == other.proposals


def test_stack_is_given_what_was_set_and_what_the_standard_gives_a_default() -> None:
    untouched = dict(provisioned(factory()).cell.parameters)
    assert untouched["Transport.SCTP.HBInterval"] == "30"
    assert untouched["AccessMgmt.LTE.AccessMode"] == "Open Access"
    assert "CellConfig.LTE.RAN.RF.FreqBandIndicator" not in untouched
    cells = paths.FAP + "CellConfig.LTE.RAN.NeighborList.LTECell."
    tree, number = factory().add(cells)
    tree = tree.set(
        [
            (f"{cells}{number}.PhyCellID", "77"),
            (paths.FAP + "CellConfig.LTE.RAN.RF.FreqBandIndicator", "7"),
            (paths.S1_SERVERS, "10.0.0.2"),
            (paths.ADMIN_STATE, "true"),
        ]
    )
    given = provisioned(tree).cell.parameters
    row = f"CellConfig.LTE.RAN.NeighborList.LTECell.{number}."
    assert dict(given).items() - untouched.items() == {
        ("CellConfig.LTE.RAN.RF.FreqBandIndicator", "7"),
        (row + "PhyCellID", "77"),
        (row + "PLMNID", ""),
        *((row + name, "false") for name in ("Enable", "MustInclude", "Blocklisted")),
        *((row + n, "0") for n in ("CID", "EUTRACarrierARFCN", "QOffset", "CIO", "RSTxPower")),
    }
    assert list(given) == sorted(given)
    assert not [path for path, _ in given if path.endswith("Alias") or "Gateway" in path]


def test_s1_is_as_the_parameters_say() -> None:
    asked = provisioned(
        factory().set(
            [
                (paths.S1_SERVERS, "10.0.0.2"),
                (paths.S1_PORT, "36500"),
                (paths.S1_MODE, "All"),
                (paths.ADMIN_STATE, "true"),
                (paths.CELL_IDENTITY, "268435455"),
                (paths.TAC, "65535"),
                (paths.HNB_NAME, "at home"),
                (PLMN.format(1, "PLMNID"), "00101"),
            ]
        )
    )
    assert (asked.port, asked.mode, asked.admin_state) == (36500, S1Mode.ALL, True)
    assert replace(asked.cell, parameters=()) == Cell(268435455, 65535, ("00101",), "at home", None)


@pytest.mark.parametrize(
    "mode",
    device_table("00256D")
    .parameters["Device.Services.FAPService.{i}.FAPControl.LTE.Gateway.S1ConnectionMode"]
    .type.enumeration,
)
def test_every_mode_that_can_be_set_can_be_translated(mode: str) -> None:
    asked = provisioned(factory().set([(paths.S1_MODE, mode)]))
    assert asked.mode.value == mode


@pytest.mark.parametrize(
    ("mode", "csg_id"), [("Open Access", None), ("Closed Access", 7), ("Hybrid Access", 7)]
)
def test_closed_and_hybrid_cells_tell_their_csg(mode: str, csg_id: int | None) -> None:
    """TS 36.413 9.1.8.4."""
    tree = factory().set([(paths.ACCESS_MODE, mode), (paths.CSG_ID, "7")])
    assert provisioned(tree).cell.csg_id == csg_id


@pytest.mark.parametrize(
    ("rows", "plmns"),
    [
        ({1: ("00101", True, True)}, ("00101",)),
        ({1: ("00101", False, True)}, ()),
        ({1: ("", True, True)}, ()),
        ({1: ("00101", True, False), 2: ("26201", True, True)}, ("26201", "00101")),
        ({1: ("00101", True, False), 2: ("26201", True, False)}, ("00101", "26201")),
        (
            {2: ("1", True, False), 4: ("2", False, True), 5: ("3", True, True)},
            ("3", "1"),
        ),
    ],
)
def test_enabled_plmns_count_the_primary_one_first(
    rows: dict[int, tuple[str, bool, bool]], plmns: tuple[str, ...]
) -> None:
    values = {}
    for number, (plmn, enabled, primary) in rows.items():
        values[PLMN.format(number, "PLMNID")] = plmn
        values[PLMN.format(number, "Enable")] = "true" if enabled else "false"
        values[PLMN.format(number, "IsPrimary")] = "true" if primary else "false"
    tree = with_rows({paths.PLMN_LIST: tuple(rows)}, values)
    assert provisioned(tree).cell.plmns == plmns


def test_hems_that_fills_in_one_plmn_need_not_know_enable() -> None:
    tree = factory().set([(PLMN.format(1, "PLMNID"), "26201")])
    assert provisioned(tree).cell.plmns == ("26201",)


# The HeMS itself.


def test_management_is_as_the_parameters_say() -> None:
    asked = intent.management(
        factory().set(
            [
                (paths.URL, "https://another.example/"),
                (paths.USERNAME, "u"),
                (paths.PASSWORD, "p"),
                (paths.CONNECTION_REQUEST_USERNAME, "cu"),
                (paths.CONNECTION_REQUEST_PASSWORD, "cp"),
                (paths.PERIODIC_INTERVAL, "60"),
                (paths.PERIODIC_TIME, "2026-01-01T00:00:00Z"),
                (paths.RETRY_MINIMUM, "7"),
                (paths.RETRY_MULTIPLIER, "3000"),
                (paths.THROTTLE, "9"),
            ]
        )
    )
    assert (asked.url, asked.username, asked.password) == ("https://another.example/", "u", "p")
    assert asked.connection_request_username == "cu"
    assert asked.connection_request_password == "cp"
    assert (asked.interval_s, asked.reference_time) == (60, "2026-01-01T00:00:00Z")
    assert (asked.retry_minimum_s, asked.retry_multiplier, asked.throttle_s) == (7, 3000, 9)
    assert asked.enabled


def test_management_of_the_factory() -> None:
    asked = intent.management(factory())
    assert (asked.url, asked.username) == ("https://hems.example:7548/acs", "henb")
    assert (asked.retry_minimum_s, asked.retry_multiplier, asked.throttle_s) == (5, 2000, 0)
    assert (asked.enabled, asked.interval_s) == (True, 86400)


def test_management_can_be_turned_off() -> None:
    tree = factory().set([(paths.ENABLE_CWMP, "false"), (paths.PERIODIC_ENABLE, "false")])
    asked = intent.management(tree)
    assert (asked.enabled, asked.interval_s) == (False, None)


def test_secrets_do_not_show() -> None:
    shown = repr((intent.management(factory()), settings()))
    asked = intent.management(factory())
    for secret in (asked.password, asked.connection_request_password, "of the laboratory"):
        assert secret not in shown


# Registration and service.


def test_box_is_in_service_when_s1_is_up() -> None:
    assert not intent.in_service(factory())
    assert intent.in_service(factory().report({paths.OP_STATE: "true"}))


def test_registration_carries_the_inner_addresses_that_there_are() -> None:
    families = (AddressFamily.IPV4, AddressFamily.IPV6)
    tree = factory(ipsec=ipsec(families=families))
    four, six = paths.INNER_IPV4 + "IPAddress", paths.INNER_IPV6 + "IPAddress"
    assert intent.inner_addresses(tree) == (four, six)
    assert inform_parameters.informed(tree, ("1 BOOT",)) == frozenset()
    assert inform_parameters.informed(tree.report({six: "2001:db8::7"}), ("1 BOOT",)) == {six}
    both = tree.report({four: "10.99.0.7", six: "2001:db8::7"})
    assert inform_parameters.informed(both, ("1 BOOT",)) == {four, six}


def test_box_without_a_tunnel_has_no_inner_address() -> None:
    assert intent.inner_addresses(factory(ipsec=None)) == ()
    assert inform_parameters.informed(factory(ipsec=None), ("1 BOOT",)) == frozenset()
