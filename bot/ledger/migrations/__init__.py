"""The ledger's schema, step by step. A ledger is made, and brought up to date, by these and by nothing else.

To change a table: change ``bot/ledger/tables.py``, raise its ``SCHEMA_VERSION``, and add ``versions/schema_N.py``
(draft one from an existing ledger: ``alembic -c alembic.ini -x ledger=FILE revision --autogenerate --rev-id N``).
A step changes the shape only: ``bot.ledger.migrate`` fills every projection anew from the chain afterwards. Steps
are frozen once released: they name columns and types by themselves, and import nothing of the bot.
"""
