"""The latch: who may remove it, and when."""

import os
from pathlib import Path

from bot.runtime.emergency import latch
from bot.runtime.files import Files


def test_trading_cannot_be_enabled_under_a_flatten_at_work(tmp_path: Path) -> None:
    files = Files(tmp_path)
    first, second = latch(files), latch(files)
    reason = files.unlatch()
    assert reason is not None
    assert "at work" in reason
    os.close(first)
    assert files.unlatch() is not None
    assert files.latched() is not None
    os.close(second)
    assert files.unlatch() is None
    assert files.latched() is None
    assert files.unlatch() is None
