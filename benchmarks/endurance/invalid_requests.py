"""Invalid requests, each with the statuses that are right for it."""

from benchmarks.endurance.workload import CheckedRequest
from benchmarks.serving.bodies import Body, arithmetic, image_request, png
from benchmarks.serving.http_client import Answer, post, request

JSON = "application/json"


def invalid_requests(v2: bool) -> list[CheckedRequest]:
    """One of each kind.

    Args:
        v2: whether the service speaks ``/v2``.
    """
    whole = arithmetic([[3, 4]])
    broken = {
        "a number that is none": Body(whole.path, JSON, b'{"model": "multiply", "inputs": [[NaN, 1]]}'),
        "an infinite number": Body(whole.path, JSON, b'{"model": "multiply", "inputs": [[1e999, 1]]}'),
        "a cut body": Body(whole.path, JSON, whole.content[: len(whole.content) // 2]),
        "a string": Body(whole.path, JSON, b'{"model": "multiply", "inputs": [["3", 1]]}'),
        "three columns": arithmetic([[1, 2, 3]]),
        "a wrong second row": arithmetic([[1, 2], [1]]),
        "numbers for an image model": arithmetic([[1, 2]], "digit"),
        "an image for numbers": image_request([png()], "multiply"),
        "no form": Body("/predict/image", JSON, whole.content),
    }
    requests = [_rejected(what, post(body), 422) for what, body in broken.items()]
    requests += [
        _rejected("an unknown model", post(arithmetic([[1, 2]], "nothing")), 404),
        _rejected("an unknown version", post(arithmetic([[1, 2]], version=999_999)), 404),
        _rejected("an unknown path", request("GET", "/nowhere"), 404),
        _rejected("a wrong method", request("GET", "/predict/arithmetic"), 405),
        _rejected("a cut image", post(image_request([png()[:-40]])), 415),
        _rejected("text for an image", post(image_request([b"not an image"])), 415),
        _rejected("one bad of two images", post(image_request([png(), b"\x89PNG\r\n\x1a\n"])), 415),
    ]
    return requests + (_bad_v2() if v2 else [])


def _bad_v2() -> list[CheckedRequest]:
    short = b'{"inputs": [{"name": "input", "shape": [1, 2], "datatype": "FP64", "data": [1]}]}'
    return [
        _rejected("V2: an unknown model", request("POST", "/v2/models/nothing/infer", JSON, short), 404),
        _rejected("V2: too few numbers", request("POST", "/v2/models/multiply/infer", JSON, short), 400, 422),
        _rejected("V2: a cut body", request("POST", "/v2/models/multiply/infer", JSON, short[:30]), 400, 422),
    ]


def _rejected(what: str, content: bytes, *statuses: int) -> CheckedRequest:
    return CheckedRequest(f"rejected: {what}", content, _nothing_to_check, statuses)


def _nothing_to_check(_: Answer) -> None:
    return None
