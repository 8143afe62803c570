"""Rules of target local."""

from __future__ import annotations

from collections.abc import Iterator

from settings.model import Settings
from settings.problem import Problem, config_rm, config_set
from settings.rules.rule import rule


@rule("host", "ingressClassName", target="local")
def unserved_host(s: Settings) -> Iterator[Problem]:
    if s.host and not s.ingress.given_class_name:
        yield Problem(
            "host",
            f"{s.host}, without ingressClassName",
            "unset, for http://localhost with a forwarded port; or with the IngressClass of a "
            "controller that serves the host",
            (config_rm("host"), config_set("ingressClassName", "traefik")),
        )
