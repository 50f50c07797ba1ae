"""Dead letters as log records again, so that they mean what they would have meant."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from cdc.decode import Decoder
from cdc.envelope.reader import EnvelopeReader
from cdc.log.port import LogRecord
from sync.changes import Incoming
from sync.connectors.binding import Binding
from sync.letters import DeadLetter


def letter_decoder(
    bindings: Iterable[Binding], reader: EnvelopeReader | None = None
) -> Callable[[DeadLetter], Sequence[Incoming]]:
    """Decodes a letter's edited value, or its original; a key's letters come in their order."""
    decoder = Decoder(bindings, reader)
    return lambda letter: decoder.decode(
        LogRecord(
            position=letter.position,
            key=letter.key,
            value=letter.value if letter.edited is None else letter.edited,
            headers=letter.headers,
            appended_at=letter.parked_at,
        )
    )
