"""Signs an image with cosign, attests SBOM and provenance, and verifies all three."""

from __future__ import annotations

import base64
import json
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.supply import programs, provenance, sbom
from tools.supply.errors import SupplyError

ISSUER = "https://token.actions.githubusercontent.com"
# Only the delivery workflow on main may have signed what prod deploys.
WORKFLOW = ".github/workflows/deploy.yml@refs/heads/main"
PROVENANCE = "slsaprovenance1"
SBOM = "cyclonedx"
SIGNATURE = "https://sigstore.dev/cosign/sign/v1"

_IMAGE = re.compile(r"[\w.:/-]+@(sha256:[0-9a-f]{64})", re.ASCII)


@dataclass(frozen=True)
class Signer:
    """Who signs, or has to have signed.

    repository: `OWNER/REPO` on GitHub, whose delivery workflow signs without a key. commit: from
    which it built; empty for any. key: instead of a workflow, as cosign names it, such as
    `awskms:///alias/NAME` or a file. Such a signature is in no public log.
    """

    repository: str = ""
    commit: str = ""
    key: str = ""

    def verifying(self) -> list[str]:
        """cosign's arguments. Raises SupplyError if it's nobody in particular."""
        if self.key:
            return [f"--key={self.key}", "--insecure-ignore-tlog"]
        if not re.fullmatch(r"[\w.-]+/[\w.-]+", self.repository, re.ASCII):
            raise SupplyError(f"the repository is {self.repository!r}: give REPOSITORY=OWNER/REPO")
        identity = f"https://github.com/{self.repository}/{WORKFLOW}"
        found = [f"--certificate-identity={identity}", f"--certificate-oidc-issuer={ISSUER}"]
        if self.commit:
            found.append(f"--certificate-github-workflow-sha={self.commit}")
        return found


def digest_of(image: str) -> str:
    """The digest in `repository@sha256:...`. Raises SupplyError for a tag, which may move."""
    match = _IMAGE.fullmatch(image)
    if not match:
        raise SupplyError(f"the image is {image!r}: give IMAGE=repository@sha256:...")
    return match[1]


def sign(image: str, sbom_file: Path, environment: Mapping[str, str], key: str = "") -> None:
    """Pushes a signature, the image's SBOM and its provenance to the image's repository.

    sbom_file: made of that image. Raises SupplyError, and then has signed nothing or not all.
    """
    sbom.check_describes(sbom_file, digest_of(image))
    built = provenance.predicate(environment)
    with tempfile.TemporaryDirectory() as folder:
        predicate = Path(folder, "provenance.json")
        predicate.write_text(json.dumps(built), encoding="utf-8")
        how = ["--yes"]
        if key:
            config = Path(folder, "signing-config.json")  # without services: no log, no time stamp
            programs.run("cosign", ["signing-config", "create", f"--out={config}"])
            how += [f"--key={key}", f"--signing-config={config}"]
        for kind, file in ((SBOM, sbom_file), (PROVENANCE, predicate)):
            programs.run("cosign", ["attest", *how, f"--type={kind}", f"--predicate={file}", image])
        # Last: a signed image has the others.
        programs.run("cosign", ["sign", *how, image])


def verify(image: str, signer: Signer) -> None:
    """Raises SupplyError unless the signer signed the image, an SBOM of it and its provenance."""
    digest, who = digest_of(image), signer.verifying()
    # cosign 3 takes any attestation for a signature.
    verified = programs.run("cosign", ["verify", *who, image])
    lines = [json.loads(line) for line in verified.splitlines() if line.startswith("[")]
    if SIGNATURE not in [each["critical"]["type"] for line in lines for each in line]:
        raise SupplyError(f"{image}: it has attestations, and no signature")

    def described(predicate: Any) -> bool:
        component = predicate["metadata"]["component"]
        return bool(component["version"] == digest and predicate["components"])

    def built(predicate: Any) -> bool:
        return not signer.commit or provenance.commits(predicate) == {signer.commit}

    _attested(image, who, SBOM, described, "an SBOM of the image")
    _attested(image, who, PROVENANCE, built, f"provenance from commit {signer.commit or '*'}")


def _attested(
    image: str, who: list[str], kind: str, wanted: Callable[[Any], bool], name: str
) -> None:
    """Raises SupplyError unless one of the image's verified statements of a kind is as wanted."""
    output = programs.run("cosign", ["verify-attestation", *who, f"--type={kind}", image])
    for statement in _statements(output):
        if {"sha256": digest_of(image).removeprefix("sha256:")} not in [
            each.get("digest") for each in statement["subject"]
        ]:
            continue
        try:
            if wanted(statement["predicate"]):
                return
        except (KeyError, TypeError):
            continue
    raise SupplyError(f"{image}: none of its attestations is {name}")


def _statements(output: str) -> Iterator[dict[str, Any]]:
    for line in output.splitlines():
        if line.startswith("{"):
            yield json.loads(base64.b64decode(json.loads(line)["payload"]))
