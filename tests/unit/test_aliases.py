"""Other names for parameters: listed, read, set and refused like any other."""

from __future__ import annotations

import pytest

from henbd.control.refusal import refusals
from henbd.errors import CwmpFault, FaultCode
from henbd.model import aliases, paths
from henbd.model.table import device_table
from henbd.settings import S1Policy
from tests.unit.configuration import DIRECT, changed, understood, valid
from tests.unit.settings import factory, ipsec, settings
from tests.unit.world import World, lab_settings

TABLE = device_table("00256D")
INDICATOR = "Device.Services.FAPService.Ipsec.IPSEC_ENABLE"
TRACKED = "Device.X_00256D_HeNB.1.Tracked"
PAIRS = (
    (INDICATOR, paths.IPSEC_ENABLE),
    (TRACKED, paths.FAP + "CellConfig.LTE.EPC.PLMNList.2.PLMNID"),
    ("Device.X_00256D_Up", paths.OP_STATE),
)
TREE = factory(aliases=PAIRS)


def test_alias_is_listed_with_what_it_is_in() -> None:
    names = dict(TREE.names("", next_level=False))
    assert names["Device.Services.FAPService.Ipsec."] is False
    assert names[INDICATOR] is True
    assert names["Device.X_00256D_Up"] is False
    level = TREE.names("Device.Services.FAPService.", next_level=True)
    assert level == [(paths.FAP, False), ("Device.Services.FAPService.Ipsec.", False)]
    assert list(TREE.below("Device.Services.FAPService.Ipsec.")) == [INDICATOR]


def test_alias_is_there_as_long_as_its_parameter() -> None:
    assert TRACKED not in TREE.rows
    tree, _ = TREE.add(paths.PLMN_LIST)
    tree = tree.set([(TRACKED, "00101")])
    assert tree.value(paths.PLMN_LIST + "2.PLMNID") == "00101"
    gone = tree.delete(paths.PLMN_LIST + "2.")
    assert TRACKED not in gone.nodes
    assert "Device.X_00256D_HeNB." not in gone.nodes


def test_both_names_have_one_value_whichever_is_set() -> None:
    for name in (INDICATOR, paths.IPSEC_ENABLE):
        tree = TREE.set([(name, "0")])
        assert (tree.value(INDICATOR), tree.value(paths.IPSEC_ENABLE)) == ("false", "false")
        assert tree.provisioning.values == {paths.IPSEC_ENABLE: "false"}
        again, lost = factory(aliases=PAIRS).provision(tree.provisioning)
        assert (again.value(INDICATOR), lost) == ("false", ())
    assert TREE.report({paths.OP_STATE: "true"}).value("Device.X_00256D_Up") == "true"


def test_both_names_in_one_set_are_one_too_many() -> None:
    with pytest.raises(CwmpFault) as refused:
        TREE.set([(INDICATOR, "0"), (paths.IPSEC_ENABLE, "0")])
    assert [(c.path, c.code) for c in refused.value.culprits] == [
        (paths.IPSEC_ENABLE, FaultCode.INVALID_ARGUMENTS)
    ]


def test_culprit_is_named_as_the_hems_named_it() -> None:
    required = {"ipsec": ipsec(s1=S1Policy.REQUIRED), "aliases": PAIRS}
    tree = factory(**required).set([(INDICATOR, "0")])
    assert [c.path for c in refusals(tree, frozenset({INDICATOR}), settings(**required))] == [
        INDICATOR
    ]
    with pytest.raises(CwmpFault) as refused:
        TREE.set([(INDICATOR, "perhaps")])
    assert [c.path for c in refused.value.culprits] == [INDICATOR]


def test_notification_is_that_of_the_parameter() -> None:
    tree = TREE.notify([(INDICATOR, 2)])
    assert dict(tree.attributes(paths.IPSEC_ENABLE)) == {paths.IPSEC_ENABLE: 2}
    assert dict(tree.attributes(INDICATOR)) == {INDICATOR: 2}
    assert INDICATOR not in tree.notified
    assert dict(TREE.attributes("Device.X_00256D_Up")) == {"Device.X_00256D_Up": 2}
    assert "Device.X_00256D_Up" not in (*TREE.notified, *TREE.forced)


def test_hems_leads_s1_outside_by_the_name_of_its_vendor() -> None:
    world = World(configuration=lab_settings(aliases=PAIRS))
    world.register()
    world.provision({INDICATOR: "false"})
    world.run(2)
    assert world.values[paths.IPSEC_ENABLE] == "false"
    assert world.daemon.settlement.asked.s1_inside is False
    informs = len(world.informs)
    world.run(60)
    assert len(world.informs) == informs, "what the HeMS set itself it is not told"


# By configuration.

SECTION = f'\n[alias]\n"{INDICATOR}" = "{paths.IPSEC_ENABLE}"\n'


def test_aliases_are_those_of_the_configuration() -> None:
    assert valid(DIRECT).aliases == ()
    assert valid(DIRECT + SECTION).aliases == (PAIRS[0],)


@pytest.mark.parametrize(
    ("alias", "target"),
    [
        ("Vendor.Indicator", paths.IPSEC_ENABLE),
        ("Device.", paths.IPSEC_ENABLE),
        ("Device.X.", paths.IPSEC_ENABLE),
        ("Device..X", paths.IPSEC_ENABLE),
        ("Device.X Y", paths.IPSEC_ENABLE),
        ("Device.01", paths.IPSEC_ENABLE),
        (paths.IPSEC_ENABLE, paths.OP_STATE),
        ("Device.IPsec", paths.OP_STATE),
        (paths.LTE_TUNNELS + "7", paths.OP_STATE),
        (paths.IPSEC_ENABLE + ".X", paths.OP_STATE),
        ("Device.X", "Device.Nonsense"),
        ("Device.X", paths.IPSEC),
        ("Device.X", "Device.IP.Interface.{i}.Name"),
        ("Device.X", "Device.Y"),
        ("Device.Y.X", paths.IPSEC_ENABLE),
    ],
)
def test_path_that_cannot_be_another_name_is_a_mistake(alias: str, target: str) -> None:
    assert aliases.problem(alias, target, {"Device.Y"}, TABLE)
    section = SECTION.replace(INDICATOR, alias).replace(
        f'"{paths.IPSEC_ENABLE}"\n', f'"{target}"\n'
    )
    found = understood(DIRECT + section + f'"Device.Y" = "{paths.OP_STATE}"\n')
    assert isinstance(found, tuple)
    assert [(p.line, p.key) for p in found] == [(10, f"alias.{alias}")]


def test_section_that_is_none_is_a_mistake() -> None:
    for text in ("alias = 7\n" + DIRECT, changed(DIRECT + SECTION, f'"{paths.IPSEC_ENABLE}"', "7")):
        found = understood(text)
        assert isinstance(found, tuple)
        assert len(found) == 1
