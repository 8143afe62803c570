"""What the providers do with the inputs of the types in use, as far as the doubles follow it."""

from __future__ import annotations

# Inputs whose change replaces the resource, by type; "*" means every input. For AWS: what
# Terraform's provider 5.100 plans for each input that the program sets; it updates all others in
# place, and `make test-aws` compares. A new name or namespace replaces every Kubernetes object.
# fmt: off
REPLACED_BY = {
    "random:index/randomPassword:RandomPassword": "*",
    "random:index/randomId:RandomId": "*",
    "aws:acm/certificate:Certificate": "domainName validationMethod",
    "aws:acm/certificateValidation:CertificateValidation": "*",
    "aws:cloudwatch/dashboard:Dashboard": "dashboardName",
    "aws:cloudwatch/logGroup:LogGroup": "name",
    "aws:cloudwatch/metricAlarm:MetricAlarm": "name",
    "aws:ec2/securityGroup:SecurityGroup": "description name vpcId",
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": "*",
    "aws:ecr/repository:Repository": "encryptionConfigurations name",
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": "clusterName namespace serviceAccount",
    "aws:iam/policy:Policy": "description name",
    "aws:iam/role:Role": "name",
    "aws:iam/rolePolicy:RolePolicy": "name role",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": "*",
    "aws:rds/cluster:Cluster": "clusterIdentifier databaseName dbSubnetGroupName engine engineMode "
    "kmsKeyId masterUsername snapshotIdentifier storageEncrypted",
    "aws:rds/clusterInstance:ClusterInstance": "clusterIdentifier dbSubnetGroupName engine "
    "identifier",
    "aws:rds/clusterParameterGroup:ClusterParameterGroup": "description family name",
    "aws:rds/subnetGroup:SubnetGroup": "name",
    "aws:route53/record:Record": "name zoneId",
    "aws:s3/bucket:Bucket": "bucket",
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": "bucket",
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": "bucket",
    "aws:s3/bucketPolicy:BucketPolicy": "bucket",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": "bucket",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration":
        "bucket",
    "aws:s3/bucketVersioning:BucketVersioning": "bucket",
    "aws:secretsmanager/secret:Secret": "name",
    "aws:secretsmanager/secretVersion:SecretVersion": "secretId secretString",
    "aws:sns/topic:Topic": "name",
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": "securityGroupId",
    "kubernetes:batch/v1:Job": "spec",
    "kubernetes:core/v1:ConfigMap": "data",
    "kubernetes:core/v1:Secret": "stringData type",
    "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding": "roleRef",
    "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding": "roleRef",
}
# fmt: on

# The input with the physical name. The provider generates it where the program sets none; AWS
# refuses a second resource of the same name.
PHYSICAL_NAME = {
    "aws:cloudwatch/logGroup:LogGroup": "name",
    "aws:ec2/securityGroup:SecurityGroup": "name",
    "aws:ecr/repository:Repository": "name",
    "aws:iam/policy:Policy": "name",
    "aws:iam/role:Role": "name",
    "aws:iam/rolePolicy:RolePolicy": "name",
    "aws:rds/cluster:Cluster": "clusterIdentifier",
    "aws:rds/clusterInstance:ClusterInstance": "identifier",
    "aws:rds/clusterParameterGroup:ClusterParameterGroup": "name",
    "aws:rds/subnetGroup:SubnetGroup": "name",
    "aws:s3/bucket:Bucket": "bucket",
    "aws:secretsmanager/secret:Secret": "name",
    "aws:sns/topic:Topic": "name",
}

# Types that take tags, among them those of the provider's default_tags.
TAGGED = {
    *PHYSICAL_NAME,
    "aws:acm/certificate:Certificate",
    "aws:cloudwatch/metricAlarm:MetricAlarm",
    "aws:eks/podIdentityAssociation:PodIdentityAssociation",
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
} - {"aws:iam/rolePolicy:RolePolicy"}

# Inputs that no two resources have in common, besides a physical name.
DISTINCT = {
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": "clusterName namespace serviceAccount",
    "aws:route53/record:Record": "zoneId name type",
}
