"""A stack's settings: its keys, and what follows from them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from pydantic.alias_generators import to_camel

from settings.app_config import AppConfig, shipped
from settings.integrations import webhooks
from settings.keys import (
    DEFAULT_DATABASE,
    IN_CLUSTER_CONNECTIONS,
    RESERVED_CONNECTIONS,
    SHIPPED_PLUGINS,
    Keys,
)
from settings.stack_config import stack_config
from settings.values.database import DatabaseKind


class Settings(Keys, alias_generator=to_camel, defer_build=False):
    """The configuration of a stack."""

    @cached_property
    def app_configs(self) -> Mapping[str, AppConfig]:
        """Backstage's configuration files by mounted name; each overrides the one before."""
        generated = stack_config(self)
        return {
            "app-config.production.yaml": shipped(),
            **({"app-config.stack.yaml": AppConfig.generated(generated)} if generated else {}),
            **{f"app-config.{n}.yaml": each for n, each in enumerate(self.portal.app_configs, 1)},
        }

    @cached_property
    def layers(self) -> tuple[AppConfig, ...]:
        """Those files, above the one in the image where this program builds it."""
        in_image = [self.image.app.app_config] if self.image.app else []
        return (*in_image, *self.app_configs.values())

    def key_of(self, layer: AppConfig) -> str:
        """The key that decides on one of `layers`."""
        built = self.image.app and layer is self.image.app.app_config
        return "appPath" if built else "appConfigPaths"

    @cached_property
    def backstage(self) -> AppConfig:
        """Backstage's configuration: all files, and the overrides in `env`."""
        return AppConfig.of(self.layers, self.portal.env)

    @property
    def url(self) -> str:
        """The portal's address; on local without an Ingress that of a forwarded port."""
        if self.target == "eks":
            return f"{'http' if self.ingress.allow_http else 'https'}://{self.host}"
        port = "" if self.ingress.given_class_name else f":{self.port}"
        return f"http://{self.host or 'localhost'}{port}"

    @property
    def trusts_load_balancer(self) -> bool:
        """Whether the portal takes users from the load balancer, whose ARN it then has to know."""
        provider = self.backstage.value("auth", "providers", "awsalb")
        return bool(self.ingress.authentication and provider)

    @property
    def portal_calls_aws(self) -> bool:
        """Whether the portal's own process calls AWS."""
        return bool(self.portal.techdocs_bucket) or self.database.authentication == "iam"

    @property
    def portal_needs_aws(self) -> bool:
        """Whether the portal's pods need a role."""
        return self.portal_calls_aws or self.reads_secrets

    @property
    def reads_secrets(self) -> bool:
        """Whether a driver reads secrets of AWS with the role of the pods that mount them."""
        return bool(self.secrets.sources) and self.secrets.driver == "csi"

    @property
    def database_kind(self) -> DatabaseKind:
        """The database as set, or the target's default."""
        return self.database.kind or DEFAULT_DATABASE[self.target]

    @property
    def stored_administrator(self) -> bool:
        """Whether the database's administrator is a secret that this program doesn't write."""
        return self.database_kind == "existing" or self.database.master == "managed"

    @property
    def most_pods(self) -> int:
        """Upper limit of pods at one moment: a rollout starts one more than there are."""
        return self.portal.most_replicas + 1

    @property
    def database_plugins(self) -> int:
        """Plugins that keep a pool of connections: as set, as counted, or as shipped.

        One more with webhooks, whose backend is loaded only then.
        """
        counted = self.image.app.database_plugins() if self.image.app else 0
        events = bool(webhooks(self))
        return self.database.plugins or (counted or SHIPPED_PLUGINS + self.portal.mcp) + events

    @property
    def connections_per_pod(self) -> int:
        """Upper limit of connections to the database that one pod's pools hold."""
        return self.database_plugins * self.backstage.pool_size

    @property
    def most_connections(self) -> int:
        """Upper limit of connections to the database that the pods' pools hold."""
        return self.connections_per_pod * self.most_pods

    @property
    def max_connections(self) -> int:
        """Connections that the database accepts."""
        in_cluster = self.database_kind == "in-cluster"
        return IN_CLUSTER_CONNECTIONS if in_cluster else self.database.max_connections

    @property
    def reserved_connections(self) -> int:
        """Connections that the pools leave to others; none of databaseMaxConnections, which is the
        portal's share already.
        """
        return 0 if self.database_kind == "existing" else RESERVED_CONNECTIONS
