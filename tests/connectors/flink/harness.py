"""The decoder's judge in a process of its own, as a function from records to what it says of them."""

from __future__ import annotations

import os
import struct
import subprocess
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, Self

import orjson

from deploy.local import decoder, versions
from deploy.local.engines import flink_home
from deploy.local.toolchain import find_java

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

SOURCE = Path(__file__).with_name("DecoderHarness.java")
_NOTHING, _FLUSH = struct.pack(">i", -1), struct.pack(">i", -2)


class Harness:
    """A running judge of one stream's rules; a context that ends the process."""

    def __init__(self, rules: str) -> None:
        """`rules` as `contracts.rules.rules_json` exports them; compiles the decoder unless that was done."""
        java = find_java(versions.load().java["flink"], "flink", os.environ)
        jar = decoder.build(java, os.environ)
        command = [str(java.executable), "-Xmx512m", "-XX:+UseSerialGC", "-cp", f"{jar}:{flink_home()}/lib/*", str(SOURCE)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._write(_framed(rules.encode()))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.kill()
        self._process.communicate()

    def judge(self, records: Sequence[bytes | None]) -> list[Any]:
        """Say of each record what the judge says: `{"row": [landed values]}`, or `[reason, field]`."""
        writer = Thread(target=self._write, args=(b"".join(map(_framed, records)) + _FLUSH,))
        writer.start()
        lines = [self._read() for _ in records]
        writer.join()
        return lines

    def _read(self) -> Any:
        line = self._process.stdout.readline() if self._process.stdout else b""
        if not line:
            message = f"the judge ended with exit code {self._process.wait()}"
            raise AssertionError(message)
        return orjson.loads(line)

    def _write(self, content: bytes) -> None:
        if self._process.stdin:
            self._process.stdin.write(content)
            self._process.stdin.flush()


def _framed(record: bytes | None) -> bytes:
    return _NOTHING if record is None else struct.pack(">i", len(record)) + record
