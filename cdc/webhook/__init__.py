"""Webhooks: events that owners send us, checked, and kept in the log before we say yes.

Start in `inbox`. What an event means is found when it is read from the log, by `meaning`.
"""
