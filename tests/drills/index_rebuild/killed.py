"""A worker that is killed, as by `kill -9`, right after a call that has changed something."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Calls that only look, though they are no GET.
LOOKS = ("_search", "_count", "_mget", "_pit", "_simulate", "_refresh")
SECONDS = 120


def run(work: Callable[[], Any], report: Path, survive: int) -> str:
    """Do some work in a process of its own, which is killed after so many calls that change something.

    :param survive: how many such calls it outlives; it is killed after the next one.
    :returns: the call after which it was killed; empty if it came to its end.
    """
    report.unlink(missing_ok=True)
    process = multiprocessing.get_context("fork").Process(target=_work, args=(work, report, survive))
    process.start()
    process.join(SECONDS)
    assert process.exitcode is not None, "the worker hangs"
    answer = json.loads(report.read_text(encoding="utf-8"))
    assert "raised" not in answer, answer
    return str(answer["killed"]) if process.exitcode == -signal.SIGKILL else ""


def _work(work: Callable[[], Any], report: Path, survive: int) -> None:
    left = survive

    def fatal(call: Callable[..., Any], changes: Callable[..., bool]) -> Callable[..., Any]:
        def wrapped(*args: Any, **options: Any) -> Any:
            nonlocal left
            answer = call(*args, **options)
            if changes(*args):
                left -= 1
                if left < 0:
                    told = [getattr(each, "line", lambda each=each: str(each))() for each in args[1:]]
                    # The same call at two attempts differs by the times in it.
                    place = re.sub(r"\d+-\d+-\d+T[\d:.]+", "", " ".join(told))
                    report.write_text(json.dumps({"killed": place}), encoding="utf-8")
                    os.kill(os.getpid(), signal.SIGKILL)
            return answer

        return wrapped

    from livemove.search.hook import SearchHook
    from livemove.stream.control import LoaderControl
    from livemove.stream.local import LocalDeployer

    def changing(_: Any, call: Any) -> bool:
        return call.method != "GET" and not any(word in call.path for word in LOOKS)

    SearchHook.ask = fatal(SearchHook.ask, changing)  # type: ignore[method-assign]
    LoaderControl._write = fatal(LoaderControl._write, lambda *_: True)  # type: ignore[method-assign]
    LocalDeployer.deploy = fatal(LocalDeployer.deploy, lambda *_: True)  # type: ignore[method-assign]
    LocalDeployer.stop = fatal(LocalDeployer.stop, lambda *_: True)  # type: ignore[method-assign]
    try:
        answer = {"returned": work()}
    except BaseException as error:
        answer = {"raised": f"{type(error).__name__}: {error}"}
    report.write_text(json.dumps(answer, default=str), encoding="utf-8")
    # No atexit of pytest's.
    os._exit(0)
