"""Ids, plans, tickets, events, commands, state tables: plain values, no behaviour beyond their own checks."""
