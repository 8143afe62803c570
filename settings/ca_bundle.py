"""Root certificates that the database's TLS certificate is verified with."""

from __future__ import annotations

import re
from dataclasses import dataclass

from settings.files import FileError, read_text

CONFIG_MAP_BYTES = 1_000_000  # the API server takes objects of up to 1 MiB
_SHIPPED_REGION = re.compile(r"# Amazon RDS (\S+) Root CA .*")
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----")


@dataclass(frozen=True)
class CaBundle:
    """PEM text: one certificate or more, at most 1 MB, no private key. Raises FileError."""

    text: str

    def __post_init__(self) -> None:
        if "PRIVATE KEY" in self.text:
            raise FileError("it holds a private key")
        if len(self.text.encode()) > CONFIG_MAP_BYTES:
            raise FileError("larger than a ConfigMap holds, 1 MB")
        if not _CERTIFICATE.search(self.text):
            raise FileError("no certificate in it")

    @classmethod
    def load(cls, path: str) -> CaBundle:
        """Reads a PEM file of the project. Raises FileError."""
        return cls(read_text(path))

    def for_region(self, region: str) -> str:
        """The certificates of one AWS region; all of them when the file names no regions.

        Returns an empty string when the file names regions and `region` isn't among them.
        """
        headings = list(_SHIPPED_REGION.finditer(self.text))
        if not headings:
            return self.text
        ends = [heading.start() for heading in headings[1:]] + [len(self.text)]
        return "".join(
            self.text[heading.start() : end]
            for heading, end in zip(headings, ends, strict=True)
            if heading.group(1) == region
        )
