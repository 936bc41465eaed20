"""The configuration file → the tree as it leaves the factory."""

from __future__ import annotations

import hashlib
import hmac

from henbd.control import report_faults
from henbd.control.alarms import KINDS
from henbd.control.algorithms import supported
from henbd.control.inform_parameters import REGISTRATION
from henbd.control.location import data_object
from henbd.cwmp.structs import DeviceId
from henbd.model import paths
from henbd.model.table import Table
from henbd.model.tree import Tree
from henbd.settings import IpsecSettings, LocationSettings, Settings
from henbd.values import AddressFamily


def factory_tree(table: Table, settings: Settings, secret: str) -> Tree:
    """Return the tree of a box that no HeMS has ever set; `secret` is the device's own, in hex."""
    families = settings.ipsec.families if settings.ipsec else ()
    told = _told_at_registration(settings.location)
    instances = {paths.FAP_SERVICES: (1,), paths.PLMN_LIST: (1,), paths.DATA_MODELS: (1, 2)}
    instances[paths.SUPPORTED_ALARMS] = tuple(KINDS)
    if settings.transfers.log_command:
        instances[paths.LOG_FILES] = (1,)
    if told:
        instances |= {
            paths.LOCATIONS: (1,),
            paths.INFORM_PARAMETERS: tuple(range(1, len(told) + 1)),
        }
    if settings.ipsec:
        rows = (paths.INTERFACES, paths.PROFILES, paths.TUNNELS, paths.IKE_SAS)
        instances |= dict.fromkeys(rows, (1,))
    if AddressFamily.IPV4 in families:
        instances[paths.IPV4_ADDRESSES] = (1,)
    if AddressFamily.IPV6 in families:
        instances[paths.IPV6_ADDRESSES] = (1,)
    return Tree.factory(
        table,
        instances,
        {
            **_identity(settings),
            **_data_models(),
            **_management(settings, secret),
            **_tunnel(settings),
            **_location(settings.location),
            **_informed(told),
            **report_faults.supported(),
            # A list of one row that a HeMS fills in: it need not know Enable.
            paths.PLMN_LIST + "1.Enable": "true",
            paths.PLMN_LIST + "1.IsPrimary": "true",
        },
        dict(settings.aliases),
    )


def after_power_on(tree: Tree) -> Tree:
    """Return the tree as a power-on leaves it: AdminState is false again (TR-196)."""
    if tree.values[paths.ADMIN_STATE] == "false":
        return tree
    return tree.store({paths.ADMIN_STATE: "false"})


def after_reset(former: Tree, settings: Settings, secret: str) -> Tree:
    """Return the tree as a factory reset leaves it.

    That somebody has tampered with the box is not forgotten (TR-196 EnclosureTamperingDetected).
    """
    tree = factory_tree(former.table, settings, secret)
    if former.values[paths.TAMPERED] != "true":
        return tree
    return tree.store({paths.TAMPERED: "true"})


def device_id(settings: Settings) -> DeviceId:
    """Return the DeviceIdStruct of every Inform (TR-069 A.3.3.1)."""
    device = settings.device
    return DeviceId(device.manufacturer, device.oui, device.product_class, device.serial_number)


def connection_request_path(settings: Settings, secret: str) -> str:
    """Return the path of the ConnectionRequestURL: configured, or one that nobody can guess."""
    return settings.connection_request.path or "/" + _derived(secret, "connection request path")


def _derived(secret: str, purpose: str) -> str:
    return hmac.new(bytes.fromhex(secret), purpose.encode(), hashlib.sha256).hexdigest()[:32]


def _identity(settings: Settings) -> dict[str, str]:
    device = settings.device
    return {
        paths.MODEL_NAME: device.product_class,
        paths.MANUFACTURER: device.manufacturer,
        paths.OUI: device.oui,
        paths.PRODUCT_CLASS: device.product_class,
        paths.SERIAL_NUMBER: device.serial_number,
        paths.HARDWARE_VERSION: device.hardware_version,
        paths.SOFTWARE_VERSION: device.software_version,
    }


def _data_models() -> dict[str, str]:
    """Return what the table is drawn from: the root data model, and that of the service."""
    values = {}
    for number, name in enumerate(("tr-181-2-12-0", "tr-196-2-1-2"), 1):
        row = f"{paths.DATA_MODELS}{number}."
        values[row + "URL"] = f"http://www.broadband-forum.org/cwmp/{name}-cwmp.xml"
        values[row + "URN"] = f"urn:broadband-forum-org:{name}-cwmp"
    return values


def _management(settings: Settings, secret: str) -> dict[str, str]:
    """Return the HeMS's address and credentials, ours for connection requests unique by default."""
    device, request = settings.device, settings.connection_request
    name = f"{device.oui}-{device.product_class}-{device.serial_number}"
    return {
        paths.URL: settings.hems.url,
        paths.USERNAME: settings.hems.username,
        paths.PASSWORD: settings.hems.password,
        paths.CONNECTION_REQUEST_USERNAME: request.username or name,
        paths.CONNECTION_REQUEST_PASSWORD: request.password
        or _derived(secret, "connection request password"),
    }


def _tunnel(settings: Settings) -> dict[str, str]:
    ipsec = settings.ipsec
    if ipsec is None:
        return {}
    values = {
        paths.IPSEC_ENABLE: "true",
        paths.INTERFACE + "Type": "Tunnel",
        **_families(ipsec),
        paths.TUNNEL_INTERFACE: paths.INTERFACE.removesuffix("."),
        paths.IKE_SA + "Tunnel": paths.TUNNELS + "1",
    }
    values |= dict(zip(paths.SECURITY_GATEWAYS, ipsec.gateways, strict=False))
    values |= _algorithms(ipsec)
    if AddressFamily.IPV4 in ipsec.families:
        values[paths.INNER_IPV4 + "AddressingType"] = "IKEv2"
    if AddressFamily.IPV6 in ipsec.families:
        values[paths.INNER_IPV6 + "Origin"] = "IKEv2"
    return values


def _families(ipsec: IpsecSettings) -> dict[str, str]:
    """Return which kinds of addresses are asked for on the tunnel's interface."""
    enabled = {
        paths.INTERFACE + "IPv4Enable": AddressFamily.IPV4,
        paths.INTERFACE + "IPv6Enable": AddressFamily.IPV6,
    }
    return {p: "true" if family in ipsec.families else "false" for p, family in enabled.items()}


def _algorithms(ipsec: IpsecSettings) -> dict[str, str]:
    """Return the algorithms of our proposals: all that there are, and all are allowed."""
    ike, esp = supported(ipsec.proposals), supported(ipsec.esp_proposals)
    integrity = dict.fromkeys((*ike.integrity, *esp.integrity))
    lists = {
        paths.IKE_ENCRYPTION_SUPPORTED: ike.encryption,
        paths.ESP_ENCRYPTION_SUPPORTED: esp.encryption,
        paths.PSEUDO_RANDOM_SUPPORTED: ike.pseudo_random,
        paths.INTEGRITY_SUPPORTED: integrity,
        paths.GROUPS_SUPPORTED: ike.groups,
        paths.IKE_ENCRYPTION: ike.encryption,
        paths.ESP_ENCRYPTION: esp.encryption,
        paths.IKE_PSEUDO_RANDOM: ike.pseudo_random,
        paths.IKE_INTEGRITY: ike.integrity,
        paths.ESP_INTEGRITY: esp.integrity,
        paths.IKE_GROUPS: ike.groups,
    }
    return {path: ",".join(names) for path, names in lists.items()}


def _told_at_registration(location: LocationSettings) -> tuple[str, ...]:
    """Return where the box says that it is, when it registers (TS 32.593 5.1.3)."""
    place = (paths.GPS_LATITUDE, paths.GPS_LONGITUDE, paths.OWN_LOCATION + "DataObject")
    if location.gpsd:
        return (*place, paths.GPS_LAST_SUCCESS)
    return place if location.coordinates else ()


def _informed(told: tuple[str, ...]) -> dict[str, str]:
    """Return the rows of InformParameter; the HeMS may change and delete them."""
    values = {}
    for number, path in enumerate(told, 1):
        row = f"{paths.INFORM_PARAMETERS}{number}."
        values[row + "Enable"] = "true"
        values[row + "ParameterName"] = path
        values[row + "EventList"] = ",".join(REGISTRATION)
    return values


def _location(location: LocationSettings) -> dict[str, str]:
    """Return what is known of the place: measured by somebody, or to be found by GPS."""
    if location.gpsd:
        return {paths.GPS_EQUIPPED: "true", paths.OWN_LOCATION + "Source": "GPS"}
    if not location.coordinates:
        return {}
    return {
        paths.GPS_LATITUDE: str(location.coordinates.latitude),
        paths.GPS_LONGITUDE: str(location.coordinates.longitude),
        paths.OWN_LOCATION + "Source": "Manual",
        paths.OWN_LOCATION + "DataObject": data_object(location.coordinates),
    }
