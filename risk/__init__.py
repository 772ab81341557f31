"""The ground floor: value types and pure functions. No I/O, no clock, no async."""
