"""What every error answer, and every report of a damaged model, must be like."""

import logging
from pathlib import Path
from typing import Any

import pytest
from httpx import Response

from tests.app.factory import running, write_sum

LONGEST_ANSWER = 4_000


def expect_problem(response: Response, status: int, detail: str | None = None) -> dict[str, Any]:
    """Assert that the answer is problem details of that status, and of that exact detail where one is given."""
    assert response.status_code == status, response.text[:LONGEST_ANSWER]
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert list(problem) == ["type", "title", "status", "detail", "request_id", "errors"]
    assert problem["type"] == "about:blank"
    assert problem["title"]
    assert problem["status"] == status
    assert problem["request_id"] == response.headers["x-request-id"]
    assert all(set(error) == {"location", "message"} for error in problem["errors"])
    assert len(response.content) < LONGEST_ANSWER
    if detail is not None:
        assert problem["detail"] == detail
    return problem


def expect_damaged(root: Path, reason: str, caplog: pytest.LogCaptureFixture) -> None:
    """Assert that m is reported as damaged for that reason, and that sum serves beside it."""
    write_sum(root)
    caplog.set_level(logging.ERROR, "app")
    with running(root) as client:
        states = {model["name"]: model for model in client.get("/health/ready").json()["models"]}
        prediction = client.post("/predict/arithmetic", json={"model": "sum", "inputs": [[1, 2]]})
        listed = [model["name"] for model in client.get("/models").json()["models"]]
        refused = client.get("/models/m")
    assert states["sum"]["state"] == "ready"
    assert states["m"]["state"] == "damaged"
    assert reason.format(folder=root / "m" / "1") in states["m"]["reason"]
    assert f"Model 'm' version 1 is damaged: {states['m']['reason']}" in caplog.messages
    assert prediction.json()["predictions"] == [[3.0]]
    assert listed == ["sum"]
    expect_problem(refused, 404)
