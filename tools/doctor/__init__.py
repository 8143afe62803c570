"""What a stack needs before its first `pulumi up`: `make doctor STACK=prod`.

Each check reads, and none writes. AWS is asked through the AWS CLI, which the stack's kubeconfig
needs anyway and which knows profiles and single sign-on; the cluster through kubectl, with the
stack's own kubeconfig.
"""
