"""The exchange core under every simulator: books, matching, margin, marks, funding, sessions.

All integers. Prices are US cents per XBT; quantities are contracts; money is in *units* of 1e-8 of the
venue's settlement currency (satoshi at an inverse venue, a millionth of a US cent at a linear one); rates are
parts per million. Synchronous and single-threaded: what a call causes has been told to every listener when
the call returns. It shares no formula with the rest of the project, so that neither can agree with the
other's mistakes.
"""
