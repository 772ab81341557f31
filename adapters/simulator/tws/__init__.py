"""The simulated TWS / IB Gateway: the broker's socket protocol over the exchange core.

It speaks the text protocol of server versions 157 to 178 (``versions`` holds every difference between
them). A link is a ``session``; what a message asks for is in ``handlers``; the broker's own rules about
orders, which client may do what and in which words it is refused, are in ``desk``. What can be done to it on
demand: ``TwsServer.uplink`` (its lines to the broker) and ``TwsServer.faults``.
"""
