"""`kinship app` where it cannot start."""

from __future__ import annotations

import socket


def test_a_taken_port_is_bad_input(in_process):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        status, out, err = in_process("app", "--port", port, "--no-worker")
    assert (status, out) == (2, "")
    assert f"port {port}" in err
    assert "--port" in err
