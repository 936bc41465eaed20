"""The configuration: what a valid text means, and what is wrong with the whole of one."""

from __future__ import annotations

from dataclasses import fields, replace
from ipaddress import ip_address, ip_network

import pytest

from henbd import __version__
from henbd.config_keys import SECTIONS
from henbd.errors import Problem
from henbd.settings import (
    FailurePath,
    HemsPath,
    LocationSettings,
    Revocation,
    S1Policy,
    SetStatus,
    Settings,
    StackAdapter,
    StackManager,
)
from henbd.values import AddressFamily, Certificate, Coordinates, PresharedKey
from tests.unit.configuration import (
    CERTIFICATE,
    DIRECT,
    KEY_ID,
    TUNNEL,
    changed,
    understood,
    valid,
)


def test_defaults_are_those_of_the_documentation() -> None:
    found = valid(DIRECT)
    assert found.device.oui == "00256D"
    assert found.device.product_class == "HeNB"
    assert found.device.software_version == __version__
    assert found.hems.path is HemsPath.DIRECT
    assert found.hems.set_status is SetStatus.ZERO
    assert (found.hems.cwmp_version, found.hems.session_s) == ("auto", 600)
    assert (found.hems.trial_s, found.hems.spread_s) == (600, 0)
    assert (found.connection_request.port, found.connection_request.path) == (7547, "")
    assert found.commands.reboot == ("/sbin/reboot",)
    assert found.ipsec is None
    assert found.s1.socket == "/run/henbd/s1.sock"
    assert found.s1.adapter is StackAdapter.NATIVE
    assert (found.s1.command, found.s1.time_limit_s, found.s1.poll_s) == ((), 10, 5)
    assert (found.s1.hold_s, found.s1.wait_for_admin_state) == (10, False)
    assert found.s1.resolve_s == 300
    assert found.store_directory == "/var/lib/henbd"
    assert found.control_socket == "/run/henbd/control.sock"


def test_a_tunnel_by_certificate() -> None:
    found = valid(TUNNEL)
    assert found.hems.path is HemsPath.TUNNEL
    ipsec = found.ipsec
    assert ipsec is not None
    assert ipsec.vici == "/run/charon.vici"
    assert ipsec.gateways == ("segw.example", "192.0.2.1")
    assert ipsec.networks == (ip_network("10.30.0.0/16"),)
    assert ipsec.families == (AddressFamily.IPV4,)
    assert ipsec.s1 is S1Policy.PROVISIONED
    assert ipsec.proposals[0] == "aes128gcm16-prfsha256-ecp256"
    assert not any("prf" in proposal for proposal in ipsec.esp_proposals)
    assert (ipsec.dpd_s, ipsec.rekey_s, ipsec.reauth_s, ipsec.audit_s) == (10, 14_400, 0, 60)
    assert (ipsec.gateway_trial_s, ipsec.gateway_retry_s) == (180, 3600)
    assert (ipsec.revocation, ipsec.mobike) == (Revocation.RELAXED, True)
    assert [file.rpartition("/")[2] for file in ipsec.credential_files] == [
        "henb.pem",
        "henb.key",
        "ca.pem",
    ]
    assert found.hems.path_on_gateway_failure is FailurePath.NONE
    assert ipsec.credentials == Certificate(CERTIFICATE, b"key of henb", KEY_ID, (CERTIFICATE,))


def test_a_certificate_comes_with_what_stands_between_it_and_the_authority() -> None:
    found = valid(changed(TUNNEL, "/etc/henbd/henb.pem", "/etc/henbd/chain.pem"))
    assert found.ipsec is not None
    assert isinstance(found.ipsec.credentials, Certificate)
    assert found.ipsec.credentials.certificate == CERTIFICATE
    assert found.ipsec.credentials.intermediates == (CERTIFICATE,)


def test_a_tunnel_by_shared_secret() -> None:
    text = TUNNEL
    for line in ("certificate_file", "key_file"):
        text = changed(
            text, f'{line} = "/etc/henbd/henb.{"key" if "key" in line else "pem"}"\n', ""
        )
    text = changed(text, 'ca_file = "/etc/henbd/ca.pem"', 'psk_file = "/etc/henbd/psk"')
    found = valid(text)
    assert found.ipsec is not None
    assert found.ipsec.credentials == PresharedKey(b"shared secret")


def test_a_stack_behind_a_hook() -> None:
    text = changed(
        TUNNEL,
        'socket = "/run/henbd/s1.sock"',
        'adapter = "hook"\ncommand = ["/usr/lib/henbd/hook", "-v"]\ntime_limit_s = 30',
    )
    found = valid(text)
    assert found.s1.adapter is StackAdapter.HOOK
    assert found.s1.command == ("/usr/lib/henbd/hook", "-v")
    assert found.s1.time_limit_s == 30


def test_a_stack_that_is_told_by_its_file() -> None:
    text = changed(
        TUNNEL,
        'socket = "/run/henbd/s1.sock"',
        'adapter = "srsenb"\nmanager = "child"\ncommand = ["/usr/lib/henbd/hook"]',
    )
    found = valid(text)
    assert (found.s1.adapter, found.s1.manager) == (StackAdapter.SRSENB, StackManager.CHILD)
    assert (found.s1.file, found.s1.service) == ("/etc/srsran/enb.conf", "srsenb")


def test_local_id_is_the_first_name_in_the_certificate() -> None:
    found = valid(changed(TUNNEL, 'local_id = "henb.example"\n', ""))
    assert found.ipsec is not None
    assert found.ipsec.local_id == "192.0.2.7"


def test_a_name_of_the_hems_is_reached_by_a_configured_address() -> None:
    text = changed(TUNNEL, '"http://10.30.0.3:7547/cwmp"', '"http://hems.example/cwmp"')
    text = changed(text, 'networks = ["10.30.0.0/16"]\n', "")
    text = changed(text, 'password = "secret"', 'address = "10.30.0.3"')
    assert valid(text).hems.address == ip_address("10.30.0.3")


def test_networks_may_be_written_in_any_way() -> None:
    found = valid(changed(TUNNEL, '["10.30.0.0/16"]', '["FD00:0::/16", "10.30.0.7"]'))
    assert found.ipsec is not None
    assert found.ipsec.networks == (ip_network("fd00::/16"), ip_network("10.30.0.7/32"))


def test_no_gateway_is_needed_if_the_hems_is_reached_directly() -> None:
    begin, end = TUNNEL.index("gateways ="), TUNNEL.index("local_id")
    text = changed(TUNNEL[:begin] + TUNNEL[end:], 'password = "secret"', 'path = "direct"')
    found = valid(text)
    assert found.ipsec is not None
    assert found.ipsec.gateways == ()


def test_every_key_becomes_a_setting() -> None:
    found = valid(TUNNEL)
    for section, settings in (
        ("device", found.device),
        ("hems", found.hems),
        ("connection_request", found.connection_request),
        ("s1", found.s1),
    ):
        assert {field.name for field in fields(settings)} == set(SECTIONS[section])
    assert found.ipsec is not None
    proof = {"certificate_file", "key_file", "ca_file", "psk_file"}
    keys = set(SECTIONS["ipsec"]) - proof - {"addresses"}
    keys |= {"credentials", "credential_files", "families"}
    assert {field.name for field in fields(found.ipsec)} == keys


@pytest.mark.parametrize(
    ("gone", "section", "problem"),
    [
        ('oui = "00256D"\n', "[device]", ("device.oui", "is missing")),
        ('remote_id = "segw.example"\n', "[ipsec]", ("ipsec.remote_id", "is missing")),
        (
            'ca_file = "/etc/henbd/ca.pem"\n',
            "[ipsec]",
            (
                "ipsec.ca_file",
                "is missing, with certificate_file and key_file; or else psk_file",
            ),
        ),
    ],
)
def test_a_missing_key_is_named_at_its_section(
    gone: str, section: str, problem: tuple[str, str]
) -> None:
    text = changed(TUNNEL, gone, "")
    line = 1 + text.splitlines().index(section)
    assert understood(text) == (Problem(line, *problem),)


def test_sections_that_are_missing_are_named_once() -> None:
    assert understood("") == (
        Problem(
            0,
            "device",
            "device: the section [device] is missing; it needs manufacturer, oui, serial_number",
        ),
        Problem(0, "hems", "hems: the section [hems] is missing; it needs url"),
    )


def test_a_section_that_is_none_is_refused() -> None:
    assert understood("ipsec = 3\n" + DIRECT) == (
        Problem(1, "ipsec", "has to be one section: [ipsec]"),
    )
    assert understood(DIRECT + "[[s1]]\n") == (Problem(8, "s1", "has to be one section: [s1]"),)


def test_the_tunnel_to_the_hems_needs_ipsec() -> None:
    assert understood(DIRECT + 'path = "tunnel"\n') == (
        Problem(8, "hems.path", "there is no section [ipsec], hence no tunnel"),
    )


def test_gateways_are_needed_for_the_tunnel_to_the_hems() -> None:
    begin, end = TUNNEL.index("gateways ="), TUNNEL.index("local_id")
    text = TUNNEL[:begin] + TUNNEL[end:]
    line = 1 + text.splitlines().index("[ipsec]")
    assert understood(text) == (
        Problem(line, "ipsec.gateways", 'may be empty only with [hems] path = "direct"'),
    )


def test_more_gateways_than_the_model_has_are_refused() -> None:
    text = changed(TUNNEL, '    "192.0.2.1",', '    "192.0.2.1", "a", "b",')
    line = 1 + text.splitlines().index("gateways = [")
    assert understood(text) == (
        Problem(line, "ipsec.gateways", "there is room for 3 (SecGWServer1 to 3)"),
    )


def test_a_name_of_the_hems_that_nothing_leads_to_is_refused() -> None:
    text = changed(TUNNEL, '"http://10.30.0.3:7547/cwmp"', '"http://hems.example/"')
    text = changed(text, 'networks = ["10.30.0.0/16"]', "networks = []")
    assert understood(text) == (
        Problem(
            7,
            "hems.url",
            "nothing says how 'hems.example' is reached inside the tunnel: add [hems] address,"
            " or the network of its address to [ipsec] networks",
        ),
    )


def test_a_wrong_network_does_not_hide_that_it_was_to_lead_to_the_hems() -> None:
    text = changed(TUNNEL, '"http://10.30.0.3:7547/cwmp"', '"http://hems.example/"')
    found = understood(changed(text, '["10.30.0.0/16"]', '["10.30.0.1/16"]'))
    assert isinstance(found, tuple)
    assert [p.key for p in found] == ["ipsec.networks"]


def test_a_socket_whose_path_the_kernel_cannot_take_is_refused() -> None:
    longest = "/" + "s" * 106
    assert valid(TUNNEL.replace("/run/henbd/s1.sock", longest)).s1.socket == longest
    found = understood(TUNNEL.replace("/run/henbd/s1.sock", longest + "s"))
    assert isinstance(found, tuple)
    assert [p.text for p in found] == [f"{longest + 's'!r} is too long for a socket"]


def test_a_shared_secret_does_not_name_the_box() -> None:
    text = changed(TUNNEL, 'local_id = "henb.example"\n', "")
    text = changed(text, 'certificate_file = "/etc/henbd/henb.pem"\n', "")
    text = changed(text, 'ca_file = "/etc/henbd/ca.pem"', 'psk_file = "/etc/henbd/psk"')
    ipsec, lines = 1 + text.splitlines().index("[ipsec]"), text.splitlines()
    key_file = 1 + lines.index('key_file = "/etc/henbd/henb.key"')
    assert understood(text) == (
        Problem(ipsec, "ipsec.local_id", "is missing: a shared secret does not name us"),
        Problem(key_file, "ipsec.key_file", "goes with ca_file, not with psk_file"),
    )


@pytest.mark.parametrize(("mode", "good"), [(0o600, True), (0o640, True), (0o644, False)])
def test_a_password_wants_a_file_that_is_closed_to_others(mode: int, good: bool) -> None:
    problem = Problem(8, "hems.password", "the file is open to others (mode 0644): chmod 640")
    found = understood(TUNNEL, mode)
    assert isinstance(found, Settings) if good else found == (problem,)
    assert isinstance(understood(DIRECT, mode), Settings)


def test_all_mistakes_are_found_in_one_go_in_the_order_of_their_lines() -> None:
    text = TUNNEL
    for old, new in (
        ('oui = "00256D"', 'oui = ""'),
        ('"segw.example",  # the first', '"10.30.0.1",'),
        ('    "192.0.2.1",', '    "?",'),
        ('"/etc/henbd/ca.pem"', '"/x"'),
        ('addresses = ["ipv4"]', 'addresses = ["x", "y"]'),
        ("[control]", "[x]"),
    ):
        text = changed(text, old, new)
    found = understood(text, 0o666)
    assert isinstance(found, tuple)
    assert [(p.line, p.key) for p in found] == [
        (3, "device.oui"),
        (8, "hems.password"),
        (15, "ipsec.gateways"),
        (16, "ipsec.gateways"),
        (22, "ipsec.ca_file"),
        (24, "ipsec.addresses"),
        (24, "ipsec.addresses"),
        (29, "x"),
    ]


def test_no_secret_is_shown() -> None:
    text = changed(TUNNEL, 'password = "secret"', 'password = "s3cr3t\\u0007"')
    found = understood(changed(text, "[control]", "[x]"), 0o644)
    assert isinstance(found, tuple)
    assert "hems.password" in {p.key for p in found}
    assert "s3cr3t" not in repr(found)
    assert "secret" not in repr(replace(valid(TUNNEL).hems, password="secret"))
    assert "key of henb" not in repr(valid(TUNNEL))


def test_place_and_receiver_are_understood() -> None:
    section = '[location]\ncoordinates = "-33.86882, -151.2093"\ngpsd = "[::1]:2947"\n'
    location = valid(DIRECT + section).location
    assert location.coordinates == Coordinates(-33_868_820, -151_209_300)
    assert location.gpsd == (ip_address("::1"), 2947)
    assert valid(DIRECT).location == LocationSettings(coordinates=None, gpsd=None)
