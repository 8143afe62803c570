"""Commands that install the programs that a machine lacks."""

AWS_CLI = ("brew install awscli", "snap install aws-cli --classic")
KUBECTL = ("brew install kubectl", "snap install kubectl --classic")
NODE = ("brew install node@24", "snap install node --classic --channel=24")
NO_KUBECTL = "there is no kubectl on PATH"
