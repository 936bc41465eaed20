"""A tree and its ledger, which change together as the daemon changes them."""

from __future__ import annotations

from datetime import UTC, datetime

from henbd.control import inform_parameters, intent
from henbd.cwmp import ledger as ledgers
from henbd.cwmp import opening as openings
from henbd.cwmp.ledger import Ledger
from henbd.cwmp.opening import Opening
from henbd.model import paths
from henbd.model.provisioning import Provisioning
from henbd.model.tree import Tree
from henbd.values import Management, Moment
from tests.unit.settings import factory

ADDRESS = paths.INNER_IPV4 + "IPAddress"
WALL = datetime(2026, 2, 3, 12, tzinfo=UTC)

OFF, PASSIVE, ACTIVE = 0, 1, 2

BOOTSTRAP = "0 BOOTSTRAP"
BOOT = "1 BOOT"
PERIODIC = "2 PERIODIC"
CHANGE = "4 VALUE CHANGE"
CALLED = "6 CONNECTION REQUEST"


class Box:
    """A tree, its ledger, and a clock that stands until it is moved."""

    def __init__(self, tree: Tree | None = None, ledger: Ledger | None = None) -> None:
        self.tree = tree or factory().report({ADDRESS: "10.99.0.1"})
        self.ledger = ledger or Ledger()
        self.now = 1000.0
        self.boot_id = "boot"
        self.choice = "auto"

    @property
    def management(self) -> Management:
        return intent.management(self.tree)

    @property
    def due(self) -> float | None:
        """When the next Inform is due, in seconds from now."""
        at = ledgers.wake_at(self.ledger, self.tree, self.management, self.boot_id)
        return None if at is None else max(at, self.now) - self.now

    @property
    def codes(self) -> list[str]:
        """The events that an Inform would carry now."""
        events = ledgers.pending(self.ledger, self.tree, self.management, self.boot_id)
        return [event.code for event in events]

    def report(self, **values: str) -> None:
        """Read other values of the world: `address`, `up`."""
        names = {"address": ADDRESS, "up": paths.OP_STATE, "url": paths.CONNECTION_REQUEST_URL}
        tree = self.tree.report({names[name]: value for name, value in values.items()})
        self.ledger = ledgers.noticed(self.ledger, self.tree, tree)
        self.tree = tree

    def configure(self, values: dict[str, str]) -> None:
        """Change what is not for the HeMS to be told: it has set it, or it is of no interest."""
        self.tree = self.tree.set(values.items())

    def notify(self, path: str, attribute: int) -> None:
        """Put a parameter under notification."""
        kept = self.tree.provisioning
        chosen = {**kept.notifications, path: attribute}
        self.tree, _ = self.tree.provision(Provisioning(kept.values, chosen))

    def advance(self, wall: datetime = WALL) -> None:
        """Let the ledger see what time it is."""
        self.ledger = ledgers.advanced(self.ledger, self.management, Moment(self.now, wall))

    def open(self) -> Opening:
        """Send the Inform that is due."""
        self.ledger, opening = openings.opened(
            self.ledger,
            self.tree,
            self.management,
            self.boot_id,
            lambda codes: inform_parameters.informed(self.tree, codes),
            choice=self.choice,
        )
        return opening

    def acknowledge(self, opening: Opening) -> None:
        """Receive the InformResponse."""
        self.ledger = openings.acknowledged(self.ledger, opening)

    def succeed(self) -> Opening:
        """Hold a session that goes well."""
        opening = self.open()
        self.acknowledge(opening)
        self.ledger = openings.succeeded(self.ledger, self.now)
        return opening

    def fail(
        self, opening: Opening | None = None, *, share: float = 0.0, refused: bool = False
    ) -> Opening:
        """Have a session fail before the HeMS has acknowledged the Inform."""
        opening = opening or self.open()
        self.ledger = openings.failed(
            self.ledger,
            opening,
            self.management,
            self.now,
            share,
            informed=False,
            refused=refused,
        )
        return opening

    def fail_after_inform(self) -> Opening:
        """Have a session fail whose Inform the HeMS has acknowledged."""
        opening = self.open()
        self.acknowledge(opening)
        self.ledger = openings.failed(
            self.ledger, opening, self.management, self.now, 0.0, informed=True
        )
        return opening


def registered() -> Box:
    """Return a box that has nothing to tell."""
    box = Box()
    box.succeed()
    assert (box.codes, box.due) == ([], None)
    return box


def told(opening: Opening) -> dict[str, str]:
    """Return the values that an Inform carries, by name."""
    return {p.name: p.value for p in opening.parameters}
