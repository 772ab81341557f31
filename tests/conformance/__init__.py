"""One suite for every venue: the same tests against the in-process venues and the adapters over sockets.

``stages`` sets up a venue on an exchange the test drives, ``play.on_every_venue`` runs a test on each. Where a
test cannot mean anything (a lot of one, a capability the venue lacks), it names what it needs.
"""
