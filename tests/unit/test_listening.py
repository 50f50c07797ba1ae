"""Where the hub and the stand-ins listen, what they answer leaves at once."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest

from hub.demo.serving import listen
from hub.server import listen_at


@pytest.mark.parametrize("listening", [lambda: listen_at("127.0.0.1", 0), lambda: listen(0)])
def test_nothing_waits_for_word_of_what_was_sent_before(
    listening: Callable[[], socket.socket],
) -> None:
    """The event loop sets this only on sockets that name their protocol; ours do not."""
    with listening() as listener, socket.create_connection(listener.getsockname()) as caller:
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            assert accepted.getpeername() == caller.getsockname()
