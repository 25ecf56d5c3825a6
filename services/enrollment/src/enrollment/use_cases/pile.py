"""Many small records kept in order, on disk once they are many: memory stays bounded however long a file is."""

import json
from collections.abc import Iterator
from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import Any, Self

_IN_MEMORY = 1 << 20
BATCH = 500


class Pile:
    """Append first, then read batch by batch, as often as needed. Gone when it is closed."""

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(max_size=_IN_MEMORY, mode="w+b")  # noqa: SIM115 - closed by __exit__
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, record: Any) -> None:
        """Put a JSON value on the pile."""
        self._file.write(json.dumps(record, ensure_ascii=True).encode() + b"\n")
        self._count += 1

    def batches(self, size: int = BATCH) -> Iterator[list[Any]]:
        """Everything from the beginning."""
        self._file.seek(0)
        batch: list[Any] = []
        for line in self._file:
            batch.append(json.loads(line))
            if len(batch) == size:
                yield batch
                batch = []
        if batch:
            yield batch

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()
