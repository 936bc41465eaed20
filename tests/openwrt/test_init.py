"""The init script: what it makes of /etc/config/henbd, and what then becomes of the daemon."""

from __future__ import annotations

import stat
from typing import Any

import pytest

from henbd import cli
from henbd.config import ALIASES as ALIAS_SECTION
from henbd.config_keys import SECTIONS
from tests.lab import pki as lab_pki
from tests.lab.pki import Pki
from tests.openwrt.board import FILES, Board

CONFIG = """\
config main 'main'
	option enabled '1'
	option interface 'uplink'

config device 'device'
	option manufacturer 'Example'

config hems 'hems'
	option session_s '600'

config ipsec 'ipsec'
	option enabled '0'

config store 'store'
	option directory '/etc/henbd/store'
"""


def configure(board: Board, old: str = "", new: str = "", text: str = CONFIG) -> None:
    assert old in text
    board.put("etc/config/henbd", text.replace(old, new) if old else text)


def starts_at(script: str) -> int:
    (line,) = (line for line in script.splitlines() if line.startswith("START="))
    return int(line.removeprefix("START="))


def started(board: Board) -> int:
    """Start the service as configured; return the process of the daemon."""
    configure(board)
    board.init("start")
    return board.procd.instances["henbd"].pid


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return lab_pki.make(tmp_path_factory.mktemp("pki"))


def example(pki: Pki, unset: frozenset[str] = frozenset()) -> str:
    """Return the configuration of the package with all that is commented out in it, but `unset`."""
    files = {
        "/etc/henbd/hems-ca.pem": pki.tls_ca.certificate,
        "/etc/henbd/segw-ca.pem": pki.ike_ca.certificate,
        "/etc/henbd/henb.pem": pki.henb.certificate,
        "/etc/henbd/henb.key": pki.henb.key,
        "/etc/henbd/psk": pki.henb.key,
        "group 'henbd'": "group 'root'",
    }
    lines = []
    for line in (FILES / "henbd.config").read_text().splitlines():
        words = line.removeprefix("\t#").split()
        if line.startswith("\t#") and words[0] in ("option", "list") and words[1] not in unset:
            line = "\t" + line.removeprefix("\t#")
        lines.append(line)
    text = "\n".join(lines) + "\n"
    for name, file in files.items():
        text = text.replace(name, str(file))
    return text.replace("enabled '0'", "enabled '1'")


@pytest.mark.parametrize("unset", [{"psk_file"}, {"ca_file", "certificate_file", "key_file"}])
def test_every_option_lands_in_a_file_that_the_daemon_takes(
    either_board: Board, pki: Pki, unset: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    board = either_board
    configure(board, text=example(pki, frozenset(unset)))
    board.init("start")
    found = board.settings()
    assert found.keys() == SECTIONS.keys()
    for section, keys in SECTIONS.items():
        assert found[section].keys() | unset == keys.keys() | unset, section
    board.toml.chmod(0o600)
    assert cli.main(["check-config", str(board.toml)]) == 0, capsys.readouterr().err


def test_only_the_user_of_the_daemon_reads_what_it_is_given(either_board: Board) -> None:
    board = either_board
    started(board)
    found = board.toml.stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (633, 633, 0o640)
    store = (board.root / "etc/henbd/store").stat()
    assert (store.st_uid, stat.S_IMODE(store.st_mode)) == (633, 0o700)
    assert not (board.root / "tmp/run/henbd.toml.new").exists()


def test_a_link_does_not_lead_root_astray(board: Board) -> None:
    configure(board)
    precious = board.put("etc/shadow", "precious")
    for link in ("tmp/run/henbd/henbd.toml", "tmp/run/henbd/henbd.toml.new"):
        (board.root / link).parent.mkdir(exist_ok=True)
        (board.root / link).symlink_to("/etc/shadow")
    (board.root / "etc/henbd/store").mkdir(parents=True)
    (board.root / "etc/henbd/store/state.json").symlink_to("/etc/shadow")
    board.init("start")
    assert precious.read_text() == "precious"
    assert precious.stat().st_uid == 0
    assert board.settings()["hems"] == {"session_s": 600}


HOSTILE = [
    'a "quoted" word',
    "back\\slash \\n \\",
    "line\nbreak = 1\n[hems]\nurl = 'x'",
    "tab\tbell\x07 escape\x1b delete\x7f",
    "$(reboot) `reboot` ${IFS} ; reboot & # comment",
    "it's * [a-z]* ? ~root",
    '"""',
    "schön 日本 😀",
    " blanks at both ends ",
    "-n",
    "%s %d \\x41",
]


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_text_arrives_as_it_was_configured(either_board: Board, value: str) -> None:
    board = either_board
    quoted = "'" + value.replace("'", "'\\''") + "'"
    configure(
        board,
        "option session_s '600'",
        f"option password {quoted}\n\toption username {quoted}",
        CONFIG.replace("option enabled '0'", f"list proposals {quoted}\n\tlist proposals 'b'"),
    )
    assert board.init("start") == ""
    found = board.settings()
    assert found["hems"] == {"password": value, "username": value}
    assert found["ipsec"] == {"proposals": [value, "b"]}


@pytest.mark.parametrize(
    ("section", "line", "key", "value"),
    [
        ("hems", "option session_s '0x40'", "session_s", 64),
        ("ipsec", "option dpd_s '010'", "dpd_s", 8),
        ("ipsec", "option gateways 'a.example 192.0.2.1'", "gateways", ["a.example", "192.0.2.1"]),
        ("s1", "option wait_for_admin_state 'on'", "wait_for_admin_state", True),
        ("s1", "option wait_for_admin_state 'false'", "wait_for_admin_state", False),
        ("s1", "option hold_s '0'", "hold_s", 0),
        ("ipsec", "option if_id '4294967295'", "if_id", 2**32 - 1),
        ("transfers", "option log_command 'logread -e *'", "log_command", ["logread", "-e", "*"]),
    ],
)
def test_value_has_the_type_of_its_key(
    either_board: Board, section: str, line: str, key: str, value: Any
) -> None:
    board = either_board
    enabled = "config main main\n\toption enabled 1\n"
    configure(board, text=f"{enabled}config {section} {section}\n\t{line}")
    board.init("start")
    assert board.settings() == {section: {key: value}}


ALIASES = """
config alias
	option name 'Device.Services.FAPService.Ipsec.IPSEC_ENABLE'
	option target 'Device.IPsec.Enable'

config alias
	option name 'X "quoted"'
	option target 'Device.X'

config alias
	option name 'without a target'
"""


def test_aliases_are_as_many_as_there_are_sections(board: Board) -> None:
    configure(board, text=CONFIG + ALIASES)
    assert board.init("start") == ""
    assert board.settings()[ALIAS_SECTION] == {
        "Device.Services.FAPService.Ipsec.IPSEC_ENABLE": "Device.IPsec.Enable",
        'X "quoted"': "Device.X",
    }
    assert not board.log()


def test_what_is_empty_is_not_set(board: Board) -> None:
    configure(board, "session_s '600'", "password ''")
    board.init("start")
    assert board.settings()["hems"] == {}


def test_the_daemon_is_run_in_the_foreground_and_for_ever(board: Board) -> None:
    started(board)
    parameters = board.procd.instances["henbd"].parameters
    file = "/var/run/henbd/henbd.toml"
    assert parameters["command"] == ("/usr/bin/henbd", "run", "--config", file)
    assert parameters["file"] == (file,)
    assert parameters["respawn"] == ("3600", "5", "0")
    assert parameters["env"] == ("PYTHONUNBUFFERED=1",)
    assert (parameters["stdout"], parameters["stderr"]) == (("1",), ("1",))


def test_without_ujail_the_daemon_is_root(board: Board) -> None:
    board.put("etc/capabilities/henbd.json", "{}")
    started(board)
    assert not {"user", "capabilities", "jail"} & board.procd.instances["henbd"].parameters.keys()


def test_with_ujail_the_daemon_has_one_capability(board: Board) -> None:
    board.put_program("sbin/ujail", "")
    board.put("etc/capabilities/henbd.json", (FILES / "henbd.capabilities.json").read_text())
    started(board)
    parameters = board.procd.instances["henbd"].parameters
    assert (parameters["user"], parameters["group"]) == (("henbd",), ("henbd",))
    assert parameters["capabilities"] == ("/etc/capabilities/henbd.json",)
    assert parameters["no_new_privs"] == ("1",)
    assert parameters["jail"] == ("henbd",)


def test_reload_without_a_change_is_not_noticed(board: Board) -> None:
    pid = started(board)
    board.init("reload")
    daemon = board.procd.instances["henbd"]
    assert (daemon.pid, daemon.signals) == (pid, [])


def test_a_change_is_told_to_the_daemon_that_runs(board: Board) -> None:
    pid = started(board)
    configure(board, "'600'", "'700'")
    board.init("reload")
    daemon = board.procd.instances["henbd"]
    assert (daemon.pid, daemon.signals) == (pid, ["HUP"])
    assert board.settings()["hems"] == {"session_s": 700}


@pytest.mark.parametrize(
    ("old", "new", "section"),
    [
        ("session_s '600'", "session_s '29'", "hems"),
        ("session_s '600'", "session_s '6OO'", "hems"),
        ("session_s '600'", "path 'tunel'", "hems"),
        ("config hems 'hems'", "config hms 'hems'", "hems"),
        ("enabled '0'", "enabled '1'\n\tlist gateways 'a b'\n\tlist networks 'c'", "ipsec"),
        ("enabled '1'", "enabled 'maybe'", "main"),
    ],
)
def test_what_is_invalid_is_told_and_the_daemon_goes_on(
    board: Board, old: str, new: str, section: str
) -> None:
    pid = started(board)
    before = board.toml.read_bytes()
    configure(board, old, new)
    said = board.init("reload")
    assert f"henbd.{section}" in said
    assert board.log() == [f"/etc/config/henbd: section {section} is wrong, nothing is changed"]
    daemon = board.procd.instances["henbd"]
    assert (daemon.pid, daemon.signals) == (pid, [])
    assert board.toml.read_bytes() == before
    configure(board)
    board.init("reload")
    assert board.procd.instances["henbd"].pid == pid


def test_charon_of_ours_outlives_what_is_invalid(board: Board) -> None:
    configure(board, "enabled '0'", "enabled '1'")
    board.init("start")
    pids = {name: instance.pid for name, instance in board.procd.instances.items()}
    configure(board, "enabled '0'", "enabled '1'\n\toption dpd_s 'x'")
    board.init("reload")
    assert {name: instance.pid for name, instance in board.procd.instances.items()} == pids
    assert pids.keys() == {"henbd", "charon"}


def test_a_start_with_what_is_invalid_starts_nothing(board: Board) -> None:
    configure(board, "'600'", "'x'")
    board.init("start")
    assert not board.procd.instances


def test_an_option_that_means_nothing_is_named(either_board: Board) -> None:
    board = either_board
    configure(board, "option session_s", "option sesion_s '1'\n\toption session_s")
    board.init("start")
    assert board.log() == ["/etc/config/henbd: hems has no option sesion_s, it is ignored"]
    assert board.settings()["hems"] == {"session_s": 600}


def test_a_full_flash_does_not_stop_the_daemon(board: Board) -> None:
    pid = started(board)
    # Where the new file would be made there is a directory, which cannot be overwritten.
    (board.root / "tmp/run/henbd.toml.new/x").mkdir(parents=True)
    board.init("reload")
    assert board.log() == ["/var/run/henbd/henbd.toml cannot be written"]
    assert board.procd.instances["henbd"].pid == pid


def test_disabled_it_is_stopped(board: Board) -> None:
    started(board)
    configure(board, "enabled '1'", "enabled '0'")
    board.init("reload")
    assert not board.procd.instances
    # A mistake does not bring back what was there before.
    configure(board, "enabled '1'", "enabled '0'\n\nconfig s1 s1\n\toption hold_s 'x'")
    board.init("reload")
    configure(board, "enabled '1'", "enabled 'maybe'")
    board.init("reload")
    assert not board.procd.instances


def test_the_configuration_of_the_package_starts_nothing(board: Board) -> None:
    board.put("etc/config/henbd", (FILES / "henbd.config").read_text())
    assert board.init("start") == ""
    assert not board.procd.instances
    assert not board.log()


def test_without_a_tunnel_there_is_neither_section_nor_charon(board: Board) -> None:
    started(board)
    assert "ipsec" not in board.settings()
    assert board.procd.instances.keys() == {"henbd"}


@pytest.mark.parametrize("service", ["swanctl", "ipsec", None])
def test_charon_is_started_only_where_nobody_else_does(board: Board, service: str | None) -> None:
    configure(board, "enabled '0'", "enabled '1'")
    for other in ("swanctl", "ipsec"):
        board.put_program(f"etc/init.d/{other}", f'[ "$1 {other}" = "enabled {service}" ]')
    board.init("start")
    charon = {"charon"} if service is None else set()
    assert board.procd.instances.keys() == {"henbd"} | charon


def test_charon_of_ours_outlives_a_change(board: Board) -> None:
    configure(board, "enabled '0'", "enabled '1'")
    board.init("start")
    pid = board.procd.instances["charon"].pid
    configure(board, "enabled '0'", "enabled '1'\n\toption dpd_s '20'")
    board.init("reload")
    assert board.procd.instances["charon"].pid == pid
    assert board.procd.instances["henbd"].signals == ["HUP"]


def test_it_is_reloaded_with_its_configuration_and_when_the_network_comes_up(board: Board) -> None:
    started(board)
    assert board.procd.triggers == [
        ("add_reload_trigger", "henbd"),
        ("add_interface_trigger", "interface.*.up", "uplink", "/etc/init.d/henbd", "reload"),
    ]
    assert board.procd.validations.keys() == {"main", *SECTIONS}
    assert "session_s:range(30,86400)" in board.procd.validations["hems"]


def test_stopped_it_is_gone(board: Board) -> None:
    started(board)
    board.init("stop")
    assert not board.procd.instances


def test_guards_of_the_store_are_put_back_before_the_network(board: Board) -> None:
    script = (FILES / "henbd-guard.init").read_text()
    board.put("etc/init.d/henbd-guard", script)
    board.put_program("usr/libexec/henbd-guard", 'echo "$@" >>/tmp/guarded')
    configure(board, "/etc/henbd/store", "/overlay/henbd")
    board.init("start", "henbd-guard")
    assert (board.root / "tmp/guarded").read_text() == "/overlay/henbd/guards\n"
    assert starts_at(script) < 20, "the network starts at 20"


def test_daemon_starts_after_charon() -> None:
    assert starts_at((FILES / "henbd.init").read_text()) > 90, "the swanctl service starts at 90"
