"""Postgres: the derived projection, the ledgers, migrations, and the connection pool."""
