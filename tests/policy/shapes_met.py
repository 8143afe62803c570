"""Plans of other programs that a rule must not refuse."""

from __future__ import annotations

import json

from policy.plan import Resource
from tests.policy.broken import resource
from tests.policy.parts import (
    EKS,
    GITHUB,
    RESTRICTED,
    binding,
    bucket,
    config,
    container,
    database,
    deployment,
    env,
    guarded,
    ingress,
    kube,
    listener,
    network_policy,
    of_bucket,
    opening,
    policy,
    rights,
    running,
    statement,
    trusting,
    workload,
)
from tests.policy.shapes_aws import PAPERS, TLS_ONLY, TO_HTTPS, denying, open_to, own_rule
from tests.policy.shapes_kubernetes import (
    ROUTED,
    SERVER,
    SLEEPS,
    behind_alb,
    budget,
    pooled,
    two,
)
from tests.tokens import BINDING, ROLE

ALL = ""
"""Instead of a rule's name: every rule"""
STRONG = "ELBSecurityPolicy-TLS13-1-3-2021-06"
LIMITS = network_policy(
    ingress=[{"from": [{"podSelector": {}}], "ports": [{"port": 80}]}],
    egress=[
        {
            "to": [{"namespaceSelector": {}, "podSelector": {"matchLabels": {"k8s-app": "dns"}}}],
            "ports": [{"port": 53, "protocol": "UDP"}],
        }
    ],
)
HARDENED = {"mutable": False}
BUCKET = (
    bucket(
        policy=statement("Deny", Principal="*", Resource=PAPERS, **TLS_ONLY),
        versioning={"enabled": True},
        lifecycleRules=[{"enabled": True, "noncurrentVersionExpiration": {"days": 30}}],
    ),
    of_bucket("BucketPublicAccessBlock", blockPublicAcls=True, blockPublicPolicy=True,
              ignorePublicAcls=True, restrictPublicBuckets=True),
    of_bucket("BucketOwnershipControls", rule={"objectOwnership": "BucketOwnerEnforced"}),
)  # fmt: skip

# A rule, and a plan that meets it, with nothing unknown.
# fmt: off
MET: list[tuple[str, tuple[Resource, ...]]] = [
    *((ALL, (workload(kind), LIMITS)) for kind in ("CronJob", "Job", "Pod", "PodTemplate",
        "DaemonSet")),
    (ALL, BUCKET),
    (ALL, (two(), LIMITS, budget(maxUnavailable=1))),
    (ALL, (two(replicas=4), LIMITS, budget(minAvailable="50%"))),
    # Pods
    ("pod-token", (workload("Pod", automountServiceAccountToken=None), kube(
        "core/v1:ServiceAccount", automountServiceAccountToken=False))),
    ("pod-token", (deployment(volumes=[{"projected": {"sources": [
        {"serviceAccountToken": {"path": "t", "audience": "sts.amazonaws.com"}}]}}]),)),
    ("pod-token", (workload("Pod", automountServiceAccountToken=True), binding(
        "view", "system:serviceaccounts:shop", scope="Namespace"))),
    ("pod-resources", (deployment(resources={
        "requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "1Gi"}},
        containers=[container(resources={})]),)),
    ("connection-budget", (pooled(), pooled("StatefulSet", 20), SERVER)),
    ("drain", (behind_alb(terminationGracePeriodSeconds=600, containers=[
        container(lifecycle=SLEEPS)]), *ROUTED)),
    ("pss-seccomp", (workload("Pod", securityContext={"seccompProfile": {"type": "Localhost"}}),)),
    ("pss-capabilities", (running(securityContext={**RESTRICTED, "capabilities": {
        "drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}}),)),
    ("image-version", (running(image="r:5000/app@sha256:" + "0" * 64),)),
    ("image-version", (running(image="r/app:deadbeef"),)),
    ("image-version", (running(image="r/app:latest@sha256:" + "0" * 64),)),
    # Secrets and TLS
    *(("plain-secret", (env(name, value),)) for name, value in (
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "/var/run/token"), ("TLS_PRIVATE_KEY", "/etc/tls/tls.key"),
        ("DB_SECRET", "arn:aws:secretsmanager:us-east-1:123456789012:secret:db"),
        ("ALLOW_EMPTY_PASSWORD", "true"), ("DATABASE_URL", "postgres://shop:$(PASSWORD)@db/shop"),
        ("SHOW_PASSWORD", "1"), ("PWD", "/app"), ("SECRET_NAME", "shop"), ("TOKEN_TTL", "60"),
        ("HOST", "https://a.example:80/b@c"),
        ("GOOGLE_APPLICATION_CREDENTIALS", "/etc/key.json"), ("PASSWORD", "$(OTHER)"),
    )),
    ("plain-secret", (running(args=["--password-file=/run/p", "--token", "$(TOKEN)"]),)),
    ("plain-secret", (running(command=["sh", "-c", 'PGPASSWORD="$PASSWORD" psql']),)),
    ("plain-secret-in-config", (config(**{"app-config__yaml":
        "auth: {clientSecret: '${SECRET}', token: {$file: /run/t}}\ntokenTtl: 60\npassword:\n"}),)),
    ("plain-secret", (running(command=["sh", "-c", "TOKEN=`cat /run/t` run --token-ttl=60"]),)),
    *(("plain-secret-in-config", (config(**{name: text}),)) for name, text in (
        ("prometheus__yml", "bearer_token_file: /var/run/token\n# password: the user's\n"),
        ("grafana__ini", "admin_password = $__env{PASSWORD}\nlogin_remember = true"),
        ("argocd__yaml", "clientID: x\nclientSecret: $oidc.clientSecret\nenablePasswordDB: true"),
        ("proxy__cfg", "pass_access_token = true\nclient_secret_file = \"/run/s\""),
        ("README__md", "Set the password: any text"),
        ("values__yaml", "image: {pullSecret: registry}\nauth: {existingSecret: shop}"),
    )),
    ("plain-secret-in-config", (config(main__js="const token = await get()\nlet password = a.b"),)),
    ("plain-secret-in-config", (resource("aws:ssm/parameter:Parameter", "p", {
        "type": "SecureString", "name": "/shop/db/password", "value": "hunter2"}),)),
    ("database-tls", (env("DATABASE_URL", "postgres://db/x?sslmode=verify-full"),)),
    ("database-tls", (env("PGSSLMODE", "verify-ca"),)),
    ("database-tls", (running(env=[{"name": "PGSSLMODE", "valueFrom": {"configMapKeyRef": {}}}]),)),
    ("backstage-database-tls", (config(**{"app-config__yaml":
        "backend: {database: {client: better-sqlite3, connection: {directory: /data}}}"}),)),
    ("backstage-database-tls", (config(**{"app-config__yaml":
        "backend: {database: {client: better-sqlite3, connection: ':memory:'}}"}),)),
    ("backstage-database-tls", (config(**{"app-config__yaml": "backend: {database: {connection: "
        "{host: x, ssl: {ca: {$file: /x}}}, plugin: {catalog: {connection: {database: x}}}}}"}),)),
    ("backstage-database-tls", (config(**{
        "app-config__yaml": "backend: {database: {connection: {ssl: {ca: x}}}}",
        "app-config__stack__yaml": "backend: {database: {connection: {host: x}}}"}),)),
    # Rights
    *((rule, (rights(resources=["secrets"], resourceNames=["own"], verbs=["get"]),)) for rule in (
        "rbac-no-secrets", "rbac-no-escalation", "rbac-no-wildcards")),
    ("rbac-no-wildcards", (rights(nonResourceURLs=["/metrics", "/healthz/*"], verbs=["get"]),)),
    ("rbac-no-escalation", (rights(apiGroups=["apps"], resources=["deployments"], verbs=["list"]),
        )),
    ("rbac-binding", (resource(BINDING, "b", {"roleRef": {"name": "edit"}, "subjects": [
        {"kind": "Group", "name": "team"}]}),)),
    # Networks
    ("network-metadata", (network_policy(egress=[
        {"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}], "ports": [{"port": 443}]}]),)),
    ("network-policy-peers", (network_policy(egress=[
        {"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}], "ports": [{"port": 443}]}]),)),
    ("security-group-open", (opening(cidrIpv4="0.0.0.0/0", ipProtocol="tcp", fromPort=443,
        toPort=443),)),
    ("security-group-open", (own_rule(type="ingress", cidrBlocks=["0.0.0.0/0"], protocol="6",
        fromPort=443, toPort=443),)),
    ("security-group-open", (own_rule(type="egress", cidrBlocks=["0.0.0.0/0"], protocol="-1"),)),
    ("security-group-open", (opening(cidrIpv4="10.0.0.0/8", ipProtocol="-1"),)),
    ("security-group-open", (opening(referencedSecurityGroupId="sg-1", ipProtocol="-1"),)),
    # IAM
    ("iam-trust", (resource(ROLE, "r", {"assumeRolePolicy": statement(
        Principal={"Service": "pods.eks.amazonaws.com"},
        Action=["sts:AssumeRole", "sts:TagSession"])}),)),
    ("iam-trust", (resource(ROLE, "r", {"assumeRolePolicy": statement(Principal={"AWS": "*"},
        Action="sts:AssumeRole", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}})}),)),
    ("iam-trust", (trusting(GITHUB, StringLike={f"{GITHUB}:sub": ["repo:org/app:*",
        "repo:org/*"]}),)),
    ("iam-trust", (trusting("oidc.circleci.com", StringLike={
        "oidc.circleci.com:sub": "org/0a-1b/project/*"}),)),
    ("iam-trust", (trusting(EKS, StringEquals={f"{EKS}:sub": "system:serviceaccount:shop:x"}),)),
    ("iam-trust", (trusting(EKS, StringLike={f"{EKS}:sub": "system:serviceaccount:shop:*"}),)),
    ("iam-trust", (resource(ROLE, "r", {"assumeRolePolicy": statement(
        Principal={"Federated": "arn:aws:iam::123456789012:saml-provider/x"},
        Action="sts:AssumeRoleWithSAML",
        Condition={"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}})}),)),
    ("iam-kms-decrypt", (policy(Action="kms:Decrypt", Resource="arn:aws:kms:a:123456789012:key/1"),
        )),
    ("iam-kms-decrypt", (policy(Action=["kms:Describe*", "kms:List*"]),)),
    ("iam-read-secrets", (policy(Action="secretsmanager:GetSecretValue",
        Resource="arn:aws:secretsmanager:us-east-1:123456789012:secret:backstage-*"),)),
    ("iam-read-secrets", (policy(Action="ssm:GetParameter",
        Resource="arn:aws:ssm:us-east-1:123456789012:parameter/backstage/*"),)),
    ("iam-read-secrets", (policy(Action=["ssm:DescribeParameters", "secretsmanager:List*"]),)),
    ("iam-no-admin", (policy(Action=["s3:Get*", "ec2:Describe*"]),)),
    *(("policy-principals", (guarded("aws:sqs/queue:Queue", document),)) for document in (
        statement("Deny", Principal="*", Action="*", Resource="*"),
        statement(Principal={"Service": "sns.amazonaws.com"}, Action="*", Resource="*"),
        open_to({"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:123456789012:x"}}),
        open_to({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::papers*"}}),
        open_to({"ArnLike": {"aws:SourceArn": "arn:aws:sns:us-east-1:123456789012:*"}}),
        open_to({"StringLike": {"aws:userid": "AROAEXAMPLE:*"}}),
        open_to({"StringEquals": {"AWS:SourceOwner": "123456789012"}}),
        open_to({"StringEquals": {"kms:CallerAccount": "123456789012"}}),
        open_to({"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}),
        open_to({"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-1/*"}}),
    )),
    ("kms-rotation", (resource("aws:kms/key:Key", "k", {"customerMasterKeySpec": "RSA_2048",
        "keyUsage": "SIGN_VERIFY"}),)),
    # Storage
    ("s3-tls-only", denying(Condition={"BoolIfExists": {"aws:SecureTransport": False}})),
    ("s3-tls-only", denying(Principal={"AWS": "*"}, Resource="*")),
    ("s3-tls-only", (bucket(policy=json.dumps({"Statement": [
        {"Effect": "Deny", "Principal": "*", "Resource": arn, **TLS_ONLY} for arn in PAPERS]})),)),
    ("s3-no-public-access", (bucket(), resource(
        "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock", "account",
            {"blockPublicAcls": True,
        "blockPublicPolicy": True, "ignorePublicAcls": True, "restrictPublicBuckets": "true"}))),
    ("s3-versioning", (resource("aws:s3/bucketV2:BucketV2", "b",
        {"versionings": [{"enabled": True}]}),)),
    ("s3-versioning", (resource("aws:s3/bucketV2:BucketV2", "b", {"bucket": "papers"}), resource(
        "aws:s3/bucketVersioningV2:BucketVersioningV2", "v", {
            "bucket": "papers", "versioningConfiguration": {"status": "Enabled"}}))),
    # Databases
    ("rds-admin-name", (database(masterUsername="shop"),)),
    ("rds-multi-az", (database("Cluster", engine="postgres",
        dbClusterInstanceClass="db.m5d.large"),)),
    ("rds-encrypted", (database(storageEncrypted="true"),)),
    ("rds-final-snapshot", (database(skipFinalSnapshot="false"),)),
    ("database-refuses-plain", (database(engineVersion="17.5"),)),
    ("database-refuses-plain", (database(engine="mysql"),)),
    ("database-refuses-plain", (resource("aws:rds/proxy:Proxy", "proxy", {
        "engineFamily": "POSTGRESQL", "requireTls": True}),)),
    ("database-refuses-plain", (resource("aws:rds/proxy:Proxy", "proxy", {
        "engineFamily": "MYSQL"}),)),
    ("database-refuses-plain", (database(parameterGroupName="own"), resource(
        "aws:rds/parameterGroup:ParameterGroup", "own", {"name": "own", "parameters": [
            {"name": "rds.force_ssl", "value": 1}]}))),
    # Load balancers
    ("elb-https", (listener(protocol="HTTP", defaultActions=[TO_HTTPS]),)),
    ("elb-https", (listener(protocol="TCP"),)),
    ("elb-https", (listener(protocol="HTTPS"),)),
    *((rule, (ingress(certificate_arn="arn:x", ssl_policy=STRONG, ssl_redirect="443",
        listen_ports='[{"HTTP": 80}, {"HTTPS": 443}]'),)) for rule in ("elb-https",
            "elb-tls-policy")),
    ("elb-https", (ingress("nginx"),)),
    ("elb-drop-headers", (ingress(load_balancer_attributes="a=b, "
        "routing.http.drop_invalid_header_fields.enabled=true"),)),
]
# What a rule can't tell, and the property that it would have to know.
UNDECIDED: list[tuple[str, str, tuple[Resource, ...]]] = [
    ("rds-admin-name", "masterUsername", (database(snapshotIdentifier="s"),)),
    ("rds-admin-name", "masterUsername", (database(replicateSourceDb="s"),)),
    ("database-refuses-plain", "parameterGroupName", (database(parameterGroupName="company"),)),
    ("database-refuses-plain", "engineVersion", (database(),)),
    ("rbac-no-wildcards", "aggregationRule", (kube("rbac.authorization.k8s.io/v1:ClusterRole",
        aggregationRule={"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}),)),
    ("backstage-database-tls", "rejectUnauthorized", (config(**{"app-config__yaml":
        "backend: {database: {connection: {host: x, ssl: {ca: x, rejectUnauthorized: '${V}'}}}}"}),
            )),
    ("elb-https", "IngressClassParams", (ingress(), kube(
        "networking.k8s.io/v1:IngressClass", metadata={"name": "alb"}, spec={
            "controller": "eks.amazonaws.com/alb", "parameters": {"kind": "IngressClassParams",
                "name": "p"}}))),
]
