"""Holding the ledger against the venues."""

from bot.reconcile.differences import Snapshot, differences, snapshot
from bot.reconcile.keeper import Keeper, Pace
from bot.reconcile.reconciler import Reconciler

__all__ = ["Keeper", "Pace", "Reconciler", "Snapshot", "differences", "snapshot"]
