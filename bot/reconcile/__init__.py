"""Holding the ledger against the venues."""

from bot.reconcile.differences import Snapshot, differences, snapshot
from bot.reconcile.reconciler import Reconciler

__all__ = ["Reconciler", "Snapshot", "differences", "snapshot"]
