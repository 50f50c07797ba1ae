"""Tryton as the ERP: its environment, its database, its server; a separate program, never imported."""
