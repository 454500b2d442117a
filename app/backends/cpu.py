"""The CPU budget of this process. ONNX Runtime and PyTorch count the processors of the machine instead."""

import math
import os
from pathlib import Path

CGROUP_V2 = Path("/sys/fs/cgroup/cpu.max")


def cpu_budget(cpu_max: Path = CGROUP_V2) -> int:
    """Processors within this process's affinity and its container's quota, at least 1.

    Args:
        cpu_max: the file with ``<quota> <period>`` in microseconds, or ``max <period>``, of control groups v2.
    """
    try:
        available = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        available = os.cpu_count() or 1
    try:
        quota, period = cpu_max.read_text(encoding="ascii").split()
        return max(1, min(available, math.ceil(int(quota) / int(period))))
    except (OSError, ValueError, ZeroDivisionError):  # no such file, "max", or nonsense
        return available
