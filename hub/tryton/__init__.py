"""Tryton as the ERP or the CRM: an environment and databases of its own; run, never imported."""
