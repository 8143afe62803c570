"""Signing and verifying an image: cosign's arguments, and what its attestations have to say."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tools.supply import programs, provenance, signature
from tools.supply.__main__ import main
from tools.supply.errors import SupplyError

DIGEST = "sha256:" + "0" * 64
OTHER = "sha256:" + "1" * 64
IMAGE = f"123456789012.dkr.ecr.us-east-1.amazonaws.com/backstage-dev@{DIGEST}"
COMMIT = "5f0c2e9b7a4d1f3865e2c0b9a7d4f1e386c5b2a0"
JOB = {
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "OWNER/REPO",
    "GITHUB_WORKFLOW_REF": "OWNER/REPO/.github/workflows/deploy.yml@refs/heads/main",
    "GITHUB_RUN_ID": "7",
    "GITHUB_RUN_ATTEMPT": "2",
    "GITHUB_EVENT_NAME": "push",
    "GITHUB_REPOSITORY_ID": "5",
    "GITHUB_REPOSITORY_OWNER_ID": "6",
    "RUNNER_ENVIRONMENT": "github-hosted",
    "GITHUB_REF": "refs/heads/main",
    "GITHUB_SHA": COMMIT,
}
KEYLESS = [
    "--certificate-identity="
    "https://github.com/OWNER/REPO/.github/workflows/deploy.yml@refs/heads/main",
    "--certificate-oidc-issuer=https://token.actions.githubusercontent.com",
    f"--certificate-github-workflow-sha={COMMIT}",
]


def sbom(digest: str = DIGEST) -> dict[str, Any]:
    component = {"type": "container", "name": "backstage-dev", "version": digest}
    return {
        "bomFormat": "CycloneDX",
        "metadata": {"component": component},
        "components": [{"type": "library", "name": "lodash"}],
    }


def envelope(predicate: Any, digest: str = DIGEST) -> str:
    """A line of what `cosign verify-attestation` prints."""
    subject = [{"name": "image", "digest": {"sha256": digest.removeprefix("sha256:")}}]
    statement = json.dumps({"subject": subject, "predicate": predicate})
    return json.dumps({"payload": base64.b64encode(statement.encode()).decode()}) + "\n"


class Cosign:
    """Stands in for cosign: notes its arguments, and prints attestations by their type."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.attestations = {
            "cyclonedx": envelope(sbom()),
            "slsaprovenance1": envelope(provenance.predicate(JOB)),
        }
        self.signature = signature.SIGNATURE
        self.fails = ""

    def __call__(self, name: str, arguments: Sequence[str]) -> str:
        self.calls.append([name, *arguments])
        if arguments[0] == self.fails:
            raise SupplyError(f"cosign {arguments[0]} failed")
        if arguments[0] == "verify":
            return "\n" + json.dumps([{"critical": {"type": self.signature}}]) + "\n"
        kinds = [each.removeprefix("--type=") for each in arguments if each.startswith("--type=")]
        return self.attestations[kinds[0]] if arguments[0] == "verify-attestation" else ""


@pytest.fixture
def cosign(monkeypatch: pytest.MonkeyPatch) -> Cosign:
    found = Cosign()
    monkeypatch.setattr(programs, "run", found)
    for name, value in JOB.items():
        monkeypatch.setenv(name, value)
    return found


@pytest.fixture
def file(tmp_path: Path) -> Path:
    written = tmp_path / "image.json"
    written.write_text(json.dumps(sbom()), encoding="utf-8")
    return written


def verify(*arguments: str) -> int:
    return main(["verify", "--repository=OWNER/REPO", f"--commit={COMMIT}", *arguments, IMAGE])


def test_a_job_signs_without_a_key(cosign: Cosign, file: Path) -> None:
    assert main(["sign", f"--sbom={file}", IMAGE]) == 0
    assert [call[:3] + call[-1:] for call in cosign.calls] == [
        ["cosign", "attest", "--yes", IMAGE],
        ["cosign", "attest", "--yes", IMAGE],
        ["cosign", "sign", "--yes", IMAGE],
    ]
    assert [call[3] for call in cosign.calls[:2]] == ["--type=cyclonedx", "--type=slsaprovenance1"]
    assert not [each for call in cosign.calls for each in call if each.startswith("--key")]


def test_a_failed_attestation_leaves_the_image_unsigned(cosign: Cosign, file: Path) -> None:
    cosign.fails = "attest"
    assert main(["sign", f"--sbom={file}", IMAGE]) == 1
    assert "sign" not in [call[1] for call in cosign.calls]


@pytest.mark.parametrize("missing", ["GITHUB_SHA", "GITHUB_WORKFLOW_REF", "RUNNER_ENVIRONMENT"])
def test_outside_of_a_job_nothing_is_signed(
    missing: str, cosign: Cosign, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(missing)
    assert main(["sign", f"--sbom={file}", IMAGE]) == 1
    assert cosign.calls == []


def test_an_sbom_of_another_image_isnt_signed(
    cosign: Cosign, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(json.dumps(sbom(OTHER)), encoding="utf-8")
    assert main(["sign", f"--sbom={file}", IMAGE]) == 1
    assert f"describes backstage-dev {OTHER}, not {DIGEST}" in capsys.readouterr().err
    assert cosign.calls == []


def test_provenance_says_what_built_from_what() -> None:
    found = provenance.predicate(JOB)
    assert found["buildDefinition"]["externalParameters"]["workflow"] == {
        "ref": "refs/heads/main",
        "repository": "https://github.com/OWNER/REPO",
        "path": ".github/workflows/deploy.yml",
    }
    assert provenance.commits(found) == {COMMIT}
    details = found["runDetails"]
    assert details["builder"]["id"] == KEYLESS[0].partition("=")[2]
    assert details["metadata"]["invocationId"].endswith("/OWNER/REPO/actions/runs/7/attempts/2")


def test_what_the_workflow_signed_is_verified(cosign: Cosign) -> None:
    assert verify() == 0
    assert cosign.calls == [
        ["cosign", "verify", *KEYLESS, IMAGE],
        ["cosign", "verify-attestation", *KEYLESS, "--type=cyclonedx", IMAGE],
        ["cosign", "verify-attestation", *KEYLESS, "--type=slsaprovenance1", IMAGE],
    ]


def test_a_key_is_verified_without_a_log(cosign: Cosign) -> None:
    assert verify("--key=awskms:///alias/sign") == 0
    for call in cosign.calls:
        assert call[2:4] == ["--key=awskms:///alias/sign", "--insecure-ignore-tlog"]
        assert not [each for each in call if each.startswith("--certificate")]


@pytest.mark.parametrize("step", ["verify", "verify-attestation"])
def test_what_cosign_refuses_is_refused(step: str, cosign: Cosign) -> None:
    cosign.fails = step
    assert verify() == 1


def test_an_attestation_is_no_signature(cosign: Cosign) -> None:
    cosign.signature = "https://cyclonedx.org/bom"
    assert verify() == 1


BUILT = provenance.predicate(JOB)
FORGED = {
    "nothing": ("cyclonedx", ""),
    "no JSON": ("slsaprovenance1", "Verified OK\n"),
    "SBOM of another image": ("cyclonedx", envelope(sbom(OTHER))),
    "SBOM without components": ("cyclonedx", envelope({**sbom(), "components": []})),
    "SBOM without an image": ("cyclonedx", envelope({"components": [{}]})),
    "SBOM that is null": ("cyclonedx", envelope(None)),
    "statement on another image": ("cyclonedx", envelope(sbom(), OTHER)),
    "provenance of another image": ("slsaprovenance1", envelope(BUILT, OTHER)),
    "provenance from another commit": (
        "slsaprovenance1",
        envelope(provenance.predicate({**JOB, "GITHUB_SHA": "0" * 40})),
    ),
    "provenance of nothing": ("slsaprovenance1", envelope({})),
}


@pytest.mark.parametrize("name", FORGED)
def test_an_attestation_that_says_something_else_is_refused(
    name: str, cosign: Cosign, capsys: pytest.CaptureFixture[str]
) -> None:
    kind, line = FORGED[name]
    cosign.attestations[kind] = line
    assert verify() == 1
    assert "none of its attestations is" in capsys.readouterr().err


def test_one_right_attestation_among_others_is_enough(cosign: Cosign) -> None:
    cosign.attestations["cyclonedx"] = envelope(sbom(OTHER)) + envelope(sbom())
    assert verify() == 0


@pytest.mark.parametrize(
    "image", ["backstage", "backstage:1.0", "backstage@sha256:00", f"--key=x@{DIGEST}", ""]
)
def test_a_tag_is_neither_signed_nor_verified(
    image: str, cosign: Cosign, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", "--repository=OWNER/REPO", "--", image]) == 1
    assert main(["sign", f"--sbom={file}", "--", image]) == 1
    assert capsys.readouterr().err.count("give IMAGE=repository@sha256:...") == 2
    assert cosign.calls == []


@pytest.mark.parametrize("repository", ["", "REPO", "OWNER/REPO/x", "OWNER/REPO@x", ".*/.* "])
def test_nobody_in_particular_cant_have_signed(
    repository: str, cosign: Cosign, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", f"--repository={repository}", IMAGE]) == 1
    assert "give REPOSITORY=OWNER/REPO" in capsys.readouterr().err
    assert cosign.calls == []
