"""Each mistake in the configuration is named, with its line and its key."""

from __future__ import annotations

import pytest

from henbd.errors import Problem
from tests.unit.configuration import TUNNEL, understood

# What is changed in the valid configuration; then what is found, at the last of the new lines.
MISTAKES = """
- oui = "00256D"
+ oui = "00256"
! device.oui: '00256' is not 6 hexadecimal digits

- oui = "00256D"
+ oui = 256
! device.oui: has to be a text, not an integer

- oui = "00256D"
+ Oui = 1
! device.Oui: there is no such key; is oui meant?

- manufacturer = "Example"
+ manufacturer = ""
! device.manufacturer: has 0 characters, 1 to 64 are wanted

- manufacturer = "Example"
+ manufacturer = "a\\nb"
! device.manufacturer: has unprintable characters

- serial_number = "000001"
+ serial_number = 2026-01-01
! device.serial_number: has to be a text, not a date or time

- serial_number = "000001"
+ serial_number = "1"
+ boot_id_file = "/x"
! device.boot_id_file: /x: No such file or directory

- url = "http://10.30.0.3:7547/cwmp"   # a literal
+ url = "ftp://10.30.0.3"
! hems.url: 'ftp://10.30.0.3' is no http or https URL of a host

- url = "http://10.30.0.3:7547/cwmp"   # a literal
+ url = "http://10.30.0.3:x/"
! hems.url: 'http://10.30.0.3:x/': Port could not be cast to integer value as 'x'

- url = "http://10.30.0.3:7547/cwmp"   # a literal
+ url = "http://me:word@10.30.0.3/"
! hems.url: names a user: that belongs into username and password

- password = "secret"
+ password = 12
! hems.password: has to be a text, not an integer

- password = "secret"
+ ca_file = "/x"
! hems.ca_file: /x: No such file or directory

- password = "secret"
+ ca_file = "x"
! hems.ca_file: 'x' is not an absolute path

- password = "secret"
+ certificate_file = "/etc/henbd/henb.pem" # hems
! hems.certificate_file: goes with key_file, which is missing

- password = "secret"
+ key_file = "/etc/henbd/henb.key" # hems
! hems.key_file: goes with certificate_file, which is missing

- password = "secret"
+ path = "tunel"
! hems.path: 'tunel' is not 'tunnel' or 'direct'

- password = "secret"
+ address = "10.30.0.300"
! hems.address: '10.30.0.300' is no address

- password = "secret"
+ address = "fe80::1%1"
! hems.address: 'fe80::1%1' is no address

- password = "secret"
+ cwmp_version = "2"
! hems.cwmp_version: '2' is not 'auto' or '1.0' or '1.1' or '1.2' or '1.3' or '1.4'

- password = "secret"
+ session_s = 29
! hems.session_s: 29 is not within 30 to 86400

- password = "secret"
+ trial_s = 86401
! hems.trial_s: 86401 is not within 30 to 86400

- password = "secret"
+ session_s = true
! hems.session_s: has to be an integer, not a boolean

- path = ""
+ path = "abc"
! connection_request.path: 'abc' is no path that begins with / and has no special characters

- path = ""
+ port = 0
! connection_request.port: 0 is not within 1 to 65535

- "segw.example",  # the first
+ "segw example",
! ipsec.gateways: 'segw example' is neither an address nor a host name

- "192.0.2.1",
+ 7,
! ipsec.gateways: has to be a text, not an integer

- "192.0.2.1",
+ "10.30.0.9",
! ipsec.gateways: 10.30.0.9 lies in networks, in 10.30.0.0/16: behind itself

- "segw.example",  # the first
+ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example",
! ipsec.gateways: has 68 characters, 1 to 64 are wanted

- remote_id = "segw.example"
+ remote_id = []
! ipsec.remote_id: has to be a text, not an array

- certificate_file = "/etc/henbd/henb.pem"
+ certificate_file = "/x"
! ipsec.certificate_file: /x: No such file or directory

- key_file = "/etc/henbd/henb.key"
+ key_file = "/etc/henbd/other.key"
! ipsec.key_file: /etc/henbd/other.key does not belong to the certificate /etc/henbd/henb.pem

- key_file = "/etc/henbd/henb.key"
+ key_file = "/etc/henbd/open.key"
! ipsec.key_file: /etc/henbd/open.key is open to others

- ca_file = "/etc/henbd/ca.pem"
+ ca_file = "/etc/henbd/ca.pem"
+ psk_file = "/etc/henbd/psk"
! ipsec.psk_file: goes without ca_file: either certificates or a shared secret

- networks = ["10.30.0.0/16"]
+ networks = 1
! ipsec.networks: has to be an array: [ … ]

- networks = ["10.30.0.0/16"]
+ networks = ["10.30.0.1/16"]
! ipsec.networks: '10.30.0.1/16' is no network; is 10.30.0.0/16 meant?

- networks = ["10.30.0.0/16"]
+ networks = ["10.30.0.0/33"]
! ipsec.networks: '10.30.0.0/33' is no network

- networks = ["10.30.0.0/16"]
+ networks = ["FD00::1/64"]
! ipsec.networks: 'FD00::1/64' is no network; is fd00::/64 meant?

- networks = ["10.30.0.0/16"]
+ networks = ["fe80::%1/64"]
! ipsec.networks: 'fe80::%1' is no address

- addresses = ["ipv4"]
+ addresses = ["v4"]
! ipsec.addresses: 'v4' is not 'ipv4' or 'ipv6'

- addresses = ["ipv4"]
+ addresses = []
! ipsec.addresses: is empty

- addresses = ["ipv4"]
+ proposals = []
! ipsec.proposals: is empty

- addresses = ["ipv4"]
+ esp_proposals = ["AES"]
! ipsec.esp_proposals: 'AES' is no proposal such as 'aes128gcm16-prfsha256-ecp256'

- addresses = ["ipv4"]
+ s1 = "never"
! ipsec.s1: 'never' is not 'provisioned' or 'required'

- addresses = ["ipv4"]
+ dpd_s = 0
! ipsec.dpd_s: 0 is not within 1 to 3600

- socket = "/run/henbd/s1.sock"
+ adapter = "vendor"
! s1.adapter: 'vendor' is not 'native' or 'hook' or 'srsenb' or 'amarisoft'

- socket = "/run/henbd/s1.sock"
+ poll_s = 0
! s1.poll_s: 0 is not within 1 to 600

- socket = "/run/henbd/s1.sock"
+ adapter = "hook"
! s1.command: is missing: adapter = "hook" runs it

- socket = "/run/henbd/s1.sock"
+ adapter = "hook"
+ command = [""]
! s1.command: has 0 characters, 1 to 4095 are wanted

- socket = "/run/henbd/s1.sock"
+ manager = "child"
+ adapter = "srsenb"
! s1.command: is missing: manager = "child" runs it

- socket = "/run/henbd/s1.sock"
+ adapter = "srsenb"
+ file = "/x"
! s1.file: /x: No such file or directory

- socket = "/run/henbd/s1.sock"
+ adapter = "hook"
+ command = ["/usr/bin/true", "-v"]
! s1.command: /usr/bin/true: no program

- socket = "/run/henbd/s1.sock"
+ group = "wheel"
! s1.group: there is no group 'wheel'

- socket = "/run/henbd/s1.sock"
+ wait_for_admin_state = 0
! s1.wait_for_admin_state: has to be a boolean, not an integer

- group = ""
+ [location]
+ coordinates = "somewhere"
! location.coordinates: has to be latitude and longitude in degrees, as in "52.52, 13.405"

- group = ""
+ [location]
+ coordinates = "90.1 0"
! location.coordinates: is not within 90 degrees north and south, 180 east and west

- group = ""
+ [location]
+ gpsd = "2947"
! location.gpsd: has to be an address and a port, as in "127.0.0.1:2947"

- group = ""
+ [location]
+ gpsd = "localhost:2947"
! location.gpsd: 'localhost' is no address

- [control]
- group = ""
+ [control]
+ socket = "/run/henbd/s1.sock"
! control.socket: is that of [s1], too

- [control]
+ [contrl]
! contrl: there is no such section; is control meant?
"""


@pytest.mark.parametrize("case", MISTAKES.strip().split("\n\n"))
def test_a_mistake_is_named_with_its_line(case: str) -> None:
    old, new, found = (
        [line[2:] for line in case.splitlines() if line.startswith(mark)] for mark in "-+!"
    )
    lines = [line.strip() for line in TUNNEL.splitlines()]
    at = lines.index(old[0])
    assert lines[at : at + len(old)] == old
    lines[at : at + len(old)] = new
    key, _, text = found[0].partition(": ")
    problems = understood("\n".join(lines))
    assert isinstance(problems, tuple), "no mistake was found"
    assert Problem(at + len(new), key, text) in problems
    # A required key that is misspelt is missing, too.
    assert {problem.key for problem in problems} <= {key, "device.oui"}
