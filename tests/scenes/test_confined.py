"""Work in a process of its own: answered question after question, ended when it takes too long, and with a word."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from roomscale.scenes.confined import Confined, Gone

ECHO = """
import os
def start(arguments):
    def work(question, files):
        if question.get("sleep"):
            import time
            time.sleep(60)
        if question.get("die"):
            os._exit(3)
        return {"arguments": arguments, "pid": os.getpid(), **question}, [data[::-1] for data in files]
    return work
"""


@pytest.fixture
def echo(tmp_path: Path) -> Path:
    path = tmp_path / "echo.py"
    path.write_text(ECHO)
    return path


def test_one_process_answers_until_it_is_closed(echo: Path) -> None:
    with Confined(echo, ["one", "two"], data_bytes=1 << 30) as process:
        pids = set()
        for number in range(3):
            said, files = process.ask({"n": number}, [b"abc", b""], seconds=5, most_bytes=3)
            assert (said["n"], said["arguments"], files) == (number, ["one", "two"], [b"cba", b""])
            pids.add(said["pid"])
        assert pids == {process.pid}
    assert process.pid is None
    with pytest.raises(ProcessLookupError):
        os.kill(pids.pop(), 0)


def test_what_is_late_or_dies_is_said_and_the_next_question_gets_a_new_process(echo: Path) -> None:
    with Confined(echo, data_bytes=1 << 30) as process:
        with pytest.raises(Gone, match="longer than"):
            process.ask({"sleep": True}, [], seconds=0.2)
        with pytest.raises(Gone, match="exit code 3"):
            process.ask({"die": True}, [], seconds=5)
        assert process.ask({}, [b"ab"], seconds=5, most_bytes=2)[1] == [b"ba"]


def test_more_bytes_than_were_allowed_are_no_answer(echo: Path) -> None:
    with Confined(echo, data_bytes=1 << 30) as process, pytest.raises(Gone):
        process.ask({}, [bytes(100)], seconds=5, most_bytes=99)
