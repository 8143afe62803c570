"""The Jobs: created for each change, run once, and what their pods are made of."""

from __future__ import annotations

import pytest

from components.kubernetes.job import AWAIT_MARGIN
from components.kubernetes.labels import SELECTOR
from tests.programs import (
    IN_CLUSTER_STACKS,
    MIGRATING,
    ROOT,
    STACKS,
    changed,
    differing,
    previewed,
)
from tests.stacks.pods import (
    ADMINISTERING,
    MIGRATION_JOB,
    PASSWORD_JOB,
    PORTAL,
    POSTGRES,
    ROLE_JOB,
    container,
    jobs,
    templates,
    variables,
)
from tests.tokens import CONFIG_MAP, DEPLOYMENT, JOB


@pytest.mark.parametrize("stack", STACKS)
def test_a_changed_job_runs_once_under_a_new_name(stack: str) -> None:
    for job in previewed(stack, creates=True).all(JOB):
        metadata, spec = job.inputs["metadata"], job.inputs["spec"]
        assert "name" not in metadata
        assert metadata["annotations"]["pulumi.com/replaceUnready"] == "true"
        # A Job that deletes itself would run again after `pulumi refresh`.
        assert "ttlSecondsAfterFinished" not in spec
        assert spec["backoffLimit"] == 0
        assert spec["template"]["spec"]["restartPolicy"] == "Never"


@pytest.mark.parametrize("stack", STACKS)
def test_update_waits_longer_than_the_deadline_of_a_job(stack: str) -> None:
    for job in previewed(stack, creates=True).all(JOB):
        wait = int(job.inputs["metadata"]["annotations"]["pulumi.com/timeoutSeconds"])
        assert wait == job.inputs["spec"]["activeDeadlineSeconds"] + AWAIT_MARGIN


@pytest.mark.parametrize("stack", STACKS)
def test_pods_of_jobs_run_the_portals_image(stack: str) -> None:
    portal = container(stack)
    for job in previewed(stack, creates=True).all(JOB):
        pod = job.inputs["spec"]["template"]["spec"]
        assert pod["automountServiceAccountToken"] is False
        account = ROLE_JOB if job.name == PASSWORD_JOB else job.name
        assert pod["serviceAccountName"] == account
        [found] = pod["containers"]
        # The update shows the end of the log when a Job failed.
        assert found["terminationMessagePolicy"] == "FallbackToLogsOnError"
        assert not {"livenessProbe", "readinessProbe", "startupProbe", "ports"} & set(found)
        for field in ("image", "imagePullPolicy"):
            assert found[field] == portal[field]


@pytest.mark.parametrize("stack", STACKS)
def test_every_selector_matches_its_own_pods_only(stack: str) -> None:
    program = previewed(stack, creates=True)
    pods = {name: each["metadata"]["labels"] for name, each in templates(program).items()}
    for job in program.all(JOB):
        assert pods[job.name] == job.inputs["metadata"]["labels"]
        assert not set(SELECTOR) & set(pods[job.name])
    selected = {
        "Service backstage-service": {PORTAL},
        "Deployment backstage-deployment": {PORTAL},
        "PodDisruptionBudget backstage-disruption-budget": {PORTAL},
    }
    if stack != "auto-mode":
        administering = {*ADMINISTERING} & {*jobs(program)}
        policies = {"backstage-database-role-network-policy": administering}
        if stack in MIGRATING:
            policies["backstage-migrations-network-policy"] = {MIGRATION_JOB}
        policies["backstage-network-policy"] = {PORTAL}
        if stack in IN_CLUSTER_STACKS:
            policies["backstage-postgres-network-policy"] = {POSTGRES}
        selected |= {f"NetworkPolicy {name}": chosen for name, chosen in policies.items()}
    if stack == "existing-environment":
        selected["PodMonitor backstage-pod-monitor"] = {PORTAL}
    if stack == "oidc":
        selected["Service backstage-open-service"] = {PORTAL}
    if stack in IN_CLUSTER_STACKS:
        selected["Service backstage-postgres-service"] = {POSTGRES}
        selected["StatefulSet backstage-postgres-server"] = {POSTGRES}
    found = {}
    for each in program.recording.resources.values():
        spec = each.inputs.get("spec")
        chosen = spec.get("podSelector") or spec.get("selector") if spec else None
        if chosen:
            labels = chosen.get("matchLabels", chosen)
            kind = each.type.rpartition(":")[2]
            found[f"{kind} {each.name}"] = {
                name for name, carried in pods.items() if labels.items() <= carried.items()
            }
    assert found == selected


@pytest.mark.parametrize("stack", ["prod", "local"])
def test_role_job_mounts_script_and_certificates_only(stack: str) -> None:
    [found] = templates(previewed(stack, creates=True))[ROLE_JOB]["spec"]["containers"]
    assert {each["mountPath"]: each["name"] for each in found["volumeMounts"]} == {
        "/etc/backstage/scripts": "scripts",
        "/etc/backstage/database-ca": "database-ca",
    }


@pytest.mark.parametrize("stack", MIGRATING)
def test_migration_job_starts_the_portal_as_it_serves(stack: str) -> None:
    found = templates(previewed(stack, creates=True))
    migrating, serving = found[MIGRATION_JOB]["spec"], found[PORTAL]["spec"]
    [job], [portal] = migrating["containers"], serving["containers"]
    node, *arguments = portal["args"]
    assert job["args"] == [node, "/etc/backstage/scripts/migrate.js", *arguments]
    assert job["envFrom"] == portal["envFrom"]
    assert job["resources"] == portal["resources"]
    scripts = {"name": "scripts", "mountPath": "/etc/backstage/scripts", "readOnly": True}
    assert job["volumeMounts"] == [*portal["volumeMounts"], scripts]
    assert migrating["volumes"] == [
        *serving["volumes"],
        {"name": "scripts", "configMap": {"name": "backstage-scripts"}},
    ]


@pytest.mark.parametrize("stack", MIGRATING)
def test_migration_job_adds_variables_and_migrates(stack: str) -> None:
    found = templates(previewed(stack, creates=True))
    expected = variables(found[PORTAL])
    # The pods that serve leave the schemas as they are; the Job has no such override.
    assert expected.pop("APP_CONFIG_backend_database_skipMigrations") == "true"
    migrating = variables(found[MIGRATION_JOB])
    added = migrating.keys() - expected.keys()
    assert expected.items() <= migrating.items()
    # The overrides of the configuration: tests/stacks/test_rendered_config.py.
    assert {name for name in added if not name.startswith("APP_CONFIG_")} == {
        "AWS_EC2_METADATA_DISABLED",
        "MIGRATION_SECONDS",
        "READINESS_PATH",
    }
    assert migrating["READINESS_PATH"] == container(stack)["readinessProbe"]["httpGet"]["path"]


@pytest.mark.parametrize("stack", ["prod", "local"])
def test_without_migration_job_pods_migrate(stack: str) -> None:
    program = changed(stack, {"migrationJob": False}, creates=True)
    assert set(jobs(program)) == {ROLE_JOB}
    assert jobs(program)[ROLE_JOB].urn in program.one(DEPLOYMENT).dependencies
    name = "APP_CONFIG_backend_database_skipMigrations"
    found = variables(templates(program)[PORTAL])
    assert name not in found
    with_job = variables(templates(previewed(stack, creates=True))[PORTAL])
    assert with_job == {**found, name: "true"}


@pytest.mark.parametrize("stack", STACKS)
def test_scripts_are_mounted_as_they_are(stack: str) -> None:
    data = previewed(stack).inputs(CONFIG_MAP, "backstage-scripts")["data"]
    assert data == {
        path.name: path.read_text(encoding="utf-8") for path in (ROOT / "assets").glob("*.js")
    }


def test_more_pods_run_no_job() -> None:
    after = changed("prod", {"replicas": 3}, creates=True)
    touched = differing(previewed("prod", creates=True), after)
    assert touched == {PORTAL, "backstage-autoscaler"}
