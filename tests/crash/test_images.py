"""Every image a power cut can leave opens, verifies, is a prefix of the true chain, and holds what was acknowledged."""

import os
import random
import shutil
from pathlib import Path

import pytest

from bot.ledger.writer import read_events
from tests.crash.images import SHM, WAL, Image, Wal, Writer, check, cut, remove

EVENTS = 900
WHOLE = 12
SMALL = 120
CUTS = 40
# How often over, each time with another seed: make crash-images.
TIMES = int(os.environ.get("BASISBOT_CRASH_TIMES", "1"))
again = pytest.mark.parametrize("seed", range(TIMES))


def hashes(path: Path) -> list[str]:
    return [entry.hash for entry in read_events(path)]


@again
def test_copies_at_any_instant_while_a_writer_writes(tmp_path: Path, seed: int) -> None:
    """With and without the shared memory's file; the log is taken up into the file (a checkpoint) meanwhile."""
    chance = random.Random(seed)
    images: list[Image] = []
    sizes = set()
    with Writer(tmp_path / "l.db", EVENTS) as writer:
        for number in range(WHOLE):
            writer.wait_for(EVENTS * number // WHOLE + chance.randint(0, EVENTS // WHOLE // 2))
            images.append(writer.image(tmp_path / f"image{number}", with_shm=number % 2 == 0))
            sizes.add((tmp_path / f"image{number}").stat().st_size)
        writer.wait_for(EVENTS)
        truth = hashes(tmp_path / "l.db")
    assert len(sizes) > 1, "no checkpoint came in between: write more events"
    assert len({image.acknowledged for image in images}) == WHOLE
    for image in images:
        assert list(check(image.path, image.acknowledged, truth)) == [], image


@again
def test_a_log_cut_anywhere(tmp_path: Path, seed: int) -> None:
    """Cut behind the last commit nothing acknowledged is lost; cut before it, the rest is a prefix. Torn, likewise."""
    chance = random.Random(seed)
    with Writer(tmp_path / "l.db", SMALL) as writer:
        writer.wait_for(SMALL)
        image = writer.image(tmp_path / "image", with_shm=False)
        truth = hashes(tmp_path / "l.db")
    wal = Wal.read(Path(f"{image.path}{WAL}"))
    assert wal.committed_end > 100_000
    target = tmp_path / "cut"
    # At both edges of a header, of a frame and of the last commit, and anywhere.
    edges = [0, 1, 31, 32, 33, 32 + 24, 32 + 24 + 4096, wal.committed_end - 1, wal.committed_end]
    for length in [*edges, *(chance.randrange(wal.size) for _ in range(CUTS))]:
        tear = chance.choice((0, 0, 1, 512, 4096, 5000))
        whole = length >= wal.committed_end and not tear
        cut(image.path, target, length, tear, chance.randrange(3))
        assert list(check(target, image.acknowledged if whole else 0, truth)) == [], (length, tear)
        remove(target)


def test_garbage_behind_the_last_commit_is_nothing(tmp_path: Path) -> None:
    """What a disk wrote of a transaction that was never finished, in any order."""
    with Writer(tmp_path / "l.db", SMALL) as writer:
        writer.wait_for(SMALL)
        image = writer.image(tmp_path / "image", with_shm=True)
        truth = hashes(tmp_path / "l.db")
    assert Path(f"{image.path}{SHM}").exists()
    wal = Path(f"{image.path}{WAL}")
    whole = wal.read_bytes()[: Wal.read(wal).committed_end]
    for number in range(6):
        target = tmp_path / f"garbage{number}"
        shutil.copyfile(image.path, target)
        Path(f"{target}{WAL}").write_bytes(whole + random.Random(number).randbytes(1 + 3_000 * number))
        assert list(check(target, image.acknowledged, truth)) == []
