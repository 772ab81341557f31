"""Venues: the ``Venue`` protocol, its implementations over the real client libraries, and the simulators."""
