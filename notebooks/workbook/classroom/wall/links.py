"""Where phones find the wall: an address of this machine, a code, a QR code."""

from __future__ import annotations

import ipaddress
import os
import secrets
import socket

import psutil

from workbook.errors.messages import WorkbookError

#: Read aloud and typed on a phone, so without 0 and o, 1, i and l.
_SIGNS = "abcdefghjkmnpqrstuvwxyz23456789"
_CODE_LENGTH = 10  # 49 bits


def code() -> str:
    """Make the code of a session: who has it may send photos."""
    return "".join(secrets.choice(_SIGNS) for _ in range(_CODE_LENGTH))


def key() -> str:
    """Make the key of the projector's page: who has it may hide photos."""
    return secrets.token_urlsafe(16)


def addresses() -> list[str]:
    """List this machine's addresses that others could reach, IPv4 first."""
    found = [
        ipaddress.ip_address(address.address)
        for each in psutil.net_if_addrs().values()
        for address in each
        if address.family in (socket.AF_INET, socket.AF_INET6)
        and "%" not in address.address  # of one link alone: no phone can write it
    ]
    reachable = [a for a in found if not (a.is_loopback or a.is_link_local)]
    return [str(a) for a in sorted(reachable, key=lambda a: (a.version, int(a)))]


def listen(address: str, port: int = 0) -> socket.socket:
    """Open a port at one address, port 0 for a free one; nobody is answered yet.

    Raises:
        WorkbookError: no single address of this machine, or the port is taken.
    """
    if not _is_single(address):
        raise WorkbookError(
            f"{address!r} is not the address of one network",
            where="the wall",
            todo=f"Name one of this machine's: {_named()}.",
        )
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        opened = socket.create_server((address, port), family=family)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        place, do = host(address, port), "Leave the port out, or name another address"
        if not port:
            place, do = address, "Name one of this machine's addresses"
        raise WorkbookError(
            f"nothing can listen at {place} ({why})",
            where="the wall",
            todo=f"{do}: {_named()}.",
        ) from error
    opened.setblocking(False)
    return opened


def host(address: str, port: int) -> str:
    """Write address and port as browsers do in the Host header."""
    wide = ":" in address
    return f"[{address}]:{port}" if wide else f"{address}:{port}"


def qr_code(link: str) -> bytes:
    """Draw a link as a QR code in SVG: dark on light, with its quiet zone."""
    import segno  # only when a wall is opened

    drawn = segno.make(link, error="m", micro=False)
    svg = drawn.svg_inline(border=4, dark="#000", light="#fff", omitsize=True)
    return svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1).encode()


def _is_single(address: str) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return not (found.is_unspecified or found.is_multicast)


def _named() -> str:
    return ", ".join(addresses()) or "it has none that others could reach"
