"""Where an export goes: all of it appears at once under its name, or nothing does."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class PlaceTaken(Exception):
    """Something is there already; nothing was written."""


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Lend a folder to write into; it becomes ``path`` when all went well. Raises PlaceTaken, OSError."""
    _must_be_free(path, path.is_dir() and not any(path.iterdir()))
    with _beside(path) as made:
        yield made
        made.rename(path)


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Lend the name of a file to write; it becomes ``path`` when all went well. Raises PlaceTaken, OSError."""
    _must_be_free(path, False)
    with _beside(path) as folder:
        made = folder / path.name
        yield made
        made.rename(path)


def _must_be_free(path: Path, is_empty_folder: bool) -> None:
    if os.path.lexists(path) and not is_empty_folder:
        raise PlaceTaken(f"{path} exists already, and nothing is overwritten; choose another --out")


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    path.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
