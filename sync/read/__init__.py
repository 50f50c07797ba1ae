"""The parts of `sync.reading`: asking owners, asking the projection, putting parts together."""
