"""Resources of AWS that break a rule in a shape that its first row doesn't have."""

from __future__ import annotations

import json

from policy.plan import Resource
from tests.policy.broken import resource
from tests.policy.parts import (
    EKS,
    GITHUB,
    bucket,
    database,
    guarded,
    ingress,
    kube,
    listener,
    of_bucket,
    opening,
    policy,
    statement,
    trusting,
)
from tests.policy.shapes_kubernetes import Shape
from tests.tokens import ROLE

OPEN = statement(Principal="*", Action="sns:Publish", Resource="*")
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
WITHOUT_TLS = {"Bool": {"aws:SecureTransport": "false"}}
TLS_ONLY = {"Condition": WITHOUT_TLS, "Action": "s3:*"}
PAPERS = ["arn:aws:s3:::papers", "arn:aws:s3:::papers/*"]
TO_HTTPS = {"type": "redirect", "redirect": {"protocol": "HTTPS", "statusCode": "HTTP_301"}}
OLD = "ELBSecurityPolicy-TLS-1-0-2015-04"


def inline(**entry: object) -> Resource:
    """A security group with a rule in it."""
    return resource("aws:ec2/securityGroup:SecurityGroup", "group", {"ingress": [entry]})


def own_rule(**inputs: object) -> Resource:
    return resource("aws:ec2/securityGroupRule:SecurityGroupRule", "rule", inputs)


def open_to(condition: object) -> str:
    return statement(Principal={"AWS": "*"}, Action="*", Resource="*", Condition=condition)


def denying(**elements: object) -> tuple[Resource, Resource]:
    """A bucket, and a policy of it that should deny requests without TLS."""
    given = {"Principal": "*", "Resource": PAPERS, **TLS_ONLY, **elements}
    return bucket(), of_bucket("BucketPolicy", policy=statement("Deny", **given))


def managed(type_: str, at: str, value: object) -> Resource:
    return resource(f"aws:{type_}", "attached", {at: value})


def alb(package: str, kind: str, **inputs: object) -> Resource:
    return resource(f"aws:{package}/{kind[:1].lower()}{kind[1:]}:{kind}", "alb", inputs)


# fmt: off
AWS: list[Shape] = [
    # Security groups
    ("security-group-open", "tcp 22-22", (opening(
        cidrIpv6="::/0", ipProtocol="tcp", fromPort=22, toPort=22),)),
    ("security-group-open", "every protocol", (opening(cidrIpv4="0.0.0.0/0", ipProtocol="-1"),)),
    ("security-group-open", "tcp 0-65535", (inline(
        cidrBlocks=["10.0.0.0/8", "0.0.0.0/0"], protocol="tcp", fromPort=0, toPort=65535),)),
    ("security-group-open", "tcp 80-443", (inline(
        ipv6CidrBlocks=["::/0"], protocol="tcp", fromPort=80, toPort=443),)),
    ("security-group-open", "udp 443", (own_rule(
        type="ingress", cidrBlocks=["0.0.0.0/0"], protocol="udp", fromPort=443, toPort=443),)),
    ("security-group-open", "tcp 22", (own_rule(
        type="ingress", ipv6CidrBlocks=["0::/0"], protocol="6", fromPort=22, toPort=22),)),
    ("security-group-open", "tcp 22", (opening(
        cidrIpv4="0.0.0.0/1", ipProtocol="tcp", fromPort=22, toPort=22),)),
    ("security-group-open", "tcp 22", (opening(
        cidrIpv6="2000::/3", ipProtocol="tcp", fromPort=22, toPort=22),)),
    ("security-group-open", "every protocol", (resource(
        "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", "default",
        {"ingress": [{"cidrBlocks": ["0.0.0.0/0"], "protocol": "-1"}]}),)),
    # Databases
    ("rds-private", "is true", (database(publiclyAccessible="true"),)),
    ("rds-private", "is true", (database("ClusterInstance", publiclyAccessible=True),)),
    ("rds-minor-upgrades", "is false", (database(autoMinorVersionUpgrade="false"),)),
    ("database-refuses-plain", "in the clear", (database("Cluster"),)),
    ("database-refuses-plain", "in the clear", (database("Cluster", engine="postgres"),)),
    ("database-refuses-plain", "in the clear", (database(engineVersion="14.9"),)),
    ("database-refuses-plain", "in the clear", (database(parameterGroupName="own",
        engineVersion=17),
        resource("aws:rds/parameterGroup:ParameterGroup", "own", {"name": "own", "parameters": [
            {"name": "rds.force_ssl", "value": "0"}]}))),
    ("database-refuses-plain", "requireTls", (resource("aws:rds/proxy:Proxy", "proxy", {
        "engineFamily": "POSTGRESQL"}),)),
    # IAM
    ("iam-no-admin", "every action", (policy(Action="*"),)),
    ("iam-no-admin", "every action", (policy(Action=["s3:GetObject", "*:*"]),)),
    ("iam-no-admin", "every action", (resource(ROLE, "r", {
        "inlinePolicies": [{"name": "x", "policy": statement(Action="*", Resource="*")}]}),)),
    ("iam-no-admin", "every action", (managed("ssoadmin/permissionSetInlinePolicy:"
        "PermissionSetInlinePolicy", "inlinePolicy", statement(Action="*", Resource="*")),)),
    ("iam-no-admin", "NotAction", (resource("aws:iam/userPolicy:UserPolicy", "u", {
        "policy": statement(NotAction=["iam:*"], Resource="*")}),)),
    ("iam-no-admin", "attaches", (resource(ROLE, "r", {"managedPolicyArns": [ADMIN]}),)),
    ("iam-no-admin", "attaches", (managed(
        "iam/policyAttachment:PolicyAttachment", "policyArn", ADMIN),)),
    ("iam-no-admin", "attaches", (managed(
        "iam/groupPolicyAttachment:GroupPolicyAttachment", "policyArn", ADMIN),)),
    ("iam-no-admin", "attaches", (managed("iam/rolePolicyAttachmentsExclusive:"
        "RolePolicyAttachmentsExclusive", "policyArns", [ADMIN]),)),
    ("iam-no-admin", "attaches", (managed(
        "ssoadmin/managedPolicyAttachment:ManagedPolicyAttachment", "managedPolicyArn", ADMIN),)),
    ("iam-no-admin", "PowerUserAccess", (managed("iam/userPolicyAttachment:UserPolicyAttachment",
        "policyArn", "arn:aws-cn:iam::aws:policy/PowerUserAccess"),)),
    ("iam-no-wildcard-actions", "iam:*", (policy(Action="iam:*"),)),
    ("iam-no-wildcard-actions", "s3:**", (policy(Action=["s3:**"]),)),
    ("iam-no-wildcard-actions", "s3:*", (resource(ROLE, "r", {
        "inlinePolicies": [{"policy": statement(Action="s3:*", Resource="*")}]}),)),
    ("iam-kms-decrypt", "every key", (policy(Action="KMS:Decr*"),)),
    ("iam-kms-decrypt", "every key", (policy(Action="kms:De*", Resource="arn:aws:kms:*:*:*"),)),
    ("iam-kms-decrypt", "every key", (policy(
        Action="kms:Decrypt", Resource=["arn:aws:kms:us-east-1:123456789012:key/*"]),)),
    ("iam-kms-decrypt", "every key", (policy(Action="kms:Decrypt", NotResource="arn:x",
        Resource=[]),)),
    ("iam-read-secrets", "every secret", (policy(Action="secretsmanager:Get*", Resource="*"),)),
    ("iam-read-secrets", "every secret", (policy(Action="secretsmanager:GetSecretValue",
        Resource="arn:aws:secretsmanager:us-east-1:123456789012:secret:*"),)),
    ("iam-read-secrets", "every secret", (policy(Action=["s3:GetObject", "ssm:GetParameter"],
        Resource=["arn:aws:s3:::x/*", "arn:aws:ssm:*:123456789012:parameter/*"]),)),
    ("iam-trust", "any AWS account", (resource(ROLE, "r", {"assumeRolePolicy": statement(
        NotPrincipal={"AWS": "arn:aws:iam::123456789012:root"}, Action="sts:AssumeRole")}),)),
    ("iam-trust", "any AWS account", (resource(ROLE, "r", {"assumeRolePolicy": statement(
        Principal={"AWS": ["*"]}, Action="sts:AssumeRole",
        Condition={"StringEquals": {"sts:ExternalId": "x"}})}),)),
    ("iam-trust", "any AWS account", (resource(ROLE, "r", {"assumeRolePolicy": statement(
        Principal={"Service": "ec2.amazonaws.com", "AWS": ["arn:aws:iam::123456789012:root", "*"]},
        Action="sts:*")}),)),
    ("iam-trust", "every identity", (trusting(GITHUB, StringEquals={f"{GITHUB}:aud": "x"}),)),
    ("iam-trust", "every identity", (trusting(GITHUB, StringLike={f"{GITHUB}:sub": "repo:*"}),)),
    ("iam-trust", "every identity", (trusting(GITHUB, StringLike={f"{GITHUB}:sub": "repo:o*"}),)),
    ("iam-trust", "every identity", (trusting(GITHUB, StringLike={
        f"{GITHUB}:sub": ["repo:org/app:*", "*"]}),)),
    ("iam-trust", "every identity", (trusting(GITHUB, StringNotEquals={f"{GITHUB}:sub": "x"}),)),
    ("iam-trust", "every identity", (trusting(GITHUB, **{
        "ForAllValues:StringEquals": {f"{GITHUB}:sub": "repo:org/app:ref:x"}}),)),
    ("iam-trust", "every identity", (trusting(EKS,
        StringEquals={f"{EKS}:aud": "sts.amazonaws.com"}),)),
    ("iam-trust", "every identity", (trusting(EKS, StringLike={
        f"{EKS}:sub": "system:serviceaccount:*:backstage"}),)),
    # Policies of resources
    *(("policy-principals", "admits everyone", (guarded(f"aws:{token}", OPEN, at),)) for token,
        at in (
        ("backup/vaultPolicy:VaultPolicy", "policy"), ("cloudwatch/eventBusPolicy:EventBusPolicy",
            "policy"),
        ("cloudwatch/logResourcePolicy:LogResourcePolicy", "policyDocument"),
        ("dynamodb/resourcePolicy:ResourcePolicy", "policy"),
        ("ecr/registryPolicy:RegistryPolicy", "policy"), ("efs/fileSystemPolicy:FileSystemPolicy",
            "policy"),
        ("kms/keyPolicy:KeyPolicy", "policy"), ("kms/externalKey:ExternalKey", "policy"),
        ("opensearch/domainPolicy:DomainPolicy", "accessPolicies"),
        ("s3/accessPoint:AccessPoint", "policy"), ("s3/bucket:Bucket", "policy"),
        ("kms/replicaKey:ReplicaKey", "policy"),
        ("s3control/accessPointPolicy:AccessPointPolicy", "policy"),
        ("s3/bucketV2:BucketV2", "policy"), ("secretsmanager/secret:Secret", "policy"),
        ("secretsmanager/secretPolicy:SecretPolicy", "policy"), ("sns/topic:Topic", "policy"),
        ("sqs/queue:Queue", "policy"), ("sqs/queuePolicy:QueuePolicy", "policy"),
    )),
    *(("policy-principals", "admits everyone", (guarded("aws:sns/topicPolicy:TopicPolicy",
        document),))
        for document in (
            statement(NotPrincipal={"AWS": "arn:x"}, Action="*", Resource="*"),
            open_to({"Bool": {"aws:SecureTransport": "true"}}),
            open_to({"IpAddress": {"aws:SourceIp": ["0.0.0.0/0"]}}),
            open_to({"StringLike": {"aws:PrincipalArn": "*"}}),
            open_to({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/admin"}}),
            open_to({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::*"}}),
            open_to({"ArnLike": {"aws:SourceArn": "arn:aws:*"}}),
            open_to({"ArnLike": {"aws:SourceArn": "arn:aws:sns:us-east-1:12345*:x"}}),
            open_to({"StringLike": {"aws:PrincipalOrgID": "o-*"}}),
            open_to({"StringEquals": {"aws:SourceAccount": ["123456789012", "*"]}}),
            open_to({"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}),
            open_to({"StringEqualsIfExists": {"aws:SourceAccount": "123456789012"}}),
            open_to({"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}),
            json.dumps({"Statement": [{"Effect": "Deny", "Principal": "*"},
                json.loads(OPEN)["Statement"]]}),
        )),
    # Buckets
    ("s3-tls-only", "without TLS", denying(Principal={"AWS": "arn:aws:iam::123456789012:user/x"})),
    ("s3-tls-only", "without TLS", denying(Resource="arn:aws:s3:::papers")),
    ("s3-tls-only", "without TLS", denying(Resource="arn:aws:s3:::papers/private/*")),
    ("s3-tls-only", "without TLS", denying(Resource=[PAPERS[0], "arn:aws:s3:::papers/private*"])),
    ("s3-tls-only", "without TLS", denying(Action="s3:PutObject")),
    ("s3-tls-only", "without TLS", denying(Condition={
        **WITHOUT_TLS, "StringEquals": {"aws:PrincipalAccount": "123456789012"}})),
    ("s3-tls-only", "without TLS", (resource("aws:s3/bucketV2:BucketV2", "old", {}),)),
    ("s3-no-public-access", "not blocked", (bucket(acl="public-read"),)),
    ("s3-lifecycle", "forever", (bucket(), of_bucket("BucketLifecycleConfiguration", rules=[
        {"id": "x", "status": "Disabled", "noncurrentVersionExpiration": {"noncurrentDays": 1}}]))),
    ("s3-lifecycle", "forever", (bucket(), of_bucket("BucketLifecycleConfiguration", rules=[
        {"id": "x", "status": "Enabled", "transitions": []}]))),
    ("s3-versioning", "is lost", (bucket(versioning={"enabled": False}),)),
    ("ecr-immutable-tags", "push can change", (resource("aws:ecr/repository:Repository", "r", {
        "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
        "imageTagMutabilityExclusionFilters": [{"filter": "*", "filterType": "WILDCARD"}]}),)),
    # Load balancers
    ("elb-https", "speaks HTTP", (listener(port=80),)),
    ("elb-https", "speaks HTTP", (alb("alb", "Listener", protocol="HTTP"),)),
    ("elb-https", "speaks HTTP", (alb("elasticloadbalancingv2", "Listener", protocol="HTTP"),)),
    ("elb-https", "speaks HTTP", (listener(protocol="HTTP", defaultActions=[
        {"type": "redirect", "redirect": {"protocol": "#{protocol}", "statusCode": "HTTP_301"}}]),
            )),
    ("elb-https", "speaks HTTP", (listener(protocol="HTTP", arn="l", defaultActions=[TO_HTTPS]),
        resource("aws:lb/listenerRule:ListenerRule", "r", {
            "listenerArn": "l", "actions": [{"type": "forward"}]}))),
    ("elb-https", "speaks HTTP", (ingress(),)),
    ("elb-https", "speaks HTTP", (ingress("", scheme="internal"),)),
    ("elb-https", "speaks HTTP", (ingress(""), kube("networking.k8s.io/v1:IngressClass", metadata={
        "annotations": {"ingressclass.kubernetes.io/is-default-class": "true"}},
        spec={"controller": "eks.amazonaws.com/alb"}))),
    ("elb-https", "speaks HTTP", (ingress(listen_ports='[{"HTTP": 80}, {"HTTPS": 443}]'),)),
    ("elb-tls-policy", "so the oldest", (ingress(certificate_arn="arn:x"),)),
    ("elb-tls-policy", OLD, (listener(protocol="TLS", sslPolicy=OLD),)),
    ("elb-tls-policy", OLD, (ingress(certificate_arn="arn:x",
        ssl_policy="ELBSecurityPolicy-TLS13-1-3-2021-06"), kube(
        "networking.k8s.io/v1:IngressClass", metadata={"name": "alb"}, spec={
            "controller": "ingress.k8s.aws/alb", "parameters": {"kind": "IngressClassParams",
                "name": "p"}}),
        kube("elbv2.k8s.aws/v1beta1:IngressClassParams", metadata={"name": "p"},
            spec={"sslPolicy": OLD}))),
    ("elb-drop-headers", "smuggled", (alb("alb", "LoadBalancer"),)),
    ("elb-drop-headers", "smuggled", (ingress(),)),
    # Secrets
    ("secret-recovery", "is final", (resource("aws:secretsmanager/secret:Secret", "s", {
        "recoveryWindowInDays": "0"}),)),
    ("kms-rotation", "is false", (resource("aws:kms/key:Key", "k", {"enableKeyRotation": "false"}),
        )),
    ("log-retention", "is 7", (resource("aws:cloudwatch/logGroup:LogGroup", "l", {
        "retentionInDays": "7"}),)),
    ("plain-secret-in-config", "DB_PASSWORD", (resource("aws:lambda/function:Function", "f", {
        "environment": {"variables": {"DB_PASSWORD": "hunter2"}}}),)),
    ("plain-secret-in-config", "value holds", (resource("aws:ssm/parameter:Parameter", "p", {
        "type": "String", "name": "/shop/db/password", "value": "hunter2"}),)),
    ("database-tls", "DATABASE_URL", (resource("aws:lambda/function:Function", "f", {
        "environment": {"variables": {"DATABASE_URL": "postgres://db/x?sslmode=prefer"}}}),)),
]
