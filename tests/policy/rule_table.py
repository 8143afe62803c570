"""For every rule at least one change that breaks it, and a property that it has to know."""

from __future__ import annotations

import json

from policy import alb
from policy.rules import database, ecr, iam, load_balancer, network, secrets, storage, tls
from tests.policy.broken import GONE, Row, resource
from tests.tokens import (
    ATTACHMENT,
    AUTOSCALER,
    AWS_SECRET,
    BINDING,
    BUCKET,
    CLUSTER,
    CLUSTER_ROLE,
    CLUSTER_ROLE_BINDING,
    CONFIG_MAP,
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    INGRESS,
    INGRESS_RULE,
    INSTANCE,
    LOG_GROUP,
    NAMESPACE,
    NETWORK_POLICY,
    REPOSITORY,
    ROLE,
    ROLE_POLICY,
    SERVICE,
    STATEFUL_SET,
    TOPIC,
)

ALB = f"metadata|annotations|{alb.PREFIX}"
POD = "spec|template|spec"
CONTAINER = f"{POD}|containers|0"
CONTEXT = f"{CONTAINER}|securityContext"
DEPLOYED = f"{DEPLOYMENT}#backstage-deployment"
POLICY = f"{NETWORK_POLICY}#backstage-network-policy"
APP_CONFIG = f"{CONFIG_MAP}#backstage-app-config"
TEXT = "data|app-config.production.yaml"
TECHDOCS = f"{ROLE_POLICY}#backstage-techdocs-read"
LAST_INSTANCE = f"{INSTANCE}#backstage-1-instance-1"


def allowing(*actions: str, principal: object = None) -> str:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    if principal:
        statement["Principal"] = principal  # type: ignore[assignment]
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def trusting(principal: object) -> str:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": statement})


KEY = resource(secrets.KEY, "key", {"enableKeyRotation": True})
LISTENER = resource(
    load_balancer.LISTENER,
    "listener",
    {"protocol": "HTTPS", "sslPolicy": "ELBSecurityPolicy-TLS13-1-3-2021-06"},
)
BALANCER = resource(
    load_balancer.LOAD_BALANCER, "alb", {"dropInvalidHeaderFields": True, "enableWafFailOpen": True}
)
GROUP = resource(load_balancer.TARGET_GROUP, "group", {"protocol": "HTTPS", "healthCheck": {}})
SUBSCRIPTIONS = tuple(
    resource(database.SUBSCRIPTION, kind, {"sourceType": kind})
    for kind in ("db-cluster", "db-instance", "db-parameter-group", "db-security-group")
)
SECRET = resource(AWS_SECRET, "own", {"name": "own"})
ROTATION = resource(
    secrets.ROTATION, "rotation", {"secretId": "own", "rotationRules": {}}, secretId=SECRET.urn
)
PAPERS = resource(BUCKET, "papers", {"bucket": "papers"})
LOGGING = resource(storage.LOGGING, "logs", {"bucket": "papers", "targetBucket": "logs"})
SINGLE = resource(
    database.INSTANCE,
    "single",
    {"engine": "postgres", "multiAz": True, "enabledCloudwatchLogsExports": ["postgresql"]},
)
PULLED = resource(next(iter(iam.RESOURCE_POLICIES)), "pull", {"policy": '{"Statement": []}'})
BOUND = resource(BINDING, "bound", {"roleRef": {"name": "view"}, "subjects": []})
PINNED = resource(
    DEPLOYMENT,
    "pinned",
    {"spec": {"template": {"spec": {"containers": [{"image": "x@sha256:00"}]}}}},
)
WILDCARD = {"apiGroups": ["*"], "resources": ["pods"], "verbs": ["get"]}
EVERY_SECRET = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["list"]}
ANYWHERE = {"ipBlock": {"cidr": "0.0.0.0/0"}}

# fmt: off
ROWS = [
    # Databases
    Row("rds-private", "prod", INSTANCE, "publiclyAccessible", True, "publiclyAccessible is true"),
    Row("rds-encrypted", "prod", CLUSTER, "storageEncrypted", False, "storageEncrypted is false"),
    Row("rds-encrypted", "prod", CLUSTER, "storageEncrypted", GONE, "storageEncrypted is unset"),
    Row("rds-enhanced-monitoring", "prod", INSTANCE, "monitoringInterval", 0, "is 0"),
    Row("rds-deletion-protection", "prod", CLUSTER, "deletionProtection", False, "is false"),
    Row("rds-final-snapshot", "prod", CLUSTER, "skipFinalSnapshot", True, "nothing to restore"),
    Row("rds-iam-login", "prod", CLUSTER, "iamDatabaseAuthenticationEnabled", GONE, "is unset"),
    Row("rds-minor-upgrades", "prod", CLUSTER, "autoMinorVersionUpgrade", False, "wait"),
    Row("rds-minor-upgrades", "prod", INSTANCE, "autoMinorVersionUpgrade", False, "wait"),
    Row("rds-tagged-snapshots", "prod", CLUSTER, "copyTagsToSnapshot", GONE, "is unset"),
    Row("rds-admin-name", "prod", CLUSTER, "masterUsername", "postgres", "is postgres"),
    Row("rds-backups", "prod", CLUSTER, "backupRetentionPeriod", 6, "is 6; 7 days"),
    Row("rds-port", "prod", CLUSTER, "port", 5432, "port is 5432", meets=5433),
    Row("rds-logs", "prod", CLUSTER, "enabledCloudwatchLogsExports", [], "lost with it"),
    Row("rds-multi-az", "prod", LAST_INSTANCE, "", GONE, "instances: 1.",
        unknown="availabilityZone"),
    Row("rds-multi-az", "", database.INSTANCE, "multiAz", False, "multiAz isn't true",
        extra=(SINGLE,)),
    Row("rds-multi-az", "prod", INSTANCE, "availabilityZone", "us-east-1a", "is in us-east-1a"),
    Row("rds-logs", "", database.INSTANCE, "enabledCloudwatchLogsExports", [], "lost with it",
        extra=(SINGLE,)),
    Row("rds-events", "prod", f"{database.SUBSCRIPTION}#db-cluster", "enabled", False, "db-cluster",
        extra=SUBSCRIPTIONS),
    Row("database-refuses-plain", "prod", tls.PARAMETERS, "parameters|0|value", "0",
        "rds.force_ssl"),
    Row("database-refuses-plain", "prod", CLUSTER, "dbClusterParameterGroupName", GONE,
        "rds.force_ssl", unknown="engine"),
    Row("database-tls", "prod", DEPLOYED, f"{CONTAINER}|env|0",
        {"name": "NODE_TLS_REJECT_UNAUTHORIZED", "value": "0"}, "NODE_TLS_REJECT_UNAUTHORIZED"),
    Row("database-tls", "prod", DEPLOYED, f"{CONTAINER}|env|0",
        {"name": "PGSSLMODE", "value": "require"}, "PGSSLMODE leaves"),
    Row("database-tls", "prod", DEPLOYED, f"{CONTAINER}|env|0",
        {"name": "DATABASE_URL", "value": "postgres://db/x?sslmode=no-verify"}, "DATABASE_URL"),
    Row("database-tls", "prod", DEPLOYED, f"{CONTAINER}|env|0",
        {"name": "APP_CONFIG_backend_database_connection_ssl_rejectUnauthorized", "value": "false"},
        "server unverified"),
    Row("backstage-database-tls", "prod", APP_CONFIG, TEXT,
        "backend: {database: {connection: {host: x, ssl: {rejectUnauthorized: false}}}}",
        "any server"),
    Row("backstage-database-tls", "prod", APP_CONFIG, TEXT,
        "backend: {database: {connection: {host: x, ssl: true}}}", "no ca"),
    Row("backstage-database-tls", "prod", APP_CONFIG, TEXT,
        "backend: {database: {connection: {host: x}}}", "in the clear"),
    Row("backstage-database-tls", "prod", APP_CONFIG, TEXT, "backend: [", "is not YAML"),
    # Secrets and keys
    Row("secret-recovery", "prod", AWS_SECRET, "recoveryWindowInDays", 0, "is final"),
    Row("kms-rotation", "prod", secrets.KEY, "enableKeyRotation", GONE, "is unset", extra=(KEY,)),
    Row("secret-rotation", "", secrets.ROTATION, "rotationRules|automaticallyAfterDays", 120,
        "rotates every 120 days", extra=(SECRET, ROTATION)),
    Row("secret-rotation", "", secrets.ROTATION, "", GONE, "no rotation",
        unknown="rotationRules", extra=(SECRET, ROTATION)),
    Row("plain-secret", "prod", DEPLOYED, f"{CONTAINER}|env|0",
        {"name": "GITHUB_TOKEN", "value": "x"}, "GITHUB_TOKEN holds a secret"),
    Row("plain-secret", "prod", DEPLOYED, f"{CONTAINER}|env|0",
        {"name": "AWS_SECRET_ACCESS_KEY", "value": "x"}, "AWS_SECRET_ACCESS_KEY holds a secret"),
    Row("secret-files", "", DEPLOYMENT, f"{CONTAINER}|envFrom", [{"secretRef": {"name": "x"}}],
        "variables from a Secret", extra=(PINNED,)),
    Row("plain-secret-in-config", "prod", CONFIG_MAP, "data|GITHUB_TOKEN", "x",
        "data.GITHUB_TOKEN holds"),
    # Storage
    Row("ecr-scan", "dev", REPOSITORY, "imageScanningConfiguration|scanOnPush", False, "is false"),
    Row("ecr-immutable-tags", "dev", REPOSITORY, "imageTagMutability", "MUTABLE", "is MUTABLE"),
    Row("ecr-lifecycle", "dev", ecr.REPOSITORY_LIFECYCLE, "", GONE, "no lifecycle policy",
        unknown="policy"),
    Row("ecr-own-key", "dev", REPOSITORY, "encryptionConfigurations|0|kmsKey", "", "key of AWS's",
        meets="arn:aws:kms:us-east-1:123456789012:key/1"),
    Row("log-retention", "prod", LOG_GROUP, "retentionInDays", 30, "is 30; 365"),
    Row("sns-encrypted", "existing-environment", TOPIC, "kmsMasterKeyId", "alias/aws/sns",
        "alias/"),
    Row("s3-tls-only", "dev", storage.BUCKET_POLICY, "policy", allowing("s3:GetObject"),
        "without TLS"),
    Row("s3-tls-only", "dev", storage.BUCKET_POLICY, "", GONE, "without TLS", unknown="policy"),
    Row("s3-no-public-access", "dev", storage.PUBLIC_ACCESS, "blockPublicPolicy", False,
        "not blocked: blockPublicPolicy"),
    Row("s3-no-acls", "dev", storage.OWNERSHIP, "rule|objectOwnership", "ObjectWriter", "somebody"),
    Row("s3-versioning", "dev", storage.VERSIONING, "versioningConfiguration|status", "Suspended",
        "is lost"),
    Row("s3-lifecycle", "dev", storage.LIFECYCLE, "", GONE, "forever", unknown="rules"),
    Row("s3-access-logs", "", storage.LOGGING, "", GONE, "nothing logs", unknown="targetBucket",
        extra=(PAPERS, LOGGING)),
    # Rights
    Row("iam-no-admin", "dev", TECHDOCS, "policy", allowing("*"), "every action"),
    Row("iam-no-admin", "dev", iam.POLICIES[0], "policy", "{", "is not JSON"),
    Row("iam-no-admin", "dev", TECHDOCS, "policy",
        json.dumps({"Statement": {"Effect": "Allow", "NotAction": "iam:*"}}), "NotAction"),
    Row("iam-no-admin", "dev", ATTACHMENT, "policyArn",
        "arn:aws:iam::aws:policy/AdministratorAccess", "attaches AdministratorAccess"),
    Row("iam-no-wildcard-actions", "dev", TECHDOCS, "policy", allowing("s3:*"), "allows s3:*"),
    Row("iam-kms-decrypt", "dev", TECHDOCS, "policy", allowing("kms:Decrypt"), "every key"),
    Row("iam-read-secrets", "dev", TECHDOCS, "policy", allowing("secretsmanager:GetSecretValue"),
        "every secret"),
    Row("iam-trust", "dev", ROLE, "assumeRolePolicy", trusting({"AWS": "*"}), "any AWS account"),
    Row("iam-trust", "dev", ROLE, "assumeRolePolicy", trusting("*"), "any AWS account"),
    Row("iam-trust", "dev", ROLE, "assumeRolePolicy", trusting({"Federated": "arn:x"}),
        "every identity of the provider"),
    Row("rbac-no-wildcards", "prod", CLUSTER_ROLE, "rules|0", WILDCARD, "* in apiGroups"),
    Row("rbac-no-secrets", "prod", CLUSTER_ROLE, "rules|0", EVERY_SECRET, "list of every Secret"),
    Row("rbac-binding", "prod", CLUSTER_ROLE_BINDING, "subjects|0|name", "system:authenticated",
        "which is everyone"),
    Row("rbac-binding", "", BINDING, "roleRef|name", "cluster-admin", "binds cluster-admin",
        extra=(BOUND,)),
    Row("policy-principals", "dev", storage.BUCKET_POLICY, "policy", allowing("s3:GetObject",
        principal="*"), "admits everyone"),
    Row("policy-principals", "", next(iter(iam.RESOURCE_POLICIES)), "policy",
        allowing("ecr:BatchGetImage", principal={"AWS": "*"}), "admits everyone", extra=(PULLED,)),
    Row("rbac-no-escalation", "prod", CLUSTER_ROLE, "rules|0",
        {"resources": ["pods"], "verbs": ["create"]}, "creates pods"),
    Row("rbac-no-escalation", "prod", CLUSTER_ROLE, "rules|0",
        {"resources": ["serviceaccounts"], "verbs": ["impersonate"]}, "rights of others"),
    Row("pod-service-account", "prod", DEPLOYED, f"{POD}|serviceAccountName", "default",
        "one for all"),
    Row("pod-service-account", "local", f"{STATEFUL_SET}#backstage-postgres-server",
        f"{POD}|serviceAccountName", GONE, "one for all"),
    Row("pod-token", "prod", CLUSTER_ROLE_BINDING, "", GONE, "nothing grants rights",
        unknown="subjects|0|name"),
    # Load balancers
    Row("elb-https", "prod", INGRESS, f"{ALB}listen-ports", '[{"HTTP":80},{"HTTPS":443}]',
        "speaks HTTP"),
    Row("elb-https", "prod", load_balancer.LISTENER, "protocol", "HTTP", "HTTP", extra=(LISTENER,)),
    Row("elb-tls-policy", "prod", INGRESS, f"{ALB}ssl-policy", "ELBSecurityPolicy-2016-08",
        "2016-08"),
    Row("elb-tls-policy", "prod", INGRESS, f"{ALB}ssl-policy", GONE, "so the oldest"),
    Row("elb-tls-policy", "prod", load_balancer.LISTENER, "sslPolicy", GONE, "so the oldest",
        extra=(LISTENER,)),
    Row("elb-drop-headers", "prod", INGRESS, f"{ALB}load-balancer-attributes", "", "smuggled"),
    Row("elb-drop-headers", "prod", load_balancer.LOAD_BALANCER, "dropInvalidHeaderFields", GONE,
        "smuggled", extra=(BALANCER,)),
    Row("elb-desync", "prod", INGRESS, f"{ALB}load-balancer-attributes",
        "routing.http.desync_mitigation_mode=monitor", "smuggled"),
    Row("elb-desync", "prod", load_balancer.LOAD_BALANCER, "desyncMitigationMode", "monitor",
        "smuggled", extra=(BALANCER,)),
    Row("elb-access-logs", "prod", INGRESS, f"{ALB}load-balancer-attributes", "", "nothing logs",
        meets="access_logs.s3.enabled=true"),
    Row("elb-deletion-protection", "prod", INGRESS, f"{ALB}load-balancer-attributes", "",
        "one call",
        meets="deletion_protection.enabled=true"),
    Row("elb-waf", "prod", INGRESS, f"{ALB}wafv2-acl-arn", "", "no web ACL",
        meets="arn:aws:wafv2:x"),
    Row("elb-backend-https", "", load_balancer.TARGET_GROUP, "healthCheck|protocol", "HTTP",
        "readable", meets="HTTPS", extra=(GROUP,)),
    # Pod Security
    Row("pss-host", "prod", DEPLOYED, f"{POD}|hostNetwork", True, "hostNetwork: the pod sees"),
    Row("pss-host", "prod", DEPLOYED, f"{POD}|hostPID", True, "hostPID"),
    Row("pss-privileged", "prod", DEPLOYED, f"{CONTEXT}|privileged", True, "owns the node"),
    Row("pss-host-ports", "prod", DEPLOYED, f"{CONTAINER}|ports|0|hostPort", 80, "NetworkPolicies"),
    Row("pss-probes", "prod", DEPLOYED, f"{CONTAINER}|livenessProbe|httpGet|host", "10.0.0.1",
        "calls another host"),
    Row("pss-volumes", "prod", DEPLOYED, f"{POD}|volumes|0", {"name": "x",
        "hostPath": {"path": "/"}},
        "volumes[0]: hostPath"),
    Row("pss-escalation", "prod", DEPLOYED, f"{CONTEXT}|allowPrivilegeEscalation", GONE,
        "isn't false"),
    Row("pss-non-root", "prod", DEPLOYED, f"{CONTEXT}|runAsNonRoot", False, "isn't true"),
    Row("pss-non-root", "prod", DEPLOYED, f"{POD}|securityContext|runAsUser", 0, "runAsUser: root"),
    Row("pss-seccomp", "prod", DEPLOYED, f"{POD}|securityContext|seccompProfile|type", "Unconfined",
        "is Unconfined"),
    Row("pss-capabilities", "prod", DEPLOYED, f"{CONTEXT}|capabilities|drop", ["NET_RAW"],
        "lacks ALL"),
    Row("pss-capabilities", "prod", DEPLOYED, f"{CONTEXT}|capabilities|add", ["SYS_ADMIN"],
        "SYS_ADMIN"),
    Row("pss-kernel", "prod", DEPLOYED, f"{CONTEXT}|procMount", "Unmasked", "procMount"),
    Row("pss-kernel", "prod", DEPLOYED, f"{POD}|securityContext|sysctls",
        [{"name": "kernel.msgmax"}],
        "sysctls"),
    Row("pss-namespace", "prod", NAMESPACE, "metadata|labels|pod-security.kubernetes.io/enforce",
        "baseline", "is baseline"),
    Row("pod-namespace", "prod", DEPLOYED, "metadata|namespace", "default", "names no namespace"),
    # Pods
    Row("pod-read-only", "prod", DEPLOYED, f"{CONTEXT}|readOnlyRootFilesystem", False,
        "isn't true"),
    Row("pod-resources", "prod", DEPLOYED, f"{CONTAINER}|resources|limits", GONE,
        "no limits.memory"),
    Row("pod-resources", "prod", DEPLOYED, f"{CONTAINER}|resources|requests|cpu", GONE,
        "requests.cpu"),
    Row("pod-probes", "prod", DEPLOYED, f"{CONTAINER}|livenessProbe", GONE, "no livenessProbe"),
    Row("image-version", "prod", DEPLOYED, f"{CONTAINER}|image", "r:5000/backstage", "whatever"),
    Row("image-version", "prod", DEPLOYED, f"{CONTAINER}|image", "backstage:latest", "whatever"),
    Row("image-digest", "", DEPLOYMENT, f"{CONTAINER}|image", "postgres:17", "postgres:17 by tag",
        extra=(PINNED,)),
    Row("pod-disruption-budget", "prod", DISRUPTION_BUDGET, "", GONE, "every pod at once",
        unknown="spec|selector|matchLabels|app"),
    Row("pod-disruption-budget", "prod", DISRUPTION_BUDGET, "spec|maxUnavailable", 0,
        "can't be drained"),
    # Networks
    Row("network-policy", "prod", POLICY, "", GONE, "limits its ingress and egress",
        unknown="spec|podSelector|matchLabels|app"),
    Row("network-policy", "prod", POLICY, "spec|policyTypes", ["Ingress"], "limits its egress"),
    Row("network-metadata", "prod", POLICY, "spec|egress|2",
        {"to": [{"ipBlock": {"cidr": "10/8"}}]},
        "can't read the shape of these inputs (ValueError: '10/8' does not appear to be"),
    Row("network-policy-peers", "prod", POLICY, "spec|egress|0", {}, "no to and no ports"),
    Row("network-policy-peers", "prod", POLICY, "spec|ingress|0|from", [], "names no from"),
    Row("network-metadata", "prod", POLICY, "spec|egress|2", {"to": [ANYWHERE]},
        "169.254.169.254"),
    Row("network-metadata", "prod", POLICY, "spec|egress|2",
        {"to": [{"ipBlock": {"cidr": "::/0"}}]},
        "fd00:ec2::254"),
    Row("security-group-open", "prod", INGRESS_RULE, "cidrIpv4", "0.0.0.0/0",
        "anyone reaches tcp 5432"),
    Row("security-group-open", "prod", network.GROUP, "ingress",
        [{"cidrBlocks": ["0.0.0.0/0"], "protocol": "-1", "fromPort": 0, "toPort": 0}],
        "anyone reaches"),
    Row("service-type", "prod", SERVICE, "spec|type", "NodePort", "type NodePort"),
    # Arithmetic
    Row("drain", "prod", DEPLOYED, f"{POD}|terminationGracePeriodSeconds", 40,
        "SIGKILL after 40 s"),
    Row("drain", "prod", DEPLOYED, f"{CONTAINER}|lifecycle", GONE, "preStop waits 0 s"),
    Row("drain", "prod", DEPLOYED, f"{CONTAINER}|lifecycle|preStop",
        {"exec": {"command": ["sh", "-c", "sleep 5"]}}, "preStop waits 5 s"),
    Row("drain", "prod", INGRESS, f"{ALB}target-group-attributes", "", "waits 300 s"),
    Row("drain", "prod", INGRESS, f"{ALB}target-group-attributes",
        "deregistration_delay.timeout_seconds=60", "that serves for 45 s"),
    Row("drain", "prod", APP_CONFIG, TEXT,
        "backend: {lifecycle: {serverShutdownDelay: {seconds: 0}}}", "serves for 30 s"),
    Row("keep-alive", "prod", INGRESS, f"{ALB}load-balancer-attributes",
        "idle_timeout.timeout_seconds=125", "the load balancer uses them for 125 s"),
    Row("keep-alive", "prod", APP_CONFIG, TEXT, "backend: {server: {keepAliveTimeout: 60s}}",
        "after 60 s"),
    Row("connection-budget", "prod", AUTOSCALER, "spec|maxReplicas", 30,
        "31 pods with 48 connections need 1488; the database accepts 803"),
    Row("connection-budget", "prod", f"{DEPLOYMENT}#backstage-deployment",
        "spec|strategy|rollingUpdate|maxSurge", "200%", "18 pods with 48 connections need 864"),
    Row("connection-budget", "prod", CLUSTER, "serverlessv2ScalingConfiguration|maxCapacity", 1,
        "need 336; the database accepts 169"),
    Row("connection-budget", "local", DEPLOYED, "spec|replicas", 9,
        "need 480; the database accepts 280"),
]
# fmt: on
