"""The SNS topic that alarms notify."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output, ResourceOptions


@dataclass(frozen=True)
class AlarmTopicArgs:
    kms_key_arn: Input[str] | None
    """A customer key whose policy allows CloudWatch; AWS's own key for SNS refuses alarms."""


class AlarmTopic(pulumi.ComponentResource):
    """Creates a topic that the account's alarms may publish to. Subscribers add themselves: email
    needs a confirmation that no program can give.
    """

    arn: Output[str]

    def __init__(
        self, name: str, args: AlarmTopicArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("backstage:monitoring:AlarmTopic", name, None, opts)
        topic = aws.sns.Topic(
            f"{name}-alarms",
            aws.sns.TopicArgs(display_name="Backstage", kms_master_key_id=args.kms_key_arn),
            opts=ResourceOptions(parent=self),
        )
        self.arn = topic.arn
        self.register_outputs({"arn": self.arn})
