"""Types of resources that add nothing to the price."""

from __future__ import annotations

# Beginnings of type tokens. A type that is neither here nor priced is an error.
FREE = (
    # Nothing that AWS bills.
    *("backstage:", "pulumi:", "random:", "docker:"),
    # Free of charge; certificates are public ones.
    *("aws:iam/", "aws:eks/podIdentityAssociation:", "aws:ec2/securityGroup:"),
    *("aws:vpc/securityGroupIngressRule:", "aws:acm/certificate"),
    # Part of what another resource costs.
    *("aws:rds/clusterParameterGroup:", "aws:rds/subnetGroup:", "aws:ecr/lifecyclePolicy:"),
    *("aws:secretsmanager/secretVersion:", "aws:s3/bucketLifecycleConfiguration:"),
    *("aws:s3/bucketOwnershipControls:", "aws:s3/bucketPolicy:", "aws:s3/bucketPublicAccessBlock:"),
    *("aws:s3/bucketServerSideEncryptionConfiguration:", "aws:s3/bucketVersioning:"),
    # Billed by request or notification, which the price leaves out. Records are in a zone that
    # exists, and queries for an alias of a load balancer are free.
    *("aws:route53/record:", "aws:sns/topic:"),
    # The load balancer controller's chart and the Jobs, whose pods the price leaves out.
    *("kubernetes:helm.sh/v3:Release", "kubernetes:batch/v1:Job"),
    # Objects that reserve neither CPU, memory nor storage.
    *("kubernetes:core/v1:ConfigMap", "kubernetes:core/v1:Namespace", "kubernetes:core/v1:Secret"),
    *("kubernetes:core/v1:Service", "kubernetes:autoscaling/", "kubernetes:policy/"),
    *("kubernetes:rbac.authorization.k8s.io/", "kubernetes:networking.k8s.io/v1:NetworkPolicy"),
    *("kubernetes:networking.k8s.io/v1:IngressClass", "kubernetes:eks.amazonaws.com/"),
    *("kubernetes:monitoring.coreos.com/", "kubernetes:external-secrets.io/"),
    "kubernetes:secrets-store.csi.x-k8s.io/",
)
