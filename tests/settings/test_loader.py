"""Files and `APP_CONFIG_` variables through Backstage's own loader, and through ours."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from settings.app_config import AppConfig
from settings.files import ROOT
from settings.overrides import fault, overlap, path_of
from tests.settings.stack import APP, APP_SECRETS, PEM, loaded

LOADER = ROOT / "portal" / "node_modules" / "@backstage" / "config-loader"
pytestmark = pytest.mark.portal

BASE = "a: {b: 1, list: [1]}\ntext: base\nauth: {providers: {github: {id: x}}}\n"
ENVIRONMENTS: dict[str, dict[str, str]] = {
    "none": {"HOME": "/"},
    "text": {"text": "other"},
    "number": {"a_b": "2"},
    "flag": {"a_c": "true"},
    "JSON text": {"text": '"quoted"'},
    "broken JSON": {"text": '{"a":'},
    "object is merged": {"auth": '{"providers": {"oidc": {}}}'},
    "list is replaced": {"a_list": "[2, 3]"},
    "siblings": {"a_x": "1", "a_y": "2"},
    "deep": {"x_y_z": "1"},
    "in place of a scalar": {"text_inner": "1"},
    "hyphen": {"a_some-name": "1"},
    "colon": {"a_some:name": "1"},
    "empty value": {"a_b": "", "a_b_c": ""},
    "not a number of JSON": {"text": "NaN"},
    "infinite": {"text": "Infinity"},
    "blank": {"text": " "},
    "null": {"text": "null"},
    "digit first": {"1x": "1"},
    "digit first inside": {"a_1x": "1"},
    "empty part": {"a__b": "1"},
    "no path": {"": "1"},
    "underscore at the end": {"a_": "1"},
    "hyphen at the end": {"a_b-": "1"},
    "parent before child": {"q": "{}", "q_r": "1"},
    "child before parent": {"q_r": "1", "q": "{}"},
    "parent is no object": {"q": "1", "q_r": "2"},
    "parent is a list": {"q": "[]", "q_r": "2"},
    "grandparent": {"q": "{}", "q_r_s": "2"},
}


def variables(case: str) -> dict[str, str]:
    return {
        name if name == "HOME" else f"APP_CONFIG_{name}": value
        for name, value in ENVIRONMENTS[case].items()
    }


def refused(env: dict[str, str]) -> bool:
    """Whether the rules of this program refuse the variables."""
    set_ = [name for name, value in env.items() if path_of(name) and value]
    return any(fault(name, env[name]) for name in set_) or any(
        overlap(path_of(one), path_of(other)) for one in set_ for other in set_ if one != other
    )


def asked(script: str, arguments: Sequence[str], lines: Iterable[str]) -> list[Any]:
    """What a script that loads Backstage's packages answers to each line, from one process."""
    if not LOADER.is_dir() or shutil.which("node") is None:
        pytest.skip("portal/ isn't installed: run `make portal-check`")
    done = subprocess.run(
        ["node", f"tests/settings/{script}", *arguments],
        input="\n".join(lines),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return list(map(json.loads, done.stdout.splitlines()))


def backstage(folder: Path, layers: Sequence[str], *envs: dict[str, str]) -> list[Any]:
    """What Backstage's loader makes of the layers with each environment, from one process."""
    files = [folder / f"app-config.{number}.yaml" for number in range(len(layers))]
    for file, text in zip(files, layers, strict=True):
        file.write_text(text, encoding="utf-8")
    return asked("loader.js", list(map(str, files)), map(json.dumps, envs))


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    envs = map(variables, ENVIRONMENTS)
    found = backstage(tmp_path_factory.mktemp("loader"), [BASE], *envs)
    return dict(zip(ENVIRONMENTS, found, strict=True))


@pytest.mark.parametrize(
    "layers",
    [
        [BASE, "a: {list: [2], c: 1}\nauth: {providers: {github: null, oidc: {x: 1}}}\n"],
        [BASE, "a: null\n", "a: {d: 1}\n"],
        [BASE, "text: {inner: 1}\nauth: none\n", "auth: {session: {secret: null, x: 1}}\n"],
        [BASE, "{}\n", "a: {b: {c: null}}\n"],
        ["a: [0123, 089, 1e3, 12:30, 1_000, 0x1f, 0o17, 2026-01-02, .5, +4, on, True, ~]\n"],
    ],
)
def test_layers_are_merged_as_backstage_merges_them(layers: list[str], tmp_path: Path) -> None:
    env = {"APP_CONFIG_a_z": "1"}
    [found] = backstage(tmp_path, layers, env)
    assert AppConfig.of(map(AppConfig.parse, layers), env).document == found["config"]


@pytest.mark.parametrize("case", ENVIRONMENTS)
def test_both_loaders_agree(case: str, real: dict[str, Any]) -> None:
    env = variables(case)
    if "error" in real[case]:
        assert refused(env), f"Backstage fails with: {real[case]['error']}"
    elif not refused(env):
        assert AppConfig.of([AppConfig.parse(BASE)], env).document == real[case]["config"]


def test_what_is_refused_though_backstage_reads_it(real: dict[str, Any]) -> None:
    """It depends on the order of the variables, which nobody controls."""
    stricter = [
        case for case in ENVIRONMENTS if refused(variables(case)) and "error" not in real[case]
    ]
    assert stricter == ["parent before child", "grandparent"]


def test_backstage_reads_secrets_of_integrations_from_files(tmp_path: Path) -> None:
    secrets = {**APP_SECRETS, "webhookSecret": "webhook"}
    settings, _ = loaded({"githubApp": APP, "githubAppSecrets": secrets})
    folder = tmp_path / "github-app"
    folder.mkdir()
    for name, text in secrets.items():
        (folder / name).write_text(text, encoding="utf-8")
    files = settings.app_configs.values()
    texts = [each.text.replace("/etc/backstage", str(tmp_path)) for each in files]
    (tmp_path / "database-ca").mkdir()
    (tmp_path / "database-ca" / "ca.pem").write_text("PEM", encoding="utf-8")
    [found] = backstage(tmp_path, texts, dict.fromkeys(settings.backstage.variables, "x"))
    [github] = found["config"]["integrations"]["github"]
    assert github["apps"][0]["privateKey"] == PEM.strip()
    assert github["apps"][0]["clientSecret"] == APP_SECRETS["clientSecret"]
    assert found["config"]["events"]["modules"]["github"] == {"webhookSecret": "webhook"}


def test_both_read_the_same_durations() -> None:
    numbers = ("", "0", "1", "-2", "0.5", "1.25", "1,5", ".5")
    parts = [f"{n}{unit}" for n in numbers for unit in "YMWDHS" if n]
    given = [
        "P", "PT", "p1d", "-P1D", "P1DT", "P1D1W", "PT1.2345S", "PT-0.5S", " PT1S ", "1s",
        "1.5 hours", *(f"P{each}" for each in parts), *(f"PT{each}" for each in parts),
        *(f"P1W{a}T{b}5.5S" for a in ("", "0.5D") for b in ("", "1.5H", "1H2M")),
    ]  # fmt: skip
    real = asked("durations.js", [], map(json.dumps, given))
    ours = [AppConfig.parse(json.dumps({"a": each})).seconds("a") for each in given]
    assert dict(zip(given, ours, strict=True)) == pytest.approx(dict(zip(given, real, strict=True)))
    assert None in real
