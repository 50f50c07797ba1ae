"""The front door for changes: captures, the log, envelopes, and the listener that feeds the intake.

May import `sync` and `schema`, never `resolvers` or `hub`. Start reading at `cdc.listener`.
"""
