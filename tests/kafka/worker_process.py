"""A worker as users run it: its own process, watched by what it logs."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

PATIENCE_S = 60.0


class WorkerProcess:
    """`synthstream worker` on a stream's file; ends with the block at the latest."""

    def __init__(self, spec: Path, *flags: str, level: str = "info") -> None:
        command = [sys.executable, "-m", "stream_app", "--log-level", level, "worker", str(spec), "--json", *flags]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self._lines: list[str] = []
        self._heard = threading.Condition()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            with self._heard:
                self._lines.append(line)
                self._heard.notify_all()
        with self._heard:
            self._heard.notify_all()

    @property
    def pid(self) -> int:
        """The worker's process; its generator processes are its children."""
        return self._process.pid

    @property
    def said(self) -> str:
        """What it has logged so far."""
        with self._heard:
            return "".join(self._lines)

    def wait_for(self, words: str) -> str:
        """Wait for a line that holds these words, and give it back."""
        with self._heard:
            assert self._heard.wait_for(lambda: self._line(words) is not None, PATIENCE_S), "".join(self._lines)
            return self._line(words) or ""

    def _line(self, words: str) -> str | None:
        return next((line for line in self._lines if words in line), None)

    def stop(self) -> dict[str, Any]:
        """Ask it to stop, and give back the summary it prints."""
        self._process.terminate()
        out, _ = self._process.stdout, None
        assert out is not None
        text = out.read()
        assert self._process.wait(PATIENCE_S) == 0, "".join(self._lines)
        summary: dict[str, Any] = json.loads(text)
        return summary

    def __enter__(self) -> WorkerProcess:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._listener.join()
        for pipe in (self._process.stdout, self._process.stderr):
            assert pipe is not None
            pipe.close()
