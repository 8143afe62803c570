"""Types of image references, and of the app that is built."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator

from settings.backstage_app import BackstageApp
from settings.values.common import LABEL, PORT, matching
from settings.values.files import from_file

_REGISTRY = rf"{LABEL}(?:\.{LABEL})*(?::(?:{PORT}))?"
_PATH = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_REPOSITORY = rf"(?:{_REGISTRY}/)?{_PATH}(?:/{_PATH})*"
Repository = Annotated[
    str,
    matching(
        _REPOSITORY,
        "registry/repository in lower case, without scheme, tag or digest",
        "123456789012.dkr.ecr.us-east-1.amazonaws.com/backstage",
        255,
    ),
]
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_DIGEST = r"sha256:[0-9a-f]{64}"


def _image(allowed: str, example: str) -> Any:
    return matching(rf"{_REPOSITORY}(?::{_TAG})?(?:@{_DIGEST})?", allowed, example, 500)


NodeImage = Annotated[
    str,
    _image(
        "an image reference, best by digest: Node 22 or 24 on Debian, as the app supports",
        "registry.example.com/node:24-trixie-slim",
    ),
]
PostgresImage = Annotated[
    str,
    _image("an image reference; PostgreSQL's official image or one derived from it", "postgres:17"),
]


def _not_latest(tag: str) -> str:
    if tag == "latest":
        raise ValueError("latest is another image each week")
    return tag


Tag = Annotated[
    str,
    matching(
        _TAG,
        "an image tag, best the commit SHA, and not latest",
        "5f0c2e9b7a4d1f3865e2c0b9a7d4f1e386c5b2a0",
    ),
    AfterValidator(_not_latest),
]
Digest = Annotated[str, matching(_DIGEST, "sha256: and 64 hex digits", "sha256:" + "0" * 64)]
SourceUrl = Annotated[
    str,
    matching(r"https://[^\s@]+", "an https URL without credentials", "https://example.com/portal"),
]
AppFolder = Annotated[
    BackstageApp,
    *from_file(
        BackstageApp.load,
        "the folder of a Backstage app with yarn 4 and the new backend system, as "
        "`npx @backstage/create-app` makes it",
        "portal",
    ),
]
