"""The pack that the engine starts: `pulumi preview --policy-pack policy`."""

import sys
from pathlib import Path

# The engine starts the folder, so that only what is in it can be imported. Last, so that nothing
# beside the folder takes the place of a package.
sys.path.append(str(Path(__file__).resolve().parent.parent))

from pulumi_policy import PolicyPack

from policy.analyzer import Analyzer

# It serves the engine and never returns. Its answer on standard output is the port: no prints here.
PolicyPack("backstage", Analyzer().policies)
