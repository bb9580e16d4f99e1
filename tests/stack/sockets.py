"""Which addresses processes listen on, as the kernel tells it."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LISTENING = "0A"
Address = tuple[IPv4Address | IPv6Address, int]


def listening(pids: Iterable[int]) -> set[Address]:
    """Addresses and ports on which any of the processes accepts connections."""
    inodes = {inode for pid in pids for inode in _sockets(pid)}
    return {address for inode, address in _addresses() if inode in inodes}


def is_loopback(address: Address) -> bool:
    """True for an address that no other machine can reach; IPv4 in IPv6 included."""
    mapped = getattr(address[0], "ipv4_mapped", None)
    return (mapped or address[0]).is_loopback


def _sockets(pid: int) -> Iterator[str]:
    folder = Path(f"/proc/{pid}/fd")
    try:
        for descriptor in folder.iterdir():
            target = str(descriptor.readlink())
            if target.startswith("socket:["):
                yield target.removeprefix("socket:[").rstrip("]")
    except OSError:
        return


def _addresses() -> Iterator[tuple[str, Address]]:
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text("ascii").splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTENING:
                host, _, port = fields[1].partition(":")
                yield fields[9], (_host(host), int(port, 16))


def _host(text: str) -> IPv4Address | IPv6Address:
    """The kernel writes an address as 32-bit words in the machine's order."""
    words = [bytes.fromhex(text[place : place + 8])[::-1] for place in range(0, len(text), 8)]
    return ip_address(b"".join(words))
