"""How kubectl and the Kubernetes provider log in to an EKS cluster."""

from __future__ import annotations

from typing import Any

from pulumi import Input

from settings.keys import AwsSettings


def cli_options(options: AwsSettings) -> list[str]:
    """The AWS CLI's options that make it act as the AWS provider does.

    Of a chain of roles the CLI can assume only the last.
    """
    words = ["--region", options.region]
    if options.profile:
        words += ["--profile", options.profile]
    if options.assume_roles:
        words += ["--role-arn", options.assume_roles[-1].role_arn]
    return words


def kubeconfig(
    name: str, options: AwsSettings, server: Input[str], certificate_authority: Input[str]
) -> dict[str, Any]:
    """A kubeconfig without a secret in it: `aws eks get-token` fetches one at each use.

    server, certificate_authority: of the cluster `name`, the latter in base64.
    """
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [
            {
                "name": name,
                "cluster": {
                    "server": server,
                    "certificate-authority-data": certificate_authority,
                },
            }
        ],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "users": [
            {
                "name": name,
                "user": {
                    "exec": {
                        "apiVersion": "client.authentication.k8s.io/v1beta1",
                        "command": "aws",
                        "args": [
                            *("eks", "get-token", "--cluster-name", name, "--output", "json"),
                            *cli_options(options),
                        ],
                        "interactiveMode": "Never",
                    }
                },
            }
        ],
    }
