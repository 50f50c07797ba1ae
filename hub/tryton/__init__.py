"""Tryton as the ERP: its own environment, database and server; never imported, only run."""
