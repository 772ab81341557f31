"""The application: model, decisions, ledger, engine, surfaces, runtime, command line."""
