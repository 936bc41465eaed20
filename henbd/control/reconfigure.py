"""What of a new configuration is taken while henbd runs, and what waits for its next start."""

from __future__ import annotations

from dataclasses import replace

from henbd.settings import Settings

# What the adapter of a stack with a configuration file of its own is built with.
CONFIGURED = ("file", "manager", "service", "remote_port")

# A shell was built with these, or a document is kept by them. All other keys are read where they
# are needed, each time.
BOUND = (
    ("commands", ("reboot",)),
    # The names of our own parameters have the OUI in them.
    ("device", ("boot_id_file", "oui")),
    ("ipsec", ("vici",)),
    ("location", ("gpsd",)),
    ("s1", ("adapter", "socket", "group", "command", "time_limit_s", "poll_s", *CONFIGURED)),
)
BOUND_ALONE = (
    ("store_directory", "store.directory"),
    ("control_socket", "control.socket"),
    ("control_group", "control.group"),
    ("aliases", "alias"),
)


def taken(before: Settings, wanted: Settings) -> tuple[Settings, tuple[str, ...]]:
    """Return the settings to go on with, and the keys that take effect with the next start.

    Where [ipsec] comes or goes that is the whole file: so much hangs on whether there is a tunnel.
    """
    if (before.ipsec is None) is not (wanted.ipsec is None):
        return before, ("ipsec",)
    after, waiting = wanted, []
    for section, names in BOUND:
        old, new = getattr(before, section), getattr(wanted, section)
        kept = {n: getattr(old, n) for n in names if old and getattr(old, n) != getattr(new, n)}
        waiting += [f"{section}.{name}" for name in kept]
        after = replace(after, **{section: new and replace(new, **kept)})
    for name, key in BOUND_ALONE:
        if getattr(before, name) != getattr(wanted, name):
            waiting.append(key)
            after = replace(after, **{name: getattr(before, name)})
    return after, tuple(waiting)
