"""The server's logs: rotated, read from the end, followed; and server.json."""

from __future__ import annotations

import json
from pathlib import Path

from wildetect.server.process.logs import follow, last_lines, rotate, write_request_logging
from wildetect.server.process.state import ServerState, read_state, remove_state, write_state


def test_three_older_logs_are_kept(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    for number in range(6):
        rotate(log)
        log.write_text(f"start {number}\n", encoding="utf-8")
    rotate(log)
    assert not log.exists()
    assert {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == {
        "server.log.1": "start 5\n",
        "server.log.2": "start 4\n",
        "server.log.3": "start 3\n",
    }


def test_last_lines(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    assert last_lines(log, 3) == []
    log.write_bytes(b"".join(b"line %d\r\n\r\n" % number for number in range(20_000)) + b"\xff end")
    assert last_lines(log, 2) == ["line 19999", "\ufffd end"]


def test_follow_goes_on_after_a_rotation(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    log.write_text("before\n", encoding="utf-8")
    steps = iter(["", "one\ntw", "o\n", "rotate", "fresh\nrest"])

    def ended() -> bool:
        step = next(steps, None)
        if step is None:
            return True
        if step == "rotate":
            rotate(log)
            log.write_text("", encoding="utf-8")
        else:
            with log.open("a", encoding="utf-8") as stream:
                stream.write(step)
        return False

    assert list(follow(log, ended=ended)) == ["one", "two", "fresh", "rest"]


def test_request_logging_is_for_uvicorn(tmp_path: Path) -> None:
    import logging.config

    configuration = json.loads(write_request_logging(tmp_path).read_text(encoding="utf-8"))
    assert configuration["loggers"]["uvicorn.access"]["handlers"] == ["requests"]
    logging.config.dictConfig(configuration)
    access = logging.getLogger("uvicorn.access")
    access.info('%s - "%s %s HTTP/%s" %d', "127.0.0.1:1", "GET", "/health", "1.1", 200)
    text = (tmp_path / "requests.log").read_text(encoding="utf-8")
    assert text.rstrip().endswith('127.0.0.1:1 "GET /health HTTP/1.1" 200 OK')
    for handler in list(access.handlers):
        access.removeHandler(handler)
        handler.close()
    logging.getLogger("uvicorn").handlers.clear()


def test_state(tmp_path: Path) -> None:
    assert read_state(tmp_path) is None
    state = ServerState(
        1, 2.5, "running", "http://127.0.0.1:5000", "127.0.0.1", 5000, "mlflow.db", "artifacts"
    )
    write_state(tmp_path, state)
    assert read_state(tmp_path) == state
    other = ServerState(9, 9.0, "running", "", "", 1, "", "")
    remove_state(tmp_path, other)
    assert read_state(tmp_path) == state
    good = json.loads((tmp_path / "server.json").read_text(encoding="utf-8"))
    wrong: dict[str, object] = {
        "pid": -1, "create_time": "x", "phase": "asleep", "url": 3, "host": None, "port": 70000,
        "version": [1], "seconds": "soon", "processes": [[1]], "sign_in": "yes", "unknown": 1,
    }  # fmt: skip
    damaged = [json.dumps({**good, name: value}) for name, value in wrong.items()]
    missing = [json.dumps({key: good[key] for key in good if key != name}) for name in ("pid", "url", "port")]
    huge = [json.dumps({**good, "pid": 2**70}), "[" * 100_000, "null", "7", '"text"']
    for broken in ("", "{", "[]", '{"pid": 1}', '{"pid": 1, "processes": [[1]]}', *damaged, *missing, *huge):
        (tmp_path / "server.json").write_text(broken, encoding="utf-8")
        assert read_state(tmp_path) is None
    remove_state(tmp_path)
    assert list(tmp_path.iterdir()) == []
