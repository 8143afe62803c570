"""Loads a configuration by itself, without a program around it."""

from __future__ import annotations

import asyncio
import contextvars
import json
from collections.abc import Iterable, Mapping

import pulumi.runtime

import configuration
from settings import Settings
from tools.preview.monitor import Recording, RecordingEngine
from tools.preview.stack_file import StackConfig

PROJECT = "backstage"

VALID: Mapping[str, object] = {
    "aws:region": "us-east-1",
    "host": "backstage.example.com",
    "clusterName": "platform-dev",
    "imageRepository": "123456789012.dkr.ecr.us-east-1.amazonaws.com/backstage",
    "imageTag": "5f0c2e9b7a4d1f3865e2c0b9a7d4f1e386c5b2a0",
    "certificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/8f7e6d5c-4b3a-4291",
}
"""The smallest configuration that is accepted for EKS."""


def valid_but(changes: Mapping[str, object]) -> dict[str, object]:
    """`VALID` with some keys changed; None removes a key."""
    return {key: value for key, value in {**VALID, **changes}.items() if value is not None}


def load_settings(
    keys: Mapping[str, object],
    *,
    stack: str = "test",
    secret_keys: Iterable[str] = (),
    recording: Recording | None = None,
) -> Settings:
    """What `configuration.load()` makes of `keys`, in a context of its own.

    keys: as in a stack file, the project's own without namespace. secret_keys: those of them that
    are encrypted. recording: gets the warnings. Raises pulumi.RunError.
    """
    config = StackConfig(
        project=PROJECT,
        stack=stack,
        values={_full(key): as_text(value) for key, value in keys.items()},
        secret_keys=[_full(key) for key in secret_keys],
        explicit_packages=frozenset(),
    )
    return contextvars.copy_context().run(_load, config, recording or Recording())


def as_text(value: object) -> str:
    """A value as the engine hands it over: lists, objects, numbers and booleans as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def _full(key: str) -> str:
    return key if ":" in key else f"{PROJECT}:{key}"


def _load(config: StackConfig, recording: Recording) -> Settings:
    async def load() -> Settings:
        loaded = configuration.load()
        for secret in loaded.portal.secret_env.values():
            await secret.future()  # so that it can be asked after this loop is closed
        return loaded

    pulumi.runtime.configure(
        pulumi.runtime.Settings(
            project=config.project,
            stack=config.stack,
            monitor=None,
            engine=RecordingEngine(recording),
        )
    )
    with config.applied(), asyncio.Runner() as runner:
        return runner.run(load())
