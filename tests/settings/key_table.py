"""One row a key: a value that is accepted, and values that are refused."""

from __future__ import annotations

from tests.settings import database_table, integration_table, secrets_table, sign_in_table
from tests.settings.row import Key
from tests.settings.stack import VALID

DIGEST = "sha256:" + "ab" * 32
ROLE = "arn:aws:iam::123456789012:role/deploy"
BOUNDARY = "arn:aws:iam::123456789012:policy/teams/portal"
KEY = "arn:aws:kms:us-east-1:123456789012:key/mrk-1b2c3d4e5f60718293a4b5c6d7e8f901"
WAF = "arn:aws:wafv2:us-east-1:123456789012:regional/webacl/portal/0a1b"

KEYS: dict[str, Key] = {
    "target": Key("eks", bad=(("gke", "eks or local"),)),
    "host": Key(
        VALID["host"],
        bad=(
            ("https://a.b", "without scheme", "https://a.b"),
            ("Portal.example.com", "lower-case DNS name"),
            ("a.example.com:443", "port or path"),
            ("a.example.com/x", "port or path"),
            ("portal", "DNS name"),
            ("", "an empty value"),
            ("a" * 64 + ".example.com", "DNS name"),
            ("\ud800", "lower-case DNS name"),
        ),
    ),
    "port": Key(
        8080,
        bad=(
            (80, "from 1024 to 65535"),
            (70000, "from 1024 to 65535"),
            ("http", "a whole number"),
            (9464, "serves the metrics"),
        ),
    ),
    "namespace": Key(
        "portal",
        bad=(
            ("default", "of the portal's own"),
            ("kube-portal", "of the portal's own"),
            ("a_b", "RFC 1123 label"),
            ("a" * 64, "at most 63"),
        ),
    ),
    "createNamespace": Key(False, bad=(("no", "true or false"),)),
    "clusterName": Key(
        VALID["clusterName"], bad=(("a b", "at most 100"), ("a" * 101, "...", "at most 100"))
    ),
    "kubeContext": Key(
        "arn:aws:eks:eu-west-1:1:cluster/kind a",
        bad=((" ", "an empty value", "of the kubeconfig"),),
    ),
    "workloadIdentity": Key("irsa", bad=(("kiam", "pod-identity or irsa"),)),
    "tags": Key(
        {"team": "a", "n": 1},
        read={"team": "a", "n": "1"},
        bad=(
            ({"aws:x": "y"}, "the name 'aws:x'"),
            ({"stack": "x"}, "which the program sets", "'tags.stack'"),
            ({"a": "b" * 257}, "the value of a", "at most 256"),
            ({f"t{n}": "" for n in range(48)}, "at most 47"),
            (["a"], "an object"),
            ({"Team": "a", "team": "b"}, "given:   Team", "differ in more than case"),
            ({"Stack": "x"}, "which the program sets"),
            ({"a=b": "c"}, "a name without '='", """tags["a=b"]"""),
            ({"AWS:x": "y"}, "not starting with aws:"),
        ),
    ),
    "permissionsBoundaryArn": Key(
        BOUNDARY,
        bad=(
            ("boundary", "the ARN of an IAM policy"),
            (ROLE, "the ARN of an IAM policy"),
        ),
    ),
    "kmsKeyArn": Key(
        KEY,
        bad=(
            (
                "alias/portal",
                "the ARN of a KMS key, not of an alias",
                'kmsKeyArn "$(aws kms describe-key --key-id alias/portal --region us-east-1 '
                '--query KeyMetadata.Arn --output text)"\n',
            ),
            (
                "arn:aws:kms:eu-west-1:123456789012:alias/portal",
                "alias/portal --region eu-west-1 --query",
            ),
            (
                "mrk-1b2c3d4e5f60718293a4b5c6d7e8f901",
                "--key-id mrk-1b2c3d4e5f60718293a4b5c6d7e8f901 ",
            ),
            (
                "1b2c3d4e-0000-4000-8000-5f6a7b8c9d0e",
                "--key-id 1b2c3d4e-0000-4000-8000-5f6a7b8c9d0e ",
            ),
            ("alias/$(id)", "kmsKeyArn ARN\n"),
            ("alias/aws/rds", "AWS's own keys are the default", "config rm --stack test kmsKeyArn"),
            (KEY.replace("us-east-1", "eu-west-1"), "the stack's region, us-east-1"),
        ),
    ),
    "alarms": Key(
        "arn:aws:sns:us-east-1:123456789012:on-call",
        bad=(
            (True, "create, or the ARN of an SNS topic"),
            ("on-call", "create, or the ARN of an SNS topic"),
            (
                "o'hara@example.com",
                "After pulumi up, subscribe the address: aws sns subscribe --topic-arn ",
                '"$(pulumi stack output --stack test alarmTopicArn)" --protocol email '
                "--notification-endpoint 'o'\"'\"'hara@example.com'\n",
                "fix:     pulumi config set --stack test alarms create\n",
            ),
            (
                "https://example.com/hook",
                "--protocol https --notification-endpoint https://example",
            ),
            ("arn:aws:sns:us-east-1:123456789012:on-call.fifo", "not a FIFO one"),
            ("arn:aws:sns:eu-west-1:123456789012:on-call", "the stack's region, us-east-1"),
        ),
    ),
    "dashboard": Key(True, bad=(("yes", "true or false"),)),
    "monitoring": Key("prometheus-operator", bad=(("prometheus", "prometheus-operator"),)),
    "monitoringLabels": Key(
        {"release": "prometheus", "example.com/n": 1},
        read={"release": "prometheus", "example.com/n": "1"},
        bad=(
            (["release"], "an object"),
            ({"a b": "c"}, "the name 'a b'", "the name of a Kubernetes label"),
            ({"release": "a b"}, "the value of release", "at most 63 letters"),
        ),
    ),
    "aws:region": Key(
        VALID["aws:region"],
        bad=(
            ("us-eas-1", "did you mean us-east-1?", "test aws:region us-east-1\n"),
            ("useast1", "did you mean us-east-1?"),
            ("us-east-1a", "did you mean us-east-1?"),
            ("x", "an AWS region\n"),
        ),
    ),
    "aws:profile": Key("ops"),
    "aws:assumeRoles": Key(
        [{"roleArn": ROLE, "sessionName": "s"}],
        bad=(
            ([{"sessionName": "x"}], "with roleArn"),
            ([{"roleArm": "x"}], "did you mean roleArn?"),
            ("arn", "a list of objects"),
            ([{"roleArn": "x"}], "'x' isn't the ARN of an IAM role"),
            ([{"roleArn": 5}], "'5' isn't the ARN"),
        ),
    ),
    "aws:allowedAccountIds": Key(
        ["123456789012"], bad=((["123"], "12 digits"), (["١٢٣٤٥٦٧٨٩٠١٢"], "12 digits"))
    ),
    "aws:endpoints": Key(
        [{"rds": "http://x"}],
        bad=(
            ([{"rdss": "http://x"}], "did you mean rds?"),
            ([{"rds": 5}], "'5' isn't a URL"),
            (["x"], "a list of objects"),
        ),
    ),
    "aws:skipCredentialsValidation": Key(True),
    "aws:skipRequestingAccountId": Key(True),
    "aws:skipMetadataApiCheck": Key(True),
    "aws:s3UsePathStyle": Key(True, bad=(("yes", "true or false"),)),
    "appPath": Key(
        "portal",
        bad=(
            ("nowhere", "nowhere (no such directory)"),
            (
                "components",
                "no package.json\n             no yarn.lock",
                "no packages/backend/package.json",
                "create-app",
            ),
            ("a" * 300, "File name too long"),
            ("a\0b", "no such directory"),
        ),
    ),
    "imageBuild": Key(
        "multi-stage", bad=(("host", "unset without appPath"), ("x", "multi-stage or host"))
    ),
    "imageTarget": Key("techdocs", bad=(("techdocs", "unset without appPath", "config rm"),)),
    "imageBase": Key("r.io/node:24@" + DIGEST, bad=(("node:24", "unset without appPath"),)),
    "imageSource": Key(
        "https://example.com/shop", bad=(("https://example.com/x", "unset without appPath"),)
    ),
    "imageRepository": Key(
        VALID["imageRepository"],
        bad=(
            ("r.io/a:b", "without scheme, tag or digest"),
            ("https://r.io/a", "without scheme"),
            ("r.io/Portal", "in lower case"),
            (
                "portal",
                "given:   portal",
                "registry/repository, on eks",
                "imageRepository REGISTRY/portal",
            ),
            ("r.io/a..b", "registry/repository"),
            ("../x", "registry/repository"),
            ("h:99999/x", "registry/repository"),
        ),
    ),
    "imageTag": Key(
        VALID["imageTag"],
        bad=(
            ("latest", "not latest"),
            ("a/b", "an image tag"),
            ("a" * 129, "an image tag"),
            ("abc\n", "'abc\\n'"),
        ),
    ),
    "imageDigest": Key(
        DIGEST, bad=(("sha256:abc", "64 hex digits"), (DIGEST.upper(), "64 hex digits"))
    ),
    "imagePlatform": Key("linux/arm64", bad=(("windows/amd64", "linux/arm64"),)),
    "imagePullSecret": Key("pull", bad=(("My Secret", "RFC 1123"),)),
    "title": Key("Acme Developers", bad=(("", "an empty value"), ("${X}", "without '$'"))),
    "organizationName": Key("Acme", bad=(("a" * 101, "at most 100 characters"),)),
    "appConfigPaths": Key(
        ["portal/app-config.yaml"],
        bad=(
            (["nowhere.yaml"], "nowhere.yaml (No such file"),
            (["portal/app-config.yaml", "a" * 300], "File name too long"),
            (["portal/app-config.yaml"] * 2, "portal/app-config.yaml is there twice"),
            ("portal/app-config.yaml", "a list"),
        ),
    ),
    "permissionsPath": Key(
        "assets/permissions.csv",
        bad=(
            ("nowhere.csv", "No such file"),
            (
                "README.md",
                "README.md:\n             line 3: neither",
                " more\n",
                "a CSV file of roles",
            ),
        ),
    ),
    "permissionConditionsPath": Key(
        "assets/permission-conditions.yaml",
        bad=(
            ("nowhere.yaml", "No such file"),
            ("assets/guards.yaml", "document 1: 'guards' is unknown", "conditional policies"),
            ("assets/database-role.js", "assets/database-role.js (line 1: "),
        ),
    ),
    "permissionNames": Key(
        ["jenkins.execute", "jenkins-job"],
        bad=(
            (
                ["a b"],
                "once: the name of a permission",
                "'a b' isn't one",
            ),
            (["a", "a"], "a is there twice"),
        ),
    ),
    "secretEnv": Key(
        {"TOKEN": "x"},
        bad=(
            ({"POSTGRES_PASSWORD": "x"}, "POSTGRES_PASSWORD"),
            (
                {"APP_CONFIG_backend_database_connection_ssl": "false"},
                "APP_CONFIG_backend_database_connection_ssl",
            ),
            ({"NODE_TLS_REJECT_UNAUTHORIZED": "0"}, "always verified"),
            ({"APP_CONFIG_a:b": "x"}, "a key of a Secret can't hold"),
            ({"LD_PRELOAD": "x"}, "only the image's own libraries"),
        ),
    ),
    "env": Key(
        {"A": 1, "APP_CONFIG_backend_csp_upgrade-insecure-requests": False},
        read={"A": "1", "APP_CONFIG_backend_csp_upgrade-insecure-requests": "false"},
        bad=(
            ({"1A": "x"}, "the name '1A'", "starting with a digit"),
            ({"A": None}, "A has no plain value"),
            ({"A": {"B": 1}}, "A has no plain value"),
            (["A"], "an object"),
            ({"APP_PORT": "x"}, "APP_PORT", "doesn't set itself"),
            (
                {"APP_CONFIG_backend_database_skipMigrations": "false"},
                "APP_CONFIG_backend_database_skipMigrations",
                "'env.APP_CONFIG_backend_database_skip",
            ),
            ({"NODE_TLS_REJECT_UNAUTHORIZED": 0}, "always verified"),
            ({"A": "a\0b"}, "without NUL"),
            ({"A": "x" * 70_000}, "at most 64 KiB"),
            ({"A": "\ud800"}, "the value of A"),
            ({f"A{n}": "x" * 60_000 for n in range(17)}, "at most 1,000,000 bytes"),
            ({"LD_PRELOAD": "x"}, "only the image's own libraries"),
            ({"GIT_SSL_NO_VERIFY": 1}, "always verified"),
            ({"AWS_SECRET_ACCESS_KEY": "x"}, "pods get an AWS role"),
            ("[" * 100_000, "an object"),
        ),
    ),
    "replicas": Key(
        2,
        bad=(
            (0, "from 1 to 100", "fix:     pulumi config set --stack test replicas 1\nNothing"),
            (500, "fix:     pulumi config set --stack test replicas 100\n", "test replicas 1\n"),
            ("[" * 5000, "from 1 to 100"),
        ),
    ),
    "maxReplicas": Key(
        6,
        bad=(
            (0, "from 1 to 100", "fix:     pulumi config rm --stack test maxReplicas\n"),
            (1e9, "maxReplicas 100\n    or:      pulumi config rm --stack test maxReplicas\n"),
        ),
    ),
    "cpuRequest": Key("1.5", bad=(("0.25.0", "250m or 1"),)),
    "memoryRequest": Key("512Mi", bad=(("1GB", "512Mi or 1Gi"),)),
    "memoryLimit": Key("3Gi", bad=((1024, "512Mi or 1Gi"), ("1Mi", "at least memoryRequest"))),
    "migrationJob": Key(False, bad=(("never", "true or false"),)),
    "metrics": Key(False, bad=(("yes", "true or false"),)),
    "networkPolicy": Key(False, bad=(("on", "true or false"),)),
    "egressCidrs": Key(
        ["0.0.0.0/0", "140.82.112.0/20"],
        bad=(
            (["140.82.112.1/20"], "host bits zero"),
            (["169.254.170.23/32"], "not in 169.254.0.0/16"),
            (["::/0"], "an IPv4 network"),
            (["10.0.0.0/8", "10.0.0.0/8"], "there twice"),
            ([], "an empty list limits nothing"),
        ),
    ),
    "egressPorts": Key([25], bad=(([0], "from 1 to 65535"), ("25", "a list"))),
    "kubernetesPlugin": Key(False, bad=(("maybe", "true or false"),)),
    "kubernetesNamespaces": Key(
        ["shop"],
        ("shop",),
        bad=(
            ("shop", "list"),
            (["Shop"], "characters"),
            (["a", "a"], "twice"),
            ([], "limits nothing"),
        ),
    ),
    "mcp": Key(True, bad=(("on", "true or false"),)),
    "techdocsBucket": Key(
        "docs",
        bad=(
            ("My_Bucket", "S3 bucket"),
            (True, "a switch, not a name", "techdocsBucket create\n"),
            (False, "config rm --stack test techdocsBucket\n"),
            ("192.168.1.1", "S3 refuses"),
            ("xn--abc", "S3 refuses"),
            ("a.-b", "S3 refuses"),
        ),
    ),
    "ingressScheme": Key("internet-facing", bad=(("public", "internal or internet-facing"),)),
    "ingressClassName": Key("edge", bad=(("ALB", "RFC 1123"),)),
    "certificateArn": Key(VALID["certificateArn"], bad=(("arn:x", "ACM certificate"),)),
    "hostedZoneName": Key("example.com", bad=(("example.com.", "lower-case DNS name"),)),
    "allowHttp": Key(False, bad=((True, "true, with certificateArn"),)),
    "ingressInboundCidrs": Key(
        ["0.0.0.0/0"],
        bad=(
            (["10.0.0.0/33"], "10.0.0.0/33"),
            ([f"10.{n}.0.0/16" for n in range(61)], "at most 60 networks"),
        ),
    ),
    "wafAclArn": Key(
        WAF,
        bad=(
            ("arn:aws:waf::1:x", "WAFv2 web ACL"),
            (WAF.replace("us-east-1", "us-west-2"), "region, us-east-1"),
        ),
    ),
    "accessLogsBucket": Key(
        "logs", bad=(("s3://logs", "S3 bucket"), (True, "not a name", "accessLogsBucket BUCKET\n"))
    ),
    "ingressGroup": Key("shared", bad=(("A", "RFC 1123"), (True, "a switch, not a name"))),
    "loadBalancerController": Key("irsa", bad=(("nginx", "auto-mode"),)),
    "installLoadBalancerController": Key(True, bad=((True, "pod-identity or irsa"),)),
    **database_table.KEYS,
    **integration_table.KEYS,
    **secrets_table.KEYS,
    **sign_in_table.KEYS,
}
