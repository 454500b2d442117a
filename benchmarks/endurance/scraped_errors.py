"""Server errors as ``/metrics`` counts them: alerts use these, so a disconnected client must not count as one."""

import re

_COUNTED = re.compile(r'^nalu_requests_total\{.*status="(\d\d\d)".*\} ([0-9.e+]+)$', re.MULTILINE)


def scraped_server_errors(metrics: str) -> int | None:
    """Answers with 5xx other than 503 in the text of ``GET /metrics``; None where it counts no answers at all."""
    counts = _COUNTED.findall(metrics)
    errors = sum(float(count) for status, count in counts if status.startswith("5") and status != "503")
    return int(errors) if counts else None
