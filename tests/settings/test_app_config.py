"""Backstage's configuration file: parsed within limits, read for variables and values."""

from __future__ import annotations

import re

import pytest

from settings.app_config import CONFIG_MAP_BYTES, AppConfig
from settings.files import FileError
from settings.rules.guards import unsafe


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        pytest.param("a: plain", set(), id="none"),
        pytest.param("a: ${A}", {"A"}, id="whole value"),
        pytest.param("a: https://${A}:${B}/", {"A", "B"}, id="within a value"),
        pytest.param("a: { b: [x, { c: '${A}' }] }", {"A"}, id="nested"),
        pytest.param("a: ${A}\nb: ${A}", {"A"}, id="twice"),
        pytest.param("a: '${ A }'", {"A"}, id="with spaces"),
        pytest.param("a: ${A:-default}", set(), id="default"),
        pytest.param("a: ${A:-}", set(), id="empty default"),
        pytest.param("a: ${A:-x}${B}", {"B"}, id="default besides a variable"),
        pytest.param("a: $${A}", set(), id="escaped"),
        pytest.param("a: $${A}${B}", {"B"}, id="escaped besides a variable"),
        pytest.param("a: $A", set(), id="without braces"),
        pytest.param("a: x # ${A}\n# ${B}", set(), id="comments"),
        pytest.param("${A}: x", set(), id="a key is not substituted"),
        pytest.param("a: 1\nb: true\nc: null", set(), id="other types"),
    ],
)
def test_variables(text: str, variables: set[str]) -> None:
    assert AppConfig.parse(text).variables == variables


SSL = "backend: {database: {connection: {ssl: %s}}}"


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("auth: {providers: {guest: {}}}", "auth.providers.guest"),
        ("auth: {providers: {guest: null}}", None),
        ("auth: null", None),
        (
            "auth: {providers: {oidc: {production: {signIn: {resolvers: [{resolver: x, "
            "dangerouslyAllowSignInWithoutUserInCatalog: true}]}}}}}",
            "auth.providers.oidc.production.signIn.resolvers.0."
            "dangerouslyAllowSignInWithoutUserInCatalog",
        ),
        (SSL % "{rejectUnauthorized: false}", "backend.database.connection.ssl.rejectUnauthorized"),
        (SSL % "{rejectUnauthorized: true}", None),
        (SSL % "false", "backend.database.connection.ssl"),
        (
            "backend: {database: {connection: 'postgres://h/d?sslmode=no-verify'}}",
            "backend.database.connection",
        ),
        ("backend: {database: {connection: 'postgres://h/d?sslmode=verify-full'}}", None),
        ("backend: {database: {client: better-sqlite3}}", "backend.database.client"),
        (
            "backend: {auth: {dangerouslyDisableDefaultAuthPolicy: true}}",
            "backend.auth.dangerouslyDisableDefaultAuthPolicy",
        ),
        ("backend: {auth: {dangerouslyDisableDefaultAuthPolicy: false}}", None),
        ("permission: {enabled: false}", "permission.enabled"),
        ("permission: {enabled: true}", None),
        ("backend: {reading: {allow: [{host: a.example.com}]}}", None),
        ("backend: {reading: {allow: [{host: a.example.com}, {host: '*'}]}}",
         "backend.reading.allow.1.host"),
        ("backend: {reading: {allow: [{host: '*.com'}]}}", "backend.reading.allow.0.host"),
        ("backend: {cors: {origin: '*'}}", "backend.cors.origin"),
        ("backend: {cors: {origin: [https://a.example.com, '*']}}", "backend.cors.origin.1"),
        ("backend: {cors: {origin: https://a.example.com}}", None),
        ("catalog: {rules: [{allow: [System, User]}]}", "catalog.rules.0.allow.1"),
        ("catalog: {rules: [{allow: [{kind: group}]}]}", "catalog.rules.0.allow.0.kind"),
        ("catalog: {rules: [{allow: [User], locations: [{type: url, exact: x}]}]}", None),
        ("catalog: {locations: [{type: url, target: x, rules: [{allow: [User]}]}]}", None),
        (
            "proxy: {endpoints: {/x: {target: 'https://a.example.com', "
            "credentials: dangerously-allow-unauthenticated}}}",
            "proxy.endpoints./x.credentials",
        ),
        ("proxy: {endpoints: {/x: 'http://169.254.169.254/latest'}}", "proxy.endpoints./x"),
        ("proxy: {endpoints: {x: {target: 'http://169.254.170.23'}}}", "proxy.endpoints.x.target"),
        (
            "kubernetes: {clusterLocatorMethods: [{type: config, clusters: "
            "[{name: a, skipTLSVerify: true}]}]}",
            "kubernetes.clusterLocatorMethods.0.clusters.0.skipTLSVerify",
        ),
        ("kubernetes: {objectTypes: [pods, configmaps]}", "kubernetes.objectTypes.1"),
        ("kubernetes: {objectTypes: [pods]}", None),
        (
            "kubernetes: {customResources: [{group: '', plural: secrets}]}",
            "kubernetes.customResources.0.plural",
        ),
        (
            "kubernetes: {clusterLocatorMethods: [{clusters: [{customResources: "
            "[{plural: configmaps}]}]}]}",
            "kubernetes.clusterLocatorMethods.0.clusters.0.customResources.0.plural",
        ),
        (
            "backend: {actions: {pluginSources: [catalog, scaffolder]}}",
            "backend.actions.pluginSources.1",
        ),
        ("backend: {actions: {pluginSources: [catalog, acme]}}", None),
    ],
)  # fmt: skip
def test_unsafe_values(text: str, path: str | None) -> None:
    assert [".".join(each.path) for each in unsafe(AppConfig.parse(text))] == (
        [path] if path else []
    )


NEST = "a: " + "[" * 200 + "]" * 200
BOMB = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: [\n", "line 3: "),
        ("a: 1\n  b: 2\n", "line 2: mapping values are not allowed"),
        ("a: *missing", "line 1: found undefined alias"),
        ("a: !!python/object:os.system x", "line 1: could not determine a constructor"),
        ("- a\n- b\n", "not a YAML mapping"),
        ("just text", "not a YAML mapping"),
        ("# only a comment\n", "not a YAML mapping"),
        ("", "not a YAML mapping"),
        ("a: \x07", "unreadable: not YAML"),
        ("? [a, b]\n: c", "line 1: "),
        pytest.param(NEST, "nested more than 100 levels deep", id="nested"),
        pytest.param("a: " + "{b: " * 50_000, "nested more than 100 levels", id="open"),
        pytest.param(BOMB, "its aliases expand to more than 100,000 values", id="bomb"),
        ("a: &a [*a]", "its aliases expand to more than 100,000 values"),
        ("a: &a {b: *a}", "its aliases expand to more than 100,000 values"),
    ],
)
def test_refused_files(text: str, message: str) -> None:
    with pytest.raises(FileError, match=re.escape(message)):
        AppConfig.parse(text)


def test_size_limit_counts_bytes() -> None:
    room = CONFIG_MAP_BYTES - len("a: ")
    assert AppConfig.parse("a: " + "x" * room).variables == frozenset()
    for text in ("a: " + "x" * (room + 1), "a: " + "é" * (room // 2 + 1)):
        with pytest.raises(FileError, match="larger than a ConfigMap holds"):
            AppConfig.parse(text)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("{seconds: 15}", 15),
        ("{minutes: 2, seconds: 5}", 125),
        ("{milliseconds: 500}", 0.5),
        ("125s", 125),
        ("2m", 120),
        ("1500ms", 1.5),
        ("1.5 Minutes", 90),
        ("90 secs", 90),
        ("1.2.3s", None),
        ("{hours: 1}", 3600),
        ("1h", 3600),
        ("PT1H30M", 5400),
        ("P1D", 86400),
        ("{weeks: 1}", 604800),
        ("{years: 1, months: 1}", 395 * 86400),
        ("P1Y1M", 395 * 86400),
        ("P1W", 604800),
        ("P1.5W2D", 12.5 * 86400),
        ("PT0.5H", 1800),
        ("PT1.5M", 90),
        ("PT1.5S", 1.5),
        ("'PT1,2345S'", 1.234),
        ("PT-1.5S", -1.5),
        ("PT0S", 0),
        ("' PT5S '", 5),
        ("P", None),
        ("-P1D", None),
        ("p1d", None),
        ("P1S", None),
        ("PT.5S", None),
        ("P1H", None),
        ("PT", None),
        ("{cron: '0 * * * *'}", None),
        ("{seconds: soon}", None),
        ("{}", None),
        ("soon", None),
        ("15", None),
    ],
)
def test_durations(value: str, seconds: float | None) -> None:
    assert AppConfig.parse(f"a: {{b: {value}}}").seconds("a", "b") == seconds


def test_the_shipped_file_needs_only_what_the_program_provides() -> None:
    shipped = AppConfig.load("assets/app-config.production.yaml")
    assert shipped.variables == {
        *("APP_PORT", "AUTH_SESSION_SECRET", "POSTGRES_DB", "POSTGRES_HOST"),
        *("POSTGRES_PORT", "POSTGRES_USER"),
    }
    assert list(unsafe(shipped)) == []


def test_dates_and_yes_are_text_as_backstage_reads_them() -> None:
    config = AppConfig.parse("a: 2026-13-01\nb: yes\nc: no\nd: True\ne: false\n")
    assert config.document == {"a": "2026-13-01", "b": "yes", "c": "no", "d": True, "e": False}


def merged(*texts: str, **env: str) -> object:
    return AppConfig.of(map(AppConfig.parse, texts), env).document


@pytest.mark.parametrize(
    ("below", "above", "document"),
    [
        ("a: {b: 1, c: 2}", "a: {c: 3}", {"a": {"b": 1, "c": 3}}),
        ("a: {b: [1, 2]}", "a: {b: [3]}", {"a": {"b": [3]}}),
        ("a: {b: 1}", "a: {b: null}", {"a": {}}),
        ("a: {b: 1}", "a: null", {}),
        ("a: text", "a: {b: {c: null, d: 1}}", {"a": {"b": {"d": 1}}}),
        ("a: {b: 1}", "a: text", {"a": "text"}),
        ("a: {seconds: 5}", "a: {minutes: 1}", {"a": {"seconds": 5, "minutes": 1}}),
    ],
)
def test_a_layer_overrides_the_one_below(below: str, above: str, document: object) -> None:
    assert merged(below, above) == document


def test_a_removed_value_can_be_set_again() -> None:
    layers = ("a: {b: {c: 1, d: 2}}", "a: {b: null}", "a: {b: {c: 3}}")
    assert merged(*layers) == {"a": {"b": {"c": 3}}}
    assert merged("a: 1", "a: 2", APP_CONFIG_a="3") == {"a": 3}


def test_variables_and_defaults_are_filled_in() -> None:
    config = AppConfig.parse("a: ${A} ${B:-b}\nlist: ['$${A}', '${C}']\n")
    assert config.substituted({"A": "x"}).document == {"a": "x b", "list": ["$${A}", "${C}"]}
