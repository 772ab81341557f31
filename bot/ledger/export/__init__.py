"""The books in other programs' formats: files for spreadsheets, and a beancount ledger."""
