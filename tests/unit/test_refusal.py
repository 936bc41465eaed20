"""What cannot be had on this box is refused before it is stored, with the reason."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from henbd.control.refusal import is_host, literal, refusals, url_problem
from henbd.errors import CwmpFault, FaultCode
from henbd.model import paths
from henbd.model.tree import Tree
from henbd.settings import HemsPath, S1Policy, StackAdapter
from tests.unit.settings import QUICK, factory, hems, ipsec, s1, settings

GATEWAY, SECOND, THIRD = paths.SECURITY_GATEWAYS
PLMN = paths.PLMN_LIST + "1.PLMNID"
REQUIRED = ipsec(s1=S1Policy.REQUIRED)


def refused(
    values: dict[str, str], *, tree: Tree | None = None, **changes: Any
) -> dict[str, FaultCode]:
    """Return which parameters of a set are refused, by their type or by what they ask for."""
    try:
        candidate = (tree or factory(**changes)).set(values.items())
    except CwmpFault as fault:
        return {culprit.path: culprit.code for culprit in fault.culprits}
    culprits = refusals(candidate, frozenset(values), settings(**changes))
    assert all(culprit.text for culprit in culprits)
    return {culprit.path: culprit.code for culprit in culprits}


def accepted(values: dict[str, str], **changes: Any) -> Tree:
    """Return the tree after a set that is not refused."""
    assert refused(values, **changes) == {}
    return factory(**changes).set(values.items())


def test_factory_has_nothing_to_refuse() -> None:
    tree = factory()
    assert refusals(tree, frozenset(tree.values), settings()) == ()


# Hosts.

HOSTS = [
    "a",
    "mme",
    "mme.example",
    "mme.example.",
    "mme-1.epc.mnc001.mcc001.3gppnetwork.org",
    "MME_1.example",
    "3gppnetwork.org",
    "1.2.3.example",
    "a" * 63,
    "10.0.0.2",
    "2001:db8::2",
    "::ffff:10.0.0.2",
]
NO_HOSTS = [
    "",
    ".",
    "..",
    "a..b",
    ".mme",
    "-mme",
    "mme-",
    "mme.-a.b",
    "a" * 64,
    "mme example",
    "mme\n",
    "mme\t",
    "mme:36412",
    "mme/24",
    "http://mme",
    "user@mme",
    "méxico",
    "m%6de",
    "10.0.0",
    "10.0.0.256",
    "10.0.0.2.3",
    "010.0.0.2",
    "10.0.0.2/24",
    "10.0.0.2:36412",
    "1",
    "2001:db8:::2",
    "2001:db8::2/64",
    "12345::",
    "fe80::1%lo",
    "fe80::1%1",
    "2001:db8::2%",
]
HALF_BRACKETS = ["[2001:db8::2", "2001:db8::2]", "[10.0.0.2", "10.0.0.2]", "[[::1]]"]


@pytest.mark.parametrize("host", HOSTS)
def test_address_or_name_is_a_host(host: str) -> None:
    assert is_host(host)
    assert refused({paths.S1_SERVERS: host}) == {}


@pytest.mark.parametrize("host", NO_HOSTS)
def test_anything_else_is_no_host(host: str) -> None:
    assert not is_host(host)


@pytest.mark.parametrize("host", HALF_BRACKETS)
def test_address_with_half_its_brackets_is_no_host(host: str) -> None:
    assert not is_host(host)


@pytest.mark.parametrize("host", [host for host in NO_HOSTS if host.strip() and "," not in host])
@pytest.mark.parametrize("path", [*paths.SECURITY_GATEWAYS, paths.S1_SERVERS])
def test_what_is_no_host_is_refused(path: str, host: str) -> None:
    if host == host.strip() or path != paths.S1_SERVERS:
        assert refused({path: host}) == {path: FaultCode.INVALID_VALUE}


@pytest.mark.conformance("C167", "C118")
@pytest.mark.parametrize("listed", [",", "mme,", ",mme", "a,,b", " , "])
def test_empty_item_in_the_list_of_far_ends_is_refused(listed: str) -> None:
    """Each item is a host, and there is one at least."""
    assert refused({paths.S1_SERVERS: listed}) == {paths.S1_SERVERS: FaultCode.INVALID_VALUE}


def test_one_bad_item_refuses_the_list() -> None:
    assert refused({paths.S1_SERVERS: "10.0.0.2,10.0.0.256"}) == {
        paths.S1_SERVERS: FaultCode.INVALID_VALUE
    }


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("10.0.0.2", "10.0.0.2"),
        ("2001:DB8::2", "2001:db8::2"),
        ("[2001:db8::2]", "2001:db8::2"),
        ("mme", None),
        ("", None),
        ("10.0.0", None),
    ],
)
def test_literal_is_the_address_that_is_written(text: str, address: str | None) -> None:
    assert literal(text) == (None if address is None else ip_address(address))


@QUICK
@given(st.text(max_size=40))
def test_any_text_is_a_host_or_not(text: str) -> None:
    if is_host(text):
        assert text.isascii()
        assert text == text.strip()


# Numbers.


@pytest.mark.parametrize(
    ("path", "text", "fine"),
    [
        (paths.S1_PORT, "1", True),
        (paths.S1_PORT, "65535", True),
        (paths.S1_PORT, "0", False),
        (paths.S1_PORT, "65536", False),
        (PLMN, "", True),
        (PLMN, "00101", True),
        (PLMN, "001001", True),
        (PLMN, "0010", False),
        (PLMN, "0010010", False),
        (PLMN, "0010a", False),
        (PLMN, "٠٠١٠١", False),
        (paths.TAC, "65535", True),
        (paths.TAC, "65536", False),
        (paths.CELL_IDENTITY, "268435455", True),
        (paths.CELL_IDENTITY, "268435456", False),
        (paths.CSG_ID, "134217727", True),
        (paths.CSG_ID, "134217728", False),
    ],
)
def test_number_that_cannot_be_is_refused(path: str, text: str, fine: bool) -> None:
    assert refused({path: text}) == ({} if fine else {path: FaultCode.INVALID_VALUE})


# The URL of the HeMS.


@pytest.mark.parametrize(
    "url",
    [
        "http://hems.example",
        "https://hems.example/",
        "https://hems.example:7548/acs?a=b",
        "HTTPS://HEMS.example/",
        "http://10.0.0.9:7547/",
        "http://[2001:db8::9]:7547/acs",
    ],
)
def test_url_of_a_host_is_fine(url: str) -> None:
    assert refused({paths.URL: url}) == {}


@pytest.mark.conformance("C001")
@pytest.mark.parametrize(
    "url",
    [
        "",
        "hems.example",
        "//hems.example/",
        "ftp://hems.example/",
        "file:///etc/hostname",
        "javascript:alert(1)",
        "http://",
        "http:///acs",
        "http://:7547/",
        "http://-hems/",
        "http://10.0.0.256/",
        "http://hems.example:99999/",
        "http://hems.example:http/",
        "http://hems.example:-1/",
        "http://[2001:db8::9/",
        "http://[10.0.0.9/",
        "http://[hems.example]/",
        "http://hems example/",
        "http://hems\u3002example/",
    ],
)
def test_what_is_no_url_of_a_host_is_refused(url: str) -> None:
    assert refused({paths.URL: url}) == {paths.URL: FaultCode.INVALID_VALUE}


@pytest.mark.parametrize(
    "url",
    [
        " http://hems.example/",
        "http://hems.example/ ",
        "http://hems.example/a b",
        "ht\ntp://hems.example/",
        "http://hems.exa\tmple/",
        "http://hems.example/\r\nHost: another.example",
        "http://hems.example/\x7f",
    ],
)
def test_url_with_blanks_in_it_is_refused(url: str) -> None:
    """RFC 3986: and some of them would be dropped in silence by whoever reads it."""
    assert refused({paths.URL: url}) == {paths.URL: FaultCode.INVALID_VALUE}


def test_url_without_a_port_that_exists_is_refused() -> None:
    assert refused({paths.URL: "http://hems.example:0/"}) == {paths.URL: FaultCode.INVALID_VALUE}


NO_NETWORKS = ipsec(networks=())


@pytest.mark.parametrize(
    ("url", "changes", "fine"),
    [
        ("http://hems.example/", {"ipsec": NO_NETWORKS}, False),
        ("http://10.9.9.9/", {"ipsec": NO_NETWORKS}, True),
        ("http://[2001:db8::9]/", {"ipsec": NO_NETWORKS}, True),
        ("http://hems.example/", {"ipsec": ipsec()}, True),
        (
            "http://hems.example/",
            {"ipsec": NO_NETWORKS, "hems": hems(address=ip_address("10.9.9.9"))},
            True,
        ),
        ("http://hems.example/", {"ipsec": NO_NETWORKS, "hems": hems(path=HemsPath.DIRECT)}, True),
        ("http://hems.example/", {"ipsec": None, "hems": hems(path=HemsPath.DIRECT)}, True),
        ("http://hems.example/", {"ipsec": None}, False),
    ],
)
def test_hems_inside_the_tunnel_needs_a_network_that_leads_to_it(
    url: str, changes: dict[str, Any], fine: bool
) -> None:
    assert refused({paths.URL: url}, **changes) == (
        {} if fine else {paths.URL: FaultCode.INVALID_VALUE}
    )


@QUICK
@given(st.text(max_size=60) | st.text(max_size=40).map("http://{}/".format))
def test_any_text_is_a_url_or_has_a_problem(url: str) -> None:
    problem = url_problem(url, hems(), ipsec())
    assert problem is None or problem


# What contradicts the tunnel.


@pytest.mark.parametrize(
    "values",
    [
        {paths.IPSEC_ENABLE: "true"},
        {GATEWAY: "segw.example"},
        {THIRD: "10.1.0.1"},
        {paths.IPSEC_ENABLE: "true", SECOND: "segw.example"},
    ],
)
def test_tunnel_without_a_section_for_it_is_refused(values: dict[str, str]) -> None:
    found = refused(values, ipsec=None, hems=hems(path=HemsPath.DIRECT))
    assert found == dict.fromkeys(values, FaultCode.INVALID_VALUE)


@pytest.mark.parametrize(
    "values",
    [{paths.IPSEC_ENABLE: "false"}, {GATEWAY: ""}, {paths.S1_SERVERS: "mme"}],
)
def test_box_without_a_tunnel_can_be_provisioned(values: dict[str, str]) -> None:
    assert refused(values, ipsec=None, hems=hems(path=HemsPath.DIRECT)) == {}


@pytest.mark.parametrize(
    ("values", "culprits"),
    [
        ({paths.IPSEC_ENABLE: "false"}, {paths.IPSEC_ENABLE}),
        (
            {paths.IPSEC_ENABLE: "false", GATEWAY: "10.1.0.1", paths.S1_PORT: "36500"},
            {paths.IPSEC_ENABLE, GATEWAY},
        ),
        ({GATEWAY: ""}, set()),
        ({GATEWAY: "10.1.0.1", paths.IPSEC_ENABLE: "true"}, set()),
        ({paths.S1_SERVERS: "mme.example"}, set()),
    ],
)
def test_s1_that_has_to_go_inside_cannot_be_led_outside(
    values: dict[str, str], culprits: set[str]
) -> None:
    assert refused(values, ipsec=REQUIRED) == dict.fromkeys(culprits, FaultCode.INVALID_VALUE)


def test_hems_may_lead_s1_outside_where_the_policy_lets_it() -> None:
    assert refused({paths.IPSEC_ENABLE: "false"}) == {}


NETWORKS = ipsec(networks=(ip_network("10.0.0.0/16"), ip_network("2001:db8::/32")))


@pytest.mark.parametrize(
    ("gateway", "fine"),
    [
        ("10.1.0.1", True),
        ("10.0.255.255", False),
        ("2001:db8::1", False),
        ("2001:db9::1", True),
        ("segw.example", True),
    ],
)
@pytest.mark.parametrize("path", paths.SECURITY_GATEWAYS)
def test_gateway_behind_itself_is_refused(path: str, gateway: str, fine: bool) -> None:
    assert refused({path: gateway}, ipsec=NETWORKS) == (
        {} if fine else {path: FaultCode.INVALID_VALUE}
    )


def test_network_of_everything_does_not_put_the_gateway_behind_itself() -> None:
    everything = ipsec(networks=(ip_network("0.0.0.0/0"), ip_network("::/0")))
    for gateway in ("10.1.0.1", "2001:db8::1"):
        assert refused({GATEWAY: gateway}, ipsec=everything) == {}


def test_far_end_that_is_the_gateway_is_refused() -> None:
    wrong = {paths.S1_SERVERS: FaultCode.INVALID_VALUE}
    assert refused({paths.S1_SERVERS: "10.1.0.1"}, ipsec=ipsec(gateways=("10.1.0.1",))) == wrong
    assert refused({paths.S1_SERVERS: "mme,10.1.0.1", SECOND: "10.1.0.1"}).items() >= wrong.items()


def test_gateway_that_is_a_far_end_already_is_refused() -> None:
    """The same contradiction from the other side: it would be stored, and never work."""
    tree = accepted({paths.S1_SERVERS: "10.1.0.1"})
    assert GATEWAY in refused({GATEWAY: "10.1.0.1"}, tree=tree)


def test_far_end_at_the_gateway_is_fine_outside_the_tunnel() -> None:
    assert (
        refused({paths.S1_SERVERS: "10.1.0.1", GATEWAY: "10.1.0.1", paths.IPSEC_ENABLE: "0"}) == {}
    )


def test_indicator_that_makes_a_far_end_the_gateway_is_refused() -> None:
    values = {paths.S1_SERVERS: "10.1.0.1", GATEWAY: "10.1.0.1", paths.IPSEC_ENABLE: "false"}
    tree = accepted(values)
    assert refused({paths.IPSEC_ENABLE: "true"}, tree=tree)


@pytest.mark.conformance("C112")
def test_set_is_judged_as_a_whole_and_in_any_order() -> None:
    """Each step alone might be refused."""
    values = {paths.IPSEC_ENABLE: "true", GATEWAY: "10.1.0.2", paths.S1_SERVERS: "10.1.0.1"}
    start = accepted(
        {paths.IPSEC_ENABLE: "false", GATEWAY: "10.1.0.1", paths.S1_SERVERS: "10.1.0.1"}
    )
    for order in permutations(values.items()):
        assert refused(dict(order), tree=start) == {}


def test_only_what_is_named_in_the_set_is_refused() -> None:
    """What was stored under another configuration must not stand in the way of a set."""
    tree = accepted({GATEWAY: "10.1.0.1"})
    behind = ipsec(networks=(ip_network("10.1.0.0/16"),))
    assert refused({paths.TAC: "7"}, tree=tree, ipsec=behind) == {}
    assert GATEWAY in refused({GATEWAY: "10.1.0.1"}, tree=tree, ipsec=behind)


# The profile of IPsec.


def test_profile_that_leaves_no_proposal_is_refused() -> None:
    for lists in (
        (paths.IKE_ENCRYPTION, paths.IKE_PSEUDO_RANDOM, paths.IKE_GROUPS),
        (paths.ESP_ENCRYPTION,),
    ):
        for path in lists:
            assert refused({path: ""}) == {path: FaultCode.INVALID_VALUE}
    assert refused({paths.IKE_ENCRYPTION: "AES-CBC"}) == {
        paths.IKE_ENCRYPTION: FaultCode.INVALID_VALUE
    }
    assert refused({paths.IKE_INTEGRITY: ""}) == {}


def test_rest_of_the_profile_takes_only_the_value_that_it_has() -> None:
    for path in (paths.PROFILE + "MaxChildSAs", paths.PROFILE + "Protocol"):
        assert accepted({path: factory().value(path)}).provisioning.values == {}
    assert refused({paths.PROFILE + "MaxChildSAs": "2", paths.PROFILE + "Protocol": "AH"}) == {
        paths.PROFILE + "MaxChildSAs": FaultCode.INVALID_VALUE,
        paths.PROFILE + "Protocol": FaultCode.INVALID_VALUE,
    }


# What the stack cannot do.


def test_what_srsenb_cannot_do_is_refused_and_other_stacks_take_it() -> None:
    for path, good, bad in (
        (paths.S1_MODE, "One", "All"),
        (paths.S1_SERVERS, "10.40.0.1,mme.example", "10.40.0.1,2001:db8::1"),
        (paths.S1_PORT, "36412", "36413"),
        (paths.CELL_IDENTITY, "0", "19088743"),
    ):
        stack = s1(adapter=StackAdapter.SRSENB)
        assert refused({path: good}, s1=stack) == {}
        assert refused({path: bad}, s1=stack) == {path: FaultCode.INVALID_VALUE}
        assert refused({path: bad}) == {}
