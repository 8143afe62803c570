"""What a portal goes through in a year of operation, and what its users may notice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tools.reliability.load import Endpoint, Load, Outcome
from tools.reliability.portal import CATALOG, Portal

RATE = 100  # requests per second
MANY = 10_000
SOME = 2_000
OUTAGE = 60  # seconds without a database
STUCK = 60  # seconds with a pod that never becomes ready
RECOVERED = 5  # last seconds of a measurement, in which the catalog has to answer again


@dataclass(frozen=True)
class Fault:
    """A disruption and its error budget."""

    name: str
    inject: Callable[[Portal], object]
    """Returns when the portal has settled."""
    requests: int = MANY
    """The least number to measure."""
    window: float = 0.0
    """Seconds within which requests may fail; 0: none may."""
    balanced_window: float = 0.0
    """The same behind a load balancer."""
    database: bool = False
    """Whether catalog requests may fail for as long as the database is away."""

    def run(self, portal: Portal, endpoint: Endpoint) -> Outcome:
        """Injects the fault under load."""
        with Load(endpoint, portal.image, RATE, self.requests, self.name) as load:
            self.inject(portal)
        return load.outcome

    def violations(self, outcome: Outcome, balanced: bool = False) -> Iterator[str]:
        """Describes where an outcome exceeds the budget. balanced: behind a load balancer."""
        if len(outcome.samples) < self.requests:
            yield f"{len(outcome.samples)} of at least {self.requests} requests were sent"
        if self.database:
            if others := {each.path for each in outcome.failures} - {CATALOG}:
                yield f"requests failed that need no database: {', '.join(sorted(others))}"
            end = outcome.samples[-1].at if outcome.samples else 0.0
            if late := [each for each in outcome.failures if each.at > end - RECOVERED]:
                yield f"{len(late)} requests failed in the last {RECOVERED} s"
        else:
            allowed = self.balanced_window if balanced else self.window
            # A connection refused within a millisecond has a window of 0 s.
            if outcome.failures and (not allowed or outcome.window > allowed):
                yield f"requests failed for {outcome.window:.1f} s of {allowed} s: {outcome.errors}"


FAULTS = (
    Fault("rolling update", Portal.update),
    Fault("graceful delete of each pod", Portal.delete_one_by_one),
    Fault("evictions one by one", Portal.evict_one_by_one),
    Fault("a node drain's evictions", Portal.drain),
    Fault("an image that never becomes ready", lambda portal: portal.try_broken_image(STUCK), SOME),
    # A load balancer needs two failed health checks, 5 s apart, and the last request that it sends
    # to the dead pod may take until its timeout.
    Fault("SIGKILL of one pod's process", Portal.kill, SOME, window=5, balanced_window=15),
    Fault("restart of PostgreSQL", Portal.restart_database, SOME, database=True),
    Fault("no database for a minute", lambda portal: portal.disconnect_database(OUTAGE), SOME,
          database=True),
)  # fmt: skip
