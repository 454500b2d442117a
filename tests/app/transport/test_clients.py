"""Clients that disconnect, do not read or do not send harm no other, on both protocols."""

import json
from contextlib import suppress
from pathlib import Path

import pytest

from app.batching import batcher
from tests.app.factory import wait_until
from tests.app.raw_http import LiveService, RawConnection, listening, post, predict_body

BODY = predict_body([3, 4])
LATE = "The request's body was not received within 0.5 seconds, which is the limit; send it faster or in parts."


def test_a_client_that_goes_while_it_sends_is_counted_and_forgotten_at_once(live: LiveService) -> None:
    before = live.counted(status="499")
    with RawConnection(live.port) as connection:
        connection.send(post(BODY)[:-5])
        wait_until(lambda: live.service.requests_in_flight)
    wait_until(lambda: not live.service.requests_in_flight)
    assert live.counted(status="499") == before + 1


def test_a_client_that_has_gone_costs_no_computation_and_its_rows_leave_the_count(
    root: Path, protocol_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batcher, "DISCONNECT_CHECK_SECONDS", 0)
    with listening(root, protocol_name, max_concurrent_batches=1) as live:
        held = live.hold()
        with RawConnection(live.port) as patient:
            patient.send(post(predict_body([1, 1])))
            assert held.entered.wait(5)
            with RawConnection(live.port) as hasty:
                hasty.send(post(predict_body([5, 5], [5, 5], [5, 5])))
                wait_until(lambda: live.service.batching.queue_limiter.rows == 4)
            wait_until(lambda: len(live.server.server_state.connections) == 1)
            held.release.set()
            assert patient.answer().predictions() == [[2.0]]
        wait_until(lambda: live.service.batching.queue_limiter.rows == 0 and not live.service.requests_in_flight)
        assert held.sizes == [1]
        assert live.counted(status="499") == 1
        assert live.counted(status="200") == 1
        assert live.counted(status="0") == 0


def test_a_client_that_goes_while_it_is_answered_harms_no_other(live: LiveService) -> None:
    large = post(predict_body(*[[1, 1]] * 5000))
    for _ in range(5):
        with RawConnection(live.port) as connection:
            connection.send(large, large)
    with RawConnection(live.port) as connection:
        assert connection.send(post(BODY)).answer().predictions() == [[7.0]]
    wait_until(lambda: not live.service.requests_in_flight and not live.service.batching.queue_limiter.rows)


def test_a_client_that_reads_nothing_is_not_answered_into_memory_without_end(root: Path, protocol_name: str) -> None:
    enough = 2_000_000
    with listening(root, protocol_name) as live, RawConnection(live.port, receive_buffer=4096) as connection:
        connection.socket.settimeout(1)
        with suppress(TimeoutError):
            connection.send(post(predict_body([1, 1])) * 30_000)  # whose answers have 12 MB
        wait_until(lambda: live.server.server_state.connections)
        protocol = next(iter(live.server.server_state.connections))
        wait_until(lambda: protocol.pipeline or protocol.transport.get_write_buffer_size() > enough)
        assert protocol.transport.get_write_buffer_size() < enough
        with RawConnection(live.port) as other:
            assert other.send(post(BODY)).answer().predictions() == [[7.0]]


def test_a_connection_whose_client_does_not_read_gets_no_answer_written_before_it_does(live: LiveService) -> None:
    before = set(live.server.server_state.connections)
    with RawConnection(live.port) as connection:
        assert connection.send(post(BODY)).answer().predictions() == [[7.0]]
        (protocol,) = set(live.server.server_state.connections) - before
        protocol.loop.call_soon_threadsafe(protocol.flow.pause_writing)  # as its transport does
        wait_until(lambda: protocol.flow.write_paused)
        connection.send(post(BODY))
        wait_until(lambda: live.service.requests_in_flight)
        with RawConnection(live.port) as other:
            assert other.send(post(BODY)).answer().predictions() == [[7.0]]
        assert not protocol.cycle.response_complete
        protocol.loop.call_soon_threadsafe(protocol.flow.resume_writing)
        assert connection.answer().predictions() == [[7.0]]


def test_a_client_that_went_while_its_next_request_waited_harms_no_other_of_its_batch(
    root: Path, protocol_name: str
) -> None:
    with listening(root, protocol_name, max_concurrent_batches=1) as live:
        held = live.hold()
        with RawConnection(live.port) as first, RawConnection(live.port) as other:
            first.send(post(predict_body([1, 1])))
            assert held.entered.wait(5)
            with RawConnection(live.port) as hasty:
                hasty.send(post(predict_body([2, 2])) * 2)
                wait_until(lambda: live.service.batching.queue_limiter.rows == 2)
                other.send(post(predict_body([3, 3])))
                wait_until(lambda: live.service.batching.queue_limiter.rows == 3)
            held.release.set()
            assert first.answer().predictions() == [[2.0]]
            assert other.answer().predictions() == [[6.0]]
        wait_until(lambda: live.service.batching.queue_limiter.rows == 0 and not live.service.requests_in_flight)


@pytest.mark.slow
@pytest.mark.parametrize("sent", [0, -3], ids=["headers-only", "all-but-three-bytes"])
def test_a_body_that_never_comes_ends_with_408_and_the_connection(root: Path, protocol_name: str, sent: int) -> None:
    with listening(root, protocol_name, request_timeout_seconds=0.5) as live, RawConnection(live.port) as connection:
        request = post(BODY)
        connection.send(request[: len(request) - len(BODY)] if sent == 0 else request[:sent])
        answer = connection.answer()
        assert answer.status == 408
        assert json.loads(answer.body)["detail"] == LATE
        assert answer.header("connection") == "close"
        assert connection.ends()
        wait_until(lambda: not live.service.requests_in_flight)
        assert live.counted(status="408") == 1
        assert live.value("nalu_rejections_total", reason="timeout") == 1


@pytest.mark.slow
def test_a_request_whose_time_is_over_in_the_queue_is_refused_once_and_not_computed(
    root: Path, protocol_name: str
) -> None:
    with listening(root, protocol_name, request_timeout_seconds=0.5, max_concurrent_batches=1) as live:
        held = live.hold()
        with RawConnection(live.port) as first, RawConnection(live.port) as second:
            first.send(post(predict_body([1, 1])))
            assert held.entered.wait(5)
            second.send(post(predict_body([2, 2])))
            answers = [first.answer(), second.answer()]
            held.release.set()
            wait_until(lambda: live.service.batching.queue_limiter.rows == 0)
            detail = "The request was not answered within 0.5 seconds, which is the limit; try again later."
            for connection, answer in zip((first, second), answers, strict=True):
                assert (answer.status, answer.header("retry-after")) == (503, "1")
                assert json.loads(answer.body)["detail"] == detail
                assert connection.send(post(BODY)).answer().predictions() == [[7.0]]
        assert held.sizes == [1, 1, 1]
        assert live.counted(status="503") == 2
        assert live.value("nalu_rejections_total", reason="timeout") == 2
