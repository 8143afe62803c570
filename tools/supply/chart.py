"""`make chart`: downloads the load balancer controller's chart, and checks it against its pin.

Helm checks no digest of a chart in a repository, so that an archive which somebody replaced under
its version would be installed.
"""

from __future__ import annotations

import hashlib
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

from components.ingress.load_balancer_controller import CHART, CHART_REPOSITORY
from settings.versions import LOAD_BALANCER_CONTROLLER_CHART, LOAD_BALANCER_CONTROLLER_SHA256
from tools.process import ends_with
from tools.supply.errors import SupplyError

URL = f"{CHART_REPOSITORY}/{CHART}-{LOAD_BALANCER_CONTROLLER_CHART}.tgz"


def download(url: str) -> bytes:
    """The content at an https URL."""
    with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310
        return bytes(answer.read())


def fetch(file: Path, get: Callable[[str], bytes] = download) -> None:
    """Writes the archive to a file. Raises SupplyError for another than the pinned one."""
    try:
        content = get(URL)
    except OSError as error:
        raise SupplyError(f"{URL}: {error}") from error
    found = hashlib.sha256(content).hexdigest()
    if found != LOAD_BALANCER_CONTROLLER_SHA256:
        raise SupplyError(
            f"{URL} has the SHA-256 {found}, settings/versions.py "
            f"{LOAD_BALANCER_CONTROLLER_SHA256}: somebody replaced the release, or the version "
            "changed without the hash"
        )
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)


def main(arguments: list[str]) -> int:
    """Returns the exit code, 1 for another archive."""
    file = Path(arguments[0])
    try:
        fetch(file)
    except SupplyError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{file}: {CHART} {LOAD_BALANCER_CONTROLLER_CHART}")
    return 0


if __name__ == "__main__":
    ends_with(lambda: main(sys.argv[1:]))
