"""What the providers do with the inputs of the types in use, as far as the doubles follow it."""

from __future__ import annotations

from tools.diff.comparison.replacements import table

# The input with the physical name. The provider generates it where the program sets none; AWS
# refuses a second resource of the same name.
PHYSICAL_NAME = {type_: row.name for type_, row in table().items() if row.name}

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
