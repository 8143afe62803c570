"""What breaks a rule between keys: changes to a valid stack, the key, parts of the message."""

from __future__ import annotations

from tests.settings import database_table, integration_table, secrets_table, sign_in_table
from tests.settings.key_table import BOUNDARY, DIGEST, KEY, WAF
from tests.settings.row import Row
from tests.settings.stack import CANARY, CLIENT, LOCAL, OIDC, WITH_COGNITO, WITH_OIDC

RULES: dict[str, Row] = {
    "no host": (
        {"host": None},
        "host",
        (
            "given:   nothing",
            "config set --stack test host",
        ),
    ),
    "no cluster": (
        {"clusterName": None},
        "clusterName",
        (
            "nothing",
            "existing EKS cluster",
        ),
    ),
    "no region": ({"aws:region": None}, "aws:region", ("the cluster's AWS region",)),
    "host without a class on local": (
        {**LOCAL, "host": "portal.example.com"},
        "host",
        (
            "portal.example.com, without ingressClassName",
            "http://localhost with a forwarded port",
            "config rm --stack test host\n    or:      pulumi config ",
            "ingressClassName traefik",
        ),
    ),
    "misspelt key": (
        {"databseInstances": 2},
        "databseInstances",
        ("did you mean databaseInstances?",),
    ),
    "key in lower case": (
        {"imagedigest": DIGEST},
        "imagedigest",
        (
            "did you mean imageDigest?",
            "config rm",
        ),
    ),
    "key like no other": (
        {"zzz": 1},
        "zzz",
        (
            "an unknown key",
            "configuration table",
        ),
    ),
    "misspelt aws key": ({"aws:regoin": "x"}, "aws:regoin", ("did you mean aws:region?",)),
    "credentials": ({"aws:accessKey": CANARY}, "aws:accessKey", ("the environment",)),
    "no image at all on local": (
        {**LOCAL, "imageRepository": None},
        "imageRepository",
        (
            "no appPath",
            "or appPath",
        ),
    ),
    "no image at all": (
        {"imageRepository": None},
        "imageRepository",
        (
            "no appPath",
            "or appPath",
        ),
    ),
    "no tag": ({"imageTag": None}, "imageTag", ("or imageDigest",)),
    "no tag to build": (
        {"imageTag": None, "appPath": "portal"},
        "imageTag",
        ("the image is built from",),
    ),
    "digest and build": (
        {"imageDigest": DIGEST, "appPath": "portal"},
        "imageDigest",
        (
            "one of both",
            "appPath",
        ),
    ),
    "unknown build": (
        {"appPath": "portal", "imageBuild": "kaniko"},
        "imageBuild",
        ("multi-stage or host",),
    ),
    "unknown target of the build": (
        {"appPath": "portal", "imageTarget": "all"},
        "imageTarget",
        ("portal or techdocs",),
    ),
    "base with a blank": (
        {"appPath": "portal", "imageBase": "node 24"},
        "imageBase",
        ("an image reference",),
    ),
    "source with credentials": (
        {"appPath": "portal", "imageSource": "https://me:pw@example.com/x"},
        "imageSource",
        ("without credentials",),
    ),
    "variable twice": (
        {"env": {"TOKEN": "x"}, "secretEnv": {"TOKEN": "y"}},
        "env",
        ("secretEnv sets too",),
    ),
    "no certificate at a zone's apex": (
        {"host": "example.com", "certificateArn": None},
        "certificateArn",
        ("ZoneName example.com",),
    ),
    "secretEnv in another case": (
        {"secretenv": {"A": CANARY}},
        "secretenv",
        ("--path --secret secretEnv.NAME\n",),
    ),
    "maximum below replicas": (
        {"replicas": 3, "maxReplicas": 2},
        "maxReplicas",
        ("at least replicas, 3",),
    ),
    "limit below request": (
        {"memoryRequest": "2Gi"},
        "memoryLimit",
        ("at least memoryRequest, 2Gi",),
    ),
    "networks of a policy that is off": (
        {"egressCidrs": ["10.0.0.0/8"], "networkPolicy": False},
        "egressCidrs",
        ("unset, or networkPolicy true",),
    ),
    "Internet without networks": (
        {"ingressScheme": "internet-facing"},
        "ingressInboundCidrs",
        ("even if it is 0.0.0.0/0",),
    ),
    "no certificate": (
        {"certificateArn": None},
        "certificateArn",
        (
            "given:   nothing\n    allowed: an ACM certificate for portal.example.com; or hosted",
            "hostedZoneName example.com",
            "allowHttp",
        ),
    ),
    "certificate of another region": (
        {"aws:region": "eu-west-1"},
        "certificateArn",
        ("region, eu-west-1", "set --stack test certificateArn ARN\nNothing"),
    ),
    "certificate of another region besides a zone": (
        {"aws:region": "eu-west-1", "hostedZoneName": "example.com"},
        "certificateArn",
        ("or:      pulumi config rm --stack test certificateArn\n",),
    ),
    "boundary of another account": (
        {"permissionsBoundaryArn": BOUNDARY, "aws:allowedAccountIds": ["210987654321"]},
        "permissionsBoundaryArn",
        (
            "the stack's account, 210987654321",
            "permissionsBoundaryArn ARN",
        ),
    ),
    "key of another region": (
        {"aws:region": "eu-west-1", "certificateArn": None, "allowHttp": True, "kmsKeyArn": KEY},
        "kmsKeyArn",
        ("the stack's region, eu-west-1",),
    ),
    "HTTP besides a zone": (
        {"allowHttp": True, "certificateArn": None, "hostedZoneName": "example.com"},
        "allowHttp",
        ("true, with hostedZoneName",),
    ),
    "zone of another domain": (
        {"hostedZoneName": "example.org"},
        "host",
        ("ends in .example.org",),
    ),
    "zone that only looks alike": (
        {"host": "portalexample.com", "hostedZoneName": "example.com"},
        "host",
        ("ends in",),
    ),
    "install besides auto-mode": (
        {"loadBalancerController": "auto-mode", "installLoadBalancerController": True},
        "installLoadBalancerController",
        ("pod-identity or irsa",),
    ),
    "auto-mode with WAF": (
        {"loadBalancerController": "auto-mode", "wafAclArn": WAF},
        "wafAclArn",
        ("doesn't know it",),
    ),
    "auto-mode with group": (
        {"loadBalancerController": "auto-mode", "ingressGroup": "g"},
        "ingressGroup",
        ("unset",),
    ),
    "host longer than ACM takes": (
        {
            "host": f"{'a' * 60}.example.com",
            "certificateArn": None,
            "hostedZoneName": "example.com",
        },
        "host",
        ("at most 64 characters", "host backstage.example.com"),
    ),
    "too little memory": (
        {"memoryLimit": "128Mi", "memoryRequest": "64Mi"},
        "memoryLimit",
        ("at least 256Mi",),
    ),
    "the metrics' port": ({"port": 9464, "metrics": True}, "port", ("port 7007",)),
    "identity provider without sign-in": (
        {**WITH_OIDC, "ingressAuthentication": None},
        "ingressAuthentication",
        (
            "nothing, but ingressOidc, ingressClient are set\n",
            "ingressAuthentication oidc\n    or:      pulumi config ",
        ),
    ),
    "parts of sign-in": (
        {"ingressClient": CLIENT, "ingressSessionTimeout": 3600, "ingressTokenPaths": []},
        "ingressAuthentication",
        ("but ingressClient, ingressSessionTimeout, ingressTokenPaths are set\n",),
    ),
    "sign-in without an identity provider": (
        {"ingressAuthentication": "oidc", "ingressClient": CLIENT},
        "ingressOidc",
        ("nothing, with ingressAuthentication oidc",),
    ),
    "Cognito without a user pool": (
        {"ingressAuthentication": "cognito"},
        "ingressCognito",
        ("nothing, with ingressAuthentication cognito",),
    ),
    "OpenID Connect besides Cognito": (
        {**WITH_COGNITO, "ingressOidc": OIDC},
        "ingressOidc",
        ("given:   set, with ingressAuthentication cognito", "config rm --stack test ingressOidc"),
    ),
    "sign-in without a client": (
        {**WITH_OIDC, "ingressClient": None},
        "ingressClient",
        ("no clientID, no clientSecret", "--path --secret ingressClient.clientID && "),
    ),
    "an empty client secret": (
        {**WITH_OIDC, "ingressClient": {"clientID": CANARY, "clientSecret": " "}},
        "ingressClient",
        ("given:   no clientSecret\n", "--secret ingressClient.clientSecret\n"),
    ),
    "a client with another name": (
        {**WITH_OIDC, "ingressClient": {**CLIENT, "clientId": CANARY}},
        "ingressClient",
        ("given:   clientId\n", "config rm --stack test --path 'ingressClient.clientId'"),
    ),
    "sign-in over HTTP": (
        {**WITH_OIDC, "allowHttp": True, "certificateArn": None},
        "allowHttp",
        ("over HTTPS only", "hostedZoneName example.com"),
    ),
    "Cognito with Auto Mode": (
        {**WITH_COGNITO, "loadBalancerController": "auto-mode"},
        "ingressAuthentication",
        ("amazonaws.com/us-east-1_AbCdEf123", "example-staff.auth.us-east-1.amazoncognito.com"),
    ),
    "a user pool of another region": (
        {
            **WITH_COGNITO,
            "aws:region": "eu-west-1",
            "certificateArn": None,
            "hostedZoneName": "example.com",
        },
        "ingressCognito",
        ("in the load balancer's region, eu-west-1",),
    ),
    "namespaces without the plugin": (
        {"kubernetesPlugin": False, "kubernetesNamespaces": ["shop"]},
        "kubernetesNamespaces",
        ("shop", "kubernetesPlugin false", "config rm"),
    ),
    "MCP configured but off": (
        {"env": {"APP_CONFIG_mcpActions_name": "x"}},
        "mcp",
        ("mcpActions", "config set --stack test mcp true"),
    ),
    "Prometheus without metrics": (
        {"monitoring": "prometheus-operator", "metrics": False},
        "metrics",
        ("false, with monitoring prometheus-operator", "config rm --stack test metrics"),
    ),
    **database_table.RULES,
    **integration_table.RULES,
    **secrets_table.RULES,
    **sign_in_table.RULES,
}
