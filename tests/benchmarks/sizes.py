"""Files and bytes of a table: data, manifests, metadata."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Size:
    """One table; bytes. `newest_metadata` is the file that every reader of the table parses first."""

    table: str
    rows: int
    snapshots: int
    data_files: int
    data_bytes: int
    manifest_files: int
    manifest_bytes: int
    metadata_files: int
    metadata_bytes: int
    newest_metadata: int


def measure(table: str, location: str, rows: int, snapshots: int) -> Size:
    """Sizes of the table at `location` (a `file:` address), whatever snapshot its files belong to."""
    folder = Path(location.removeprefix("file://").removeprefix("file:"))
    data = _sizes(folder / "data", "**/*.parquet")
    manifests = _sizes(folder / "metadata", "*.avro")
    metadata = _sizes(folder / "metadata", "*.metadata.json")
    newest = max((folder / "metadata").glob("*.metadata.json"), key=lambda path: path.stat().st_mtime).stat().st_size
    return Size(table, rows, snapshots, len(data), sum(data), len(manifests), sum(manifests), len(metadata), sum(metadata), newest)


def _sizes(folder: Path, pattern: str) -> list[int]:
    return [path.stat().st_size for path in folder.glob(pattern)]
