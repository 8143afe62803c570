"""What happens to a portal in a year, and what its users may notice of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.cluster.site import CATALOG
from tools.reliability.load import Load, Outcome, Way
from tools.reliability.portal import Portal

RATE = 100  # requests a second
MANY = 10_000
SOME = 2_000
AWAY = 60  # seconds without a database
STUCK = 60  # seconds with a pod that never gets ready


@dataclass(frozen=True)
class Fault:
    """One thing that happens, and what has to hold then."""

    name: str
    strike: Callable[[Portal], object]
    """Returns when the portal is whole again."""
    requests: int = MANY
    """The least number over which is measured."""
    window: float = 0.0
    """Seconds in which requests may fail; 0: none may."""
    balanced_window: float = 0.0
    """The same behind a load balancer."""
    database: bool = False
    """Whether the catalog may fail while it happens, but nothing else, and no pod restarts."""

    def run(self, portal: Portal, way: Way) -> Outcome:
        """Happens to the portal under load."""
        with Load(way, portal.image, RATE, self.requests, self.name) as load:
            self.strike(portal)
        return load.outcome

    def check(self, outcome: Outcome, balanced: bool = False) -> None:
        """Fails where users noticed more than they may."""
        assert len(outcome.samples) >= self.requests
        if self.database:
            assert {each.path for each in outcome.failures} <= {CATALOG}
            end = outcome.samples[-1].at
            assert [each for each in outcome.failures if each.at > end - 5] == []
        else:
            window = self.balanced_window if balanced else self.window
            assert outcome.window <= window, outcome.errors


FAULTS = (
    Fault("rolling update", Portal.update),
    Fault("graceful delete of each pod", Portal.delete_one_by_one),
    Fault("evictions one by one", Portal.evict_one_by_one),
    Fault("a node drain's evictions", Portal.drain),
    Fault("an image that never gets ready", lambda portal: portal.try_broken_image(STUCK), SOME),
    # A load balancer learns of it by two health checks, 5 s apart, and the last request that fails
    # may take until its time-out.
    Fault("SIGKILL of one pod's process", Portal.kill, SOME, window=5, balanced_window=15),
    Fault("restart of PostgreSQL", Portal.restart_database, SOME, database=True),
    Fault("no database for a minute", lambda portal: portal.cut_database_off(AWAY), SOME,
          database=True),
)  # fmt: skip
