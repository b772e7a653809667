"""Where a Ray cluster is: known to be none in a moment, before seconds of imports."""

import socket

from core.errors import UserError


def check_address(address: str) -> None:
    """Raise UserError for what is neither "auto" nor the HOST:PORT at which somebody listens."""
    if address == "auto":
        return
    host, _, port = address.rpartition(":")
    if not host or "/" in host or not (port.isdecimal() and port.isascii() and len(port) <= 5):
        raise UserError(f"--cluster is auto, or the HOST:PORT of a Ray cluster's head, not '{address}'.")
    if not answers(host, int(port)):
        raise UserError(f"No Ray cluster answers at {address}. One is begun with: ray start --head --port={port}")


def answers(host: str, port: int) -> bool:
    """Return whether somebody listens there."""
    try:
        socket.create_connection((host.strip("[]"), port), timeout=2).close()
    except (OSError, OverflowError, UnicodeError):  # of a port beyond 65,535, and of a name that none can have
        return False
    return True
