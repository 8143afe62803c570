"""Parts of Kubernetes objects that know nothing of the portal."""
