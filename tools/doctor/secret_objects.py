"""What a stack's pods take secrets from, in the cluster."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from settings.model import Settings
from tools.doctor.reader import NOT_FOUND, Reader
from tools.findings import Check, Finding, Unanswered, missing, ok

# By the value of secretsDriver: API, and what to install.
_DRIVERS = {
    "external-secrets": ("external-secrets.io/v1", "the External Secrets Operator"),
    "csi": (
        "secrets-store.csi.x-k8s.io/v1",
        "the Secrets Store CSI driver with AWS's provider: the EKS add-on "
        "aws-secrets-store-csi-driver-provider",
    ),
}


@dataclass(frozen=True)
class SecretObjects:
    """The driver of `secretsFrom` with its stores, and Secrets that others fill."""

    settings: Settings
    reader: Reader

    def checks(self) -> Iterator[Check]:
        """Those that the stack's keys need."""
        s = self.settings
        if s.secrets.sources:
            yield Check(f"driver {s.secrets.driver}", self._driver)
        if s.image.pull_secret:
            yield Check("pull secret", self._pull_secret)
        if s.secrets.existing:
            yield Check(f"Secret {s.secrets.existing.name}", self._existing_secret)

    def _driver(self) -> Finding:
        s = self.settings.secrets
        api, install = _DRIVERS[s.driver]
        try:
            self.reader.run("get", "--raw", f"/apis/{api}")
        except Unanswered as error:
            if NOT_FOUND not in str(error):
                raise
            return missing(f"nobody serves {api}", f"install {install}")
        if s.driver == "csi":
            return ok(f"{api} is served")
        stores = (s.store, s.parameter_store)
        for store in (each for each in stores if each):
            found = self.reader.get(f"{store.kind}.external-secrets.io".lower(), store.name)
            if found is None:
                return missing(f"there is no {store.kind} {store.name}",
                               "create it: docs/secrets.md")  # fmt: skip
            conditions = found.get("status", {}).get("conditions", [])
            ready = [each for each in conditions if each["type"] == "Ready"]
            if ready and ready[0]["status"] != "True":
                describe = f"kubectl describe {store.kind.lower()} {store.name}"
                return missing(f"{store.kind} {store.name} isn't ready", describe)
        return ok(", ".join(f"{each.kind} {each.name}" for each in stores if each))

    def _pull_secret(self) -> Finding:
        name = self.settings.image.pull_secret
        create = (
            f"kubectl create secret docker-registry --namespace {self.settings.namespace} {name}"
        )
        found = self.reader.keys_of(str(name))
        if found is None:
            registry = str(self.settings.image.repository).partition("/")[0]
            return missing(f"{self.settings.namespace} has no Secret {name}",
                           f"{create} --docker-server {registry} --docker-username USER "
                           "--docker-password PASSWORD")  # fmt: skip
        return ok(f"{name} exists; its value wasn't read")

    def _existing_secret(self) -> Finding:
        existing = self.settings.secrets.existing
        assert existing
        keys = self.reader.keys_of(existing.name)
        absent = sorted(set(existing.keys.values()) - (keys or set()))
        if keys is None or absent:
            what = f"no Secret {existing.name}" if keys is None else f"no {', '.join(absent)} in it"
            literals = " ".join(f"--from-file {key}=FILE" for key in absent)
            create = f"kubectl create secret generic --namespace {self.settings.namespace}"
            return missing(f"{self.settings.namespace} has {what}",
                           f"{create} {existing.name} {literals}")  # fmt: skip
        return ok(f"it has {', '.join(sorted(existing.keys.values()))}; no value was read")
