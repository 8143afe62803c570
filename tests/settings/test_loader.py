"""`APP_CONFIG_` variables through Backstage's own loader, and through ours."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

import pytest

from settings.app_config import AppConfig
from settings.files import ROOT
from settings.overrides import fault, overlap, path_of

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


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What Backstage's loader makes of each case, from one process."""
    if not LOADER.is_dir() or shutil.which("node") is None:
        pytest.skip("portal/ isn't installed: run `make portal-check`")
    base = tmp_path_factory.mktemp("loader") / "app-config.yaml"
    base.write_text(BASE, encoding="utf-8")
    done = subprocess.run(
        ["node", "tests/settings/loader.js", str(base)],
        input="\n".join(json.dumps(variables(case)) for case in ENVIRONMENTS),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(zip(ENVIRONMENTS, map(json.loads, done.stdout.splitlines()), strict=True))


@pytest.mark.parametrize("case", ENVIRONMENTS)
def test_both_loaders_agree(case: str, real: dict[str, Any]) -> None:
    env = variables(case)
    if "error" in real[case]:
        assert refused(env), f"Backstage fails with: {real[case]['error']}"
    elif not refused(env):
        assert AppConfig.parse(BASE).overridden(env).document == real[case]["config"]


def test_what_is_refused_though_backstage_reads_it(real: dict[str, Any]) -> None:
    """It depends on the order of the variables, which nobody controls."""
    stricter = [
        case for case in ENVIRONMENTS if refused(variables(case)) and "error" not in real[case]
    ]
    assert stricter == ["parent before child", "grandparent"]
