"""What one client may ask for, and all together; each limit on a real socket."""

from __future__ import annotations

import json
import re
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tests.serve.conftest import JSON, receive_all, running, tensor, waited

INFER = b"POST /v2/models/california-linear/infer HTTP/1.1\r\nhost: x\r\n"
ROWS = 50


@pytest.fixture(scope="module")
def small(california_bundle):
    """A service with small limits, and little patience."""
    limits = ("--max-body", "100K", "--max-rows", ROWS, "--timeout", "1.5")
    with running(california_bundle, *limits) as found:
        yield found


def rows(count):
    return tensor("X", np.zeros((count, 8)), "FP32")


def statuses(content: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", content)]


def test_rows(small):
    assert small.infer("california-linear", rows(ROWS)).status == 200
    answer = small.infer("california-linear", rows(ROWS + 1))
    assert (answer.status, answer.error) == (
        413,
        "X: has 51 rows, up to 50 are taken; send fewer at once",
    )
    claimed = {**rows(1), "shape": [2**62, 8]}
    assert small.infer("california-linear", claimed).status == 413


def test_a_body_whose_length_is_told_is_refused_before_it_is_read(small):
    with small.connect() as connection:
        connection.sendall(INFER + b"content-length: 102401\r\n\r\n")
        begin = time.monotonic()
        received = receive_all(connection)
    assert statuses(received) == [413]
    assert b"connection: close" in received
    assert b"up to 102400 bytes are taken" in received
    assert time.monotonic() - begin < 10


def test_one_that_asks_first_is_not_told_to_continue(small):
    with small.connect() as connection:
        connection.sendall(INFER + b"content-length: 102401\r\nexpect: 100-continue\r\n\r\n")
        assert statuses(receive_all(connection)) == [413]


def test_a_body_without_a_length_is_refused_where_it_becomes_too_large(small):
    chunk = b"4000\r\n" + b" " * 0x4000 + b"\r\n"
    with small.connect() as connection:
        connection.sendall(INFER + b"transfer-encoding: chunked\r\n\r\n" + chunk * 7)
        assert statuses(receive_all(connection)) == [413]


def test_the_answer_arrives_although_the_client_sends_on(small):
    for _ in range(5):
        answer = small.ask("POST", "/v2/models/california-linear/infer", b" " * 3_000_000, JSON)
        assert answer.status == 413


def test_a_body_up_to_the_limit_is_taken(small):
    body = json.dumps({"inputs": [rows(1)]}).encode()
    padded = body + b" " * (102400 - len(body))
    assert small.ask("POST", "/v2/models/california-linear/infer", padded, JSON).status == 200
    chunks = iter([body[:100], body[100:]])
    assert small.ask("POST", "/v2/models/california-linear/infer", chunks, JSON).status == 200


SLOW = {
    "nothing": (b"", []),
    "blank lines": (b"\r\n", []),
    "a line": (b"GET /v2 HTT", [408]),
    "a head": (INFER, [408]),
    "a body": (INFER + b"content-length: 100\r\n\r\n{", [408]),
    "a chunk": (INFER + b"transfer-encoding: chunked\r\n\r\n10\r\n{", [408]),
    "another request": (b"GET /v2/health/live HTTP/1.1\r\nhost: x\r\n\r\nGET /v2 HT", [200, 408]),
}


@pytest.mark.parametrize("case", SLOW)
def test_a_client_that_does_not_go_on_is_sent_away(small, case):
    begun, expected = SLOW[case]
    with small.connect() as connection:
        begin = time.monotonic()
        connection.sendall(begun)
        received = receive_all(connection)
    assert 1.0 < time.monotonic() - begin < 15
    assert statuses(received) == expected


@pytest.mark.parametrize("begun", [INFER, INFER + b"content-length: 9999\r\n\r\n"])
def test_one_that_goes_on_letter_by_letter_is_sent_away_too(small, begun):
    with small.connect() as connection:
        connection.sendall(begun)
        begin = time.monotonic()
        try:
            while time.monotonic() - begin < 15:
                connection.sendall(b"x")
                time.sleep(0.1)
        except OSError:  # closed
            pass
    assert time.monotonic() - begin < 10


def test_a_head_has_an_end(small):
    with small.connect() as connection:
        received = b""
        try:
            connection.sendall(b"GET /v2 HTTP/1.1\r\nx: ")
            for _ in range(100):
                connection.sendall(b"y" * (1 << 16))
        except OSError:
            pass
        received = receive_all(connection)
    assert statuses(received) in ([431], [])  # the answer may be lost with what was sent behind it
    assert small.get("/v2").status == 200


GARBAGE = (b"\x16\x03\x01\x02\x00\x01", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\0" * 100)
GARBAGE += (b"POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n", b"GET http://[ HTTP/1.1\r\n\r\n")
GARBAGE += (b"POST / HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",)


@pytest.mark.parametrize("content", GARBAGE)
def test_what_is_no_http_is_answered_and_closed(small, content):
    with small.connect() as connection:
        connection.sendall(content)
        received = receive_all(connection)
    assert statuses(received) == [400]
    assert json.loads(received.partition(b"\r\n\r\n")[2]) == {
        "error": "this is no HTTP request; see GET /"
    }


def test_an_upgrade_is_passed_over(small):
    asked = (
        b"GET /v2/health/live HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
    )
    with small.connect() as connection:
        connection.sendall(asked + b"sec-websocket-version: 13\r\nsec-websocket-key: eA==\r\n\r\n")
        assert statuses(connection.recv(1 << 16)) == [200]


def test_pipelined_requests_are_answered_in_order(small):
    one = b"GET /v2/models/%s HTTP/1.1\r\nhost: x\r\n\r\n"
    with small.connect() as connection:
        connection.sendall(one % b"none" + one % b"california-linear" + one % b"california-linear")
        connection.settimeout(5)
        received = b""
        while len(statuses(received)) < 3:
            received += connection.recv(1 << 16) or pytest.fail(received)
    assert statuses(received) == [404, 200, 200]


@pytest.fixture(scope="module")
def busy(counting, california_bundle):
    """A service that does one thing at a time, with a model that takes as long as it is told."""
    with running(counting, california_bundle, "--max-requests", "2") as found:
        yield found


def count_to(number):
    return tensor("X", [[number]], "FP32")


def turns_for(server, seconds) -> float:
    """How far the model counts in so many seconds on this machine."""
    begin = time.monotonic()
    assert server.infer("counting", count_to(100_000)).status == 200
    return 100_000 * seconds / (time.monotonic() - begin)


def test_health_is_answered_while_models_compute(busy):
    far = int(min(turns_for(busy, 4.0), 1.5e7))
    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(busy.infer, "counting", count_to(far))
        time.sleep(0.5)
        begin = time.monotonic()
        assert busy.get("/v2/health/live").status == 200
        assert busy.infer("california-linear", rows(1)).status == 200
        assert not answer.done()
        assert time.monotonic() - begin < 2
        assert answer.result().status == 200


def test_more_requests_than_are_taken_are_told_to_come_again(busy):
    far = int(min(turns_for(busy, 3.0), 1.5e7))
    with ThreadPoolExecutor(2) as threads:
        under_way = [threads.submit(busy.infer, "counting", count_to(far)) for _ in range(2)]
        assert waited(lambda: busy.infer("california-linear", rows(1)).status == 503)
        answer = busy.infer("california-linear", rows(1))
        assert answer.error == "too much at once: 2 requests are under way; try again"
        assert answer.headers["retry-after"] == "1"
        assert busy.get("/v2/health/ready").status == 200
        assert [a.result().status for a in under_way] == [200, 200]
    assert busy.infer("california-linear", rows(1)).status == 200


def test_large_bodies_share_what_is_held_and_small_ones_go_on(california_bundle):
    with running(california_bundle, "--max-body", "1M", "--timeout", "20") as server:
        head = INFER + b"content-length: 1000000\r\n\r\n"
        held = [server.connect() for _ in range(4)]
        for connection in held:
            connection.sendall(head + b" " * 999_990)
        time.sleep(1.5)  # until they are read
        body = b" " * 900_000
        path = "/v2/models/california-linear/infer"
        assert waited(lambda: server.ask("POST", path, body, JSON).status == 503)
        assert "bytes of requests are held" in server.ask("POST", path, body, JSON).error
        assert server.infer("california-linear", rows(1)).status == 200
        for connection in held:
            connection.close()
        assert waited(lambda: server.ask("POST", path, body, JSON).status == 400)


def test_more_connections_than_are_taken_are_sent_away(california_bundle):
    with running(california_bundle, "--timeout", "20") as server:
        held = [server.connect() for _ in range(512)]
        with server.connect() as connection:
            received = receive_all(connection)
        assert statuses(received) == [503]
        assert b"too many connections, up to 512 are taken" in received
        for connection in held:
            connection.close()
        assert waited(lambda: _answers(server))


def _answers(server) -> bool:
    try:
        return server.get("/v2").status == 200
    except OSError:
        return False


def test_a_client_that_does_not_read_is_given_up(california_bundle):
    """What the system does not take of its answer lies with us no longer than its patience is."""
    import socket

    with running(california_bundle, "--timeout", "1.5", "--max-rows", "400000") as server:
        body = json.dumps({"inputs": [rows(400_000)]}).encode()
        whole = server.ask("POST", "/v2/models/california-linear/infer", body, JSON)
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", server.port))
        connection.settimeout(60)
        connection.sendall(
            INFER + b"connection: close\r\ncontent-length: %d\r\n\r\n" % len(body) + body
        )
        time.sleep(4)
        received = len(receive_all(connection))
        connection.close()
        assert received < len(whole.body)
