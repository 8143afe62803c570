"""The permission files reach the pods where Backstage's configuration looks for them."""

from __future__ import annotations

import pytest

from components.portal.portal import PERMISSION_CONDITIONS_FILE, PERMISSIONS_FILE
from components.portal.portal_pod import PERMISSIONS_DIRECTORY
from settings.app_config import SHIPPED, AppConfig
from settings.files import read_text
from tests.programs import STACKS, previewed
from tests.stacks.pods import MIGRATION_JOB, PORTAL, templates
from tests.tokens import CONFIG_MAP

FILES = {
    "policies-csv-file": (PERMISSIONS_FILE, "assets/permissions.csv"),
    "conditionalPoliciesFile": (PERMISSION_CONDITIONS_FILE, "assets/permission-conditions.yaml"),
}


@pytest.mark.parametrize(("key", "file"), [(key, file) for key, (file, _) in FILES.items()])
def test_the_configuration_names_the_mounted_files(key: str, file: str) -> None:
    path = AppConfig.load(SHIPPED).value("permission", "rbac", key)
    assert path == f"{PERMISSIONS_DIRECTORY}/{file}"


@pytest.mark.parametrize("stack", STACKS)
def test_portal_and_migrations_mount_the_files_of_the_stack(stack: str) -> None:
    program = previewed(stack, creates=True)
    data = program.inputs(CONFIG_MAP, "backstage-permissions")["data"]
    assert data == {file: read_text(path) for file, path in FILES.values()}
    pods = templates(program)
    for pod in {PORTAL, MIGRATION_JOB} & {*pods}:
        spec = pods[pod]["spec"]
        [container] = spec["containers"]
        mounts = {each["mountPath"]: each["name"] for each in container["volumeMounts"]}
        sources = {each["name"]: each.get("configMap", {}).get("name") for each in spec["volumes"]}
        assert sources[mounts[PERMISSIONS_DIRECTORY]] == "backstage-permissions"
