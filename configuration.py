"""The program's only way to its configuration."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from backstage_app import BackstageApp
from mounted_files import AppConfig, CaBundle
from settings import (
    MODELS,
    AwsSettings,
    DatabaseSettings,
    ImageSettings,
    IngressSettings,
    PortalSettings,
    Settings,
)
from settings_reader import Reader
from settings_rules import COMMON, RULES_OF

ROOT = Path(__file__).resolve().parent
SHIPPED_CA_BUNDLE = "assets/rds-ca-bundle.pem"


def load() -> Settings:
    """Reads and checks the configuration of the current stack.

    Raises pulumi.RunError with every problem found, each with what was given, what is allowed and
    how to mend it.
    """
    reader = Reader()
    portal = reader.read(PortalSettings)
    database = reader.read(DatabaseSettings)
    image = reader.read(ImageSettings)
    settings = dataclasses.replace(
        reader.read(Settings),
        aws=reader.read(AwsSettings),
        image=image,
        database=database,
        portal=portal,
        ingress=reader.read(IngressSettings),
        app=BackstageApp(ROOT / image.app_path) if image.app_path else None,
        app_config=reader.read_file(
            "appConfigPath",
            ROOT / portal.app_config_path,
            lambda text: AppConfig(text, portal.env),
            "a Backstage configuration",
        ),
        ca_bundle=reader.read_file(
            "databaseCaBundlePath",
            ROOT / (database.ca_bundle_path or SHIPPED_CA_BUNDLE),
            CaBundle,
            "PEM certificates",
        ),
    )
    reader.refuse_unknown_keys(
        MODELS,
        {
            reader.project: "a key of the README's configuration table",
            "aws": "an aws: key that this program passes on to its provider; credentials come "
            "from the environment or the profile",
        },
    )
    reader.check((*COMMON, *RULES_OF[settings.target]), settings)
    reader.raise_problems()
    return settings
