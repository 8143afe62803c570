"""Objects of Kubernetes that break a rule in a shape that its first row doesn't have."""

from __future__ import annotations

from typing import Any

from policy.node import UNKNOWN
from policy.plan import Resource
from tests.policy.parts import (
    RESTRICTED,
    binding,
    config,
    container,
    deployment,
    env,
    kube,
    network_policy,
    rights,
    running,
    workload,
)

ROOT = container(securityContext={**RESTRICTED, "runAsUser": 0})
NODE = {"name": "n", "hostPath": {"path": "/"}}
TOKEN = {"name": "t", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}
WORKLOADS = (
    "CronJob", "DaemonSet", "Deployment", "Job", "Pod", "PodTemplate", "ReplicaSet", "StatefulSet",
)  # fmt: skip
SELECTOR = {"selector": {"matchLabels": {"app": "x"}}}
EVERYWHERE = {"ipBlock": {"cidr": "0.0.0.0/0", "except": ["169.254.0.0/16"]}}


def annotated(**annotations: str) -> Resource:
    """A Deployment with annotations of its pods."""
    made = deployment()
    made.inputs.raw["spec"]["template"]["metadata"]["annotations"] = annotations
    return made


def two(**inputs: Any) -> Resource:
    """A Deployment of two pods."""
    made = deployment()
    made.inputs.raw["spec"].update({"replicas": 2, **inputs})
    return made


def budget(*, selects: bool = True, **spec: Any) -> Resource:
    return kube("policy/v1:PodDisruptionBudget", spec={**(SELECTOR if selects else {}), **spec})


SLEEPS = {"preStop": {"sleep": {"seconds": 30}}}
ROUTED = (
    kube("core/v1:Service", spec={"selector": {"app": "x"}}),
    kube(
        "networking.k8s.io/v1:Ingress",
        spec={"ingressClassName": "alb", "defaultBackend": {"service": {"name": "x"}}},
    ),
)


SERVER = workload("StatefulSet", containers=[container(args=["-c", "max_connections=100"])])


def pooled(kind: str = "Deployment", connections: int = 30) -> Resource:
    """A workload with a pool of connections to `SERVER`."""
    made = workload(kind)
    made.inputs.raw["metadata"]["annotations"] = {"database-connections-per-pod": connections}
    return made


def behind_alb(**spec: Any) -> Resource:
    """A Deployment that `ROUTED` leads to."""
    return deployment(**spec)


def context(**fields: Any) -> Resource:
    return running(securityContext={**RESTRICTED, **fields})


def pod_context(**fields: Any) -> Resource:
    return deployment(securityContext=fields)


Shape = tuple[str, str, tuple[Resource, ...]]
"""A rule, part of its message, and a plan that breaks it"""

# fmt: off
KUBERNETES: list[Shape] = [
    *(("pss-volumes", "hostPath", (workload(kind, volumes=[NODE]),)) for kind in WORKLOADS),
    ("pss-volumes", "hostPath", (workload("Deployment", "apps/v1beta1", volumes=[NODE]),)),
    ("pss-volumes", "hostPath", (workload("CronJob", "batch/v1beta1", volumes=[NODE]),)),
    ("pss-volumes", "hostPath", (kube("core/v1:PersistentVolume",
        spec={"hostPath": {"path": "/"}}),)),
    ("pss-volumes", "local", (kube("core/v1:PersistentVolume", spec={"local": {"path": "/"}}),)),
    # Pod Security
    ("pss-non-root", "root", (workload("Pod", initContainers=[ROOT]),)),
    ("pss-non-root", "root", (workload("Pod", ephemeralContainers=[ROOT]),)),
    ("pss-non-root", "isn't true", (pod_context(runAsNonRoot=False),)),
    ("pss-seccomp", "is Unconfined", (pod_context(seccompProfile={"type": "Unconfined"}),)),
    ("pss-capabilities", "NET_RAW", (context(capabilities={"drop": ["ALL"], "add": ["NET_RAW"]}),)),
    ("pss-capabilities", "lacks ALL", (context(capabilities={"add": ["NET_BIND_SERVICE"]}),)),
    ("pss-kernel", "seLinuxOptions.type", (context(seLinuxOptions={"type": "spc_t"}),)),
    ("pss-kernel", "appArmorProfile", (pod_context(appArmorProfile={"type": "Unconfined"}),)),
    ("pss-host", "hostProcess", (pod_context(windowsOptions={"hostProcess": True}),)),
    ("pss-probes", "host", (running(livenessProbe={"httpGet": {"port": 80, "host": "10.0.0.1"}}),)),
    ("pss-probes", "host", (running(lifecycle={"preStop": {"tcpSocket": {"port": 1,
        "host": "x"}}}),)),
    ("pss-privileged", "owns the node", (workload("Pod", ephemeralContainers=[
        container(securityContext={**RESTRICTED, "privileged": True})]),)),
    ("pss-namespace", "is privileged", (kube("core/v1:Namespace", metadata={
        "labels": {"pod-security.kubernetes.io/enforce": "privileged"}}),)),
    ("pss-namespace", "is unset", (kube("core/v1:Namespace"),)),
    ("pss-namespace", "v1.20", (kube("core/v1:Namespace", metadata={"labels": {
        "pod-security.kubernetes.io/enforce": "restricted",
        "pod-security.kubernetes.io/enforce-version": "v1.20"}}),)),
    ("pss-kernel", "AppArmor is off", (annotated(**{
        "container.apparmor.security.beta.kubernetes.io/main": "unconfined"}),)),
    ("pss-volumes", "nfs", (workload("StatefulSet", volumes=[{"name": "n", "nfs": {}}]),)),
    ("pss-escalation", "isn't false", (running(securityContext=None),)),
    # Images and pods
    ("image-version", "whatever", (running(image="nginx"),)),
    ("image-version", "whatever", (running(image="r:5000/nginx:stable"),)),
    ("image-version", "whatever", (workload("CronJob", initContainers=[container(image="a:main")]),
        )),
    ("pod-disruption-budget", "at once", (two(), budget(maxUnavailable="100%"))),
    ("pod-disruption-budget", "at once", (two(), budget(maxUnavailable=2))),
    ("pod-disruption-budget", "at once", (two(), budget(minAvailable=0))),
    ("pod-disruption-budget", "at once", (two(), budget(selects=False, maxUnavailable=1))),
    ("pod-disruption-budget", "can't be drained", (two(), budget(minAvailable="100%"))),
    ("pod-disruption-budget", "can't be drained", (two(), budget(minAvailable=2))),
    ("pod-disruption-budget", "every eviction fails",
        (two(), budget(maxUnavailable=1), budget(maxUnavailable=1))),
    ("pod-disruption-budget", "at once", (deployment(),
        kube("autoscaling/v1:HorizontalPodAutoscaler",
        spec={"minReplicas": 2, "scaleTargetRef": {"kind": "Deployment", "name": "x"}}))),
    ("pod-token", "nothing grants", (deployment(volumes=[TOKEN]),)),
    ("pod-token", "nothing grants", (workload("Pod", automountServiceAccountToken=True),)),
    ("pod-service-account", "one for all", (workload("CronJob", serviceAccountName="default"),)),
    ("pod-resources", "no limits.memory", (deployment(
        resources={"requests": {"cpu": "1", "memory": "1Gi"}},
        containers=[container(resources={})]),)),
    ("connection-budget", "need 60 and other workloads 60", (pooled(), pooled(), SERVER)),
    ("connection-budget", "and other workloads 30", (pooled(), pooled("StatefulSet", 30), SERVER)),
    ("connection-budget", "need 90", (pooled("StatefulSet", 90), SERVER)),
    ("drain", "preStop waits 0 s", (behind_alb(terminationGracePeriodSeconds=600, containers=[
        container(ports=[{"containerPort": 80}]), container(lifecycle=SLEEPS)]), *ROUTED)),
    ("drain", "SIGKILL after 5 s", (behind_alb(terminationGracePeriodSeconds=5, containers=[
        container(lifecycle=SLEEPS)]), *ROUTED)),
    ("pod-probes", "no livenessProbe", (workload("DaemonSet", containers=[
        container(livenessProbe=None)]),)),
    # Rights
    ("rbac-no-wildcards", "nonResourceURLs", (rights(nonResourceURLs=["*"], verbs=["get"]),)),
    ("rbac-no-wildcards", "every ClusterRole", (kube("rbac.authorization.k8s.io/v1:ClusterRole",
        aggregationRule={"clusterRoleSelectors": [{}]}),)),
    ("rbac-no-secrets", "every Secret", (rights(resources=["pods", "secrets"], verbs=["watch"]),)),
    ("rbac-no-escalation", "service account", (rights(
        apiGroups=["apps"], resources=["deployments"], verbs=["create"]),)),
    ("rbac-no-escalation", "service account", (rights(
        apiGroups=["batch"], resources=["cronjobs"], verbs=["patch"]),)),
    ("rbac-no-escalation", "in other pods", (rights(resources=["pods/exec"], verbs=["create"]),)),
    ("rbac-no-escalation", "in other pods", (rights(resources=["pods/exec"], verbs=["get"]),)),
    ("rbac-no-escalation", "in other pods", (rights(
        resources=["pods/ephemeralcontainers"], verbs=["update"]),)),
    ("rbac-no-escalation", "rights of others", (rights(resources=["users"], verbs=["impersonate"]),
        )),
    ("rbac-no-escalation", "rights of others", (rights(apiGroups=["rbac.authorization.k8s.io"],
        resources=["clusterroles"], verbs=["*"]),)),
    ("rbac-no-escalation", "tokens", (rights(resources=["serviceaccounts/token"],
        verbs=["create"]),)),
    ("rbac-no-escalation", "the node", (rights(resources=["persistentvolumes"], verbs=["create"]),
        )),
    ("rbac-no-escalation", "API server", (rights(apiGroups=["admissionregistration.k8s.io"],
        resources=["mutatingwebhookconfigurations"], verbs=["update"]),)),
    ("rbac-no-escalation", "certificates", (rights(apiGroups=["certificates.k8s.io"],
        resources=["certificatesigningrequests/approval"], verbs=["update"]),)),
    ("rbac-binding", "everyone", (binding("view", "system:unauthenticated"),)),
    ("rbac-binding", "everyone", (binding("view", "system:anonymous", "User", "Namespace"),)),
    ("rbac-binding", "everyone", (binding("view", "system:serviceaccounts"),)),
    ("rbac-binding", "everyone", (binding("view", "default", "ServiceAccount"),)),
    ("rbac-binding", "system:masters", (binding("view", "system:masters"),)),
    ("rbac-binding", "binds admin", (binding("admin", "team"),)),
    ("rbac-binding", "binds edit", (binding("edit", "team"),)),
    ("rbac-binding", "binds cluster-admin", (binding("cluster-admin", "team", scope="Namespace"),)),
    # Networks
    ("network-policy", "limits its ingress", (deployment(), kube(
        "networking.k8s.io/v1:NetworkPolicy", spec={"podSelector": {"matchLabels": {"app": "y"}},
        "policyTypes": ["Ingress", "Egress"]}))),
    ("network-policy-peers", "no from and no ports", (network_policy(ingress=[{}]),)),
    ("network-policy-peers", "no ports", (network_policy(
        egress=[{"to": [EVERYWHERE], "ports": [{"protocol": "TCP"}]}]),)),
    ("network-policy-peers", "no ports", (network_policy(
        egress=[{"to": [EVERYWHERE], "ports": [{"port": 1, "endPort": 65535}]}]),)),
    ("network-policy-peers", "no from", (network_policy(
        ingress=[{"from": [EVERYWHERE], "ports": [{"port": 80}]}]),)),
    ("network-policy-peers", "no from", (network_policy(ingress=[{"ports": [{"port": 80}], "from": [
        {"ipBlock": {"cidr": "0.0.0.0/1"}}, {"ipBlock": {"cidr": "128.0.0.0/1"}}]}]),)),
    ("network-metadata", "every address", (network_policy(egress=[{}]),)),
    ("network-metadata", "every address", (network_policy(egress=[{"ports": [{"port": 80}]}]),)),
    ("network-metadata", "169.254.169.254", (network_policy(egress=[{"to": [{"ipBlock": {
        "cidr": "0.0.0.0/0", "except": ["10.0.0.0/8", "169.254.170.0/24"]}}]}]),)),
    ("network-metadata", "169.254.169.254", (network_policy(egress=[{
        "to": [{"ipBlock": {"cidr": "169.254.169.254/32"}}], "ports": [{"port": 1,
            "endPort": 99}]}]),)),
    ("service-type", "externalIPs", (kube("core/v1:Service", spec={"externalIPs": ["192.0.2.1"]}),
        )),
    ("service-type", "LoadBalancer", (kube("core/v1:Service", spec={"type": "LoadBalancer"}),)),
    # Secrets
    ("plain-secret", "PGPASSWORD", (env("PGPASSWORD", "hunter2"),)),
    ("plain-secret", "MYSQL_PWD", (env("MYSQL_PWD", "hunter2"),)),
    ("plain-secret", "DB_PASS", (env("DB_PASS", "hunter2"),)),
    ("plain-secret", "dbPassword", (env("dbPassword", "hunter2"),)),
    ("plain-secret", "SECRET_KEY", (env("DJANGO_SECRET_KEY", "hunter2"),)),
    ("plain-secret", "DATABASE_URL", (env("DATABASE_URL", "postgres://shop:hunter2@db/shop"),)),
    ("plain-secret", "APP_CONFIG_backend", (env(
        "APP_CONFIG_backend", '{"database":{"connection":{"password":"hunter2"}}}'),)),
    ("plain-secret", "args[0]", (running(args=["--db-password=hunter2"]),)),
    ("plain-secret", "args[1]", (running(args=["--password=hunter2", "--token=hunter2"]),)),
    ("plain-secret", "args[1]", (running(args=[UNKNOWN, "--token=hunter2"]),)),
    ("plain-secret", "args[1]", (running(args=["--token", "hunter2"]),)),
    ("plain-secret", "command[2]", (running(command=["sh", "-c", "PGPASSWORD=hunter2 psql"]),)),
    ("plain-secret", "CERT", (env("CERT", "-----BEGIN RSA PRIVATE KEY-----"),)),
    ("plain-secret", "X", (env("X", "ghp_" + "a1" * 18),)),
    ("plain-secret", "livenessProbe", (running(livenessProbe={"exec": {
        "command": ["sh", "-c", "PGPASSWORD=hunter2 pg_isready"]}}),)),
    ("plain-secret", "preStop", (running(lifecycle={"preStop": {"exec": {
        "command": ["curl", "--token=hunter2"]}}}),)),
    ("plain-secret", "X", (workload("Pod", initContainers=[container(env=[
        {"name": "X", "value": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln"}])]),)),
    ("plain-secret-in-config", "setup.sh", (config(setup__sh="export DB_PASSWORD=hunter2"),)),
    ("plain-secret-in-config", ".env", (config(__env="GITHUB_PAT=hunter2"),)),
    ("plain-secret-in-config", "jdbc", (config(jdbc="jdbc:postgresql://db/x?password=hunter2"),)),
    ("plain-secret-in-config", "dbPassword", (config(dbPassword="hunter2"),)),
    ("plain-secret-in-config", "application.properties", (config(
        application__properties="a=1\nspring.datasource.password=hunter2\n"),)),
    ("plain-secret-in-config", "app-config.yaml", (config(
        **{"app-config__yaml": "integrations:\n  github:\n    - token: hunter2\n"}),)),
    ("plain-secret-in-config", "settings.json", (config(settings__json='{"apiKey": "hunter2"}'),)),
    ("plain-secret-in-config", "URL", (config(URL="postgres://shop:hunter2@db/shop"),)),
    ("plain-secret-in-config", "tls.key", (config(tls__key="-----BEGIN PRIVATE KEY-----"),)),
    # TLS to the database
    ("database-tls", "POSTGRES", (env("POSTGRES", "postgres://db/x?sslmode=disable"),)),
    ("database-tls", "DSN", (env("DSN", "host=db user=x sslmode=require"),)),
    ("database-tls", "DSN", (env("DSN", "Host=db;SSL Mode=Prefer;Trust Server Certificate=true"),)),
    ("database-tls", "args[0]", (running(args=["postgresql://db/x?sslmode=allow"]),)),
    ("database-tls", "command[2]", (running(
        command=["sh", "-c", "NODE_TLS_REJECT_UNAUTHORIZED=0 node index.js"]),)),
    ("database-tls", "command[2]", (running(command=["node", "-e",
        "ssl: {rejectUnauthorized: false}"]),)),
    ("database-tls", "APP_CONFIG_backend", (env("APP_CONFIG_backend_database_connection",
        '{"ssl":{"rejectUnauthorized":false}}'),)),
    ("database-tls", "APP_CONFIG_backend", (env(
        "APP_CONFIG_backend_database_plugin_catalog_connection_ssl", "false"),)),
    ("database-tls", "PGSSLMODE", (config(PGSSLMODE="disable"),)),
    ("database-tls", "pgbouncer.ini", (config(pgbouncer__ini="server_tls_sslmode = prefer"),)),
    ("database-tls", "NODE_TLS", (config(NODE_TLS_REJECT_UNAUTHORIZED="0"),)),
    ("backstage-database-tls", "in the clear", (config(**{"app-config__yaml":
        "backend: {database: {client: pg, connection: 'postgres://db/x'}}"}),)),
    ("backstage-database-tls", "any server", (config(**{"app-config__yaml":
        "backend: {database: {connection: {ssl: {rejectUnauthorized: 'false', ca: x}}}}"}),)),
    ("backstage-database-tls", "any server", (config(**{"app-config__yaml":
        "backend: {database: {plugin: {catalog: {connection: {ssl: false}}}}}"}),)),
    ("backstage-database-tls", "any server", (config(**{"app-config__yaml":
        "backend: {database: {connection: 'postgres://db/x?sslmode=no-verify'}}"}),)),
]
