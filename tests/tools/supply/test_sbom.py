"""An SBOM is complete for a lock file, or describes an image; or the command fails."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.programs import ROOT
from tools.supply.__main__ import main
from tools.supply.errors import SupplyError
from tools.supply.sbom import check_describes, packages, python_lock, yarn_lock

DIGEST = "sha256:" + "0" * 64
REQUIREMENTS = """\
# made by make lock
--only-binary :all:
annotated_types==0.8.0 \\
    --hash=sha256:00
colorama==0.4.6 ; sys_platform == 'win32' \\
    --hash=sha256:11
mkdocs[i18n]==1.6.1
"""
YARN = """\
__metadata:
  version: 8
"@babel/core@npm:^7.0.0, @babel/core@npm:^7.1.0":
  version: 7.1.0
  resolution: "@babel/core@npm:7.1.0"
"left-pad@npm:1.0.0":
  version: 1.0.0
  resolution: "left-pad@npm:1.0.0"
"alias@npm:other@1":
  version: 1.0.0
  resolution: "other@npm:1.0.0"
"patched@patch:patched@npm%3A^2#optional!builtin<compat/patched>":
  version: 2.0.0
  resolution: "patched@patch:patched@npm%3A2.0.0#optional!builtin<compat/patched>"
"backend@workspace:packages/backend":
  version: 0.0.0-use.local
  resolution: "backend@workspace:packages/backend"
"""
LOCKED = {"requirements.txt": REQUIREMENTS, "yarn.lock": YARN}
PURLS = {
    "requirements.txt": [
        "pkg:pypi/annotated-types@0.8.0",
        "pkg:pypi/colorama@0.4.6",
        "pkg:pypi/mkdocs@1.6.1?extra=i18n",
    ],
    "yarn.lock": [
        "pkg:npm/%40babel/core@7.1.0",
        "pkg:npm/left-pad@1.0.0",
        "pkg:npm/other@1.0.0",
        "pkg:npm/patched@2.0.0",
    ],
}


def document(purls: list[str], **more: Any) -> str:
    components = [{"type": "library", "name": purl, "purl": purl} for purl in purls]
    return json.dumps({"bomFormat": "CycloneDX", "components": components, **more})


@pytest.mark.parametrize("lock", LOCKED)
def test_an_sbom_with_every_package_is_complete(
    lock: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / lock).write_text(LOCKED[lock], encoding="utf-8")
    sbom = tmp_path / "sbom.json"
    sbom.write_text(document(PURLS[lock]), encoding="utf-8")
    assert main(["complete", str(sbom), str(tmp_path / lock)]) == 0
    assert f"all {len(PURLS[lock])} packages" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("lock", "purl"), [(lock, purl) for lock, purls in PURLS.items() for purl in purls]
)
@pytest.mark.parametrize("change", ["absent", "another version"])
def test_a_package_that_is_missing_fails(
    lock: str, purl: str, change: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    purls = [each for each in PURLS[lock] if each != purl]
    if change == "another version":
        purls.append(purl.partition("?")[0] + "0")
    (tmp_path / lock).write_text(LOCKED[lock], encoding="utf-8")
    sbom = tmp_path / "sbom.json"
    sbom.write_text(document(purls), encoding="utf-8")
    assert main(["complete", str(sbom), str(tmp_path / lock)]) == 1
    name = purl.partition("/")[2].rpartition("@")[0].replace("%40", "@")
    assert f"lacks 1 of {len(PURLS[lock])}" in (shown := capsys.readouterr().err)
    assert f": {name} " in shown


def test_an_empty_lock_file_is_no_complete_sbom(tmp_path: Path) -> None:
    lock, sbom = tmp_path / "requirements.txt", tmp_path / "sbom.json"
    lock.write_text("# nothing\n", encoding="utf-8")
    sbom.write_text(document(["pkg:pypi/a@1"]), encoding="utf-8")
    assert main(["complete", str(sbom), str(lock)]) == 1


def test_the_projects_own_lock_files_are_read() -> None:
    read = python_lock((ROOT / "requirements.txt").read_text(encoding="utf-8"))
    assert {"pulumi", "pulumi-aws", "pydantic", "pyyaml"} <= {name for name, _ in read}
    portal = yarn_lock((ROOT / "portal" / "yarn.lock").read_text(encoding="utf-8"))
    assert {"@backstage/backend-defaults", "react"} <= {name for name, _ in portal}
    assert not [version for _, version in portal if "use.local" in version]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "no SBOM"),
        ("{}", "not a CycloneDX document"),
        ("[]", "not a CycloneDX document"),
        (document([]), "lists no component"),
    ],
)
def test_what_is_no_sbom_is_refused(text: str, expected: str, tmp_path: Path) -> None:
    file = tmp_path / "sbom.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SupplyError, match=expected):
        check_describes(file, DIGEST)
    with pytest.raises(SupplyError, match="no SBOM"):
        check_describes(tmp_path / "absent.json", DIGEST)


@pytest.mark.parametrize(
    "component",
    [
        {"type": "container", "name": "portal", "version": "sha256:" + "1" * 64},
        {"type": "container", "name": "portal"},
        {"type": "application", "name": "portal", "version": DIGEST},
    ],
)
def test_an_sbom_of_something_else_doesnt_describe_an_image(
    component: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "image.json"
    for described, fails in ((component, True), ({"type": "container", "version": DIGEST}, False)):
        text = document(["pkg:npm/a@1"], metadata={"component": described})
        file.write_text(text, encoding="utf-8")
        if fails:
            with pytest.raises(SupplyError, match=f"not {DIGEST}"):
                check_describes(file, DIGEST)
        else:
            check_describes(file, DIGEST)


def test_versions_are_decoded() -> None:
    read = json.loads(document(["pkg:pypi/a@1%2Bcpu", "pkg:npm/b@1.0.0-rc%2B1", "pkg:deb/c@1"]))
    assert packages(read) == {("a", "1+cpu"), ("b", "1.0.0-rc+1")}
