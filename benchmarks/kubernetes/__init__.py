"""The Helm chart and KServe's manifests: rendered, checked against schemas, and played as containers."""
