"""A network of its own for the processes of a test, in which there is nothing but loopback: no other host, no DNS.

As Linux's network namespaces give it (namespaces(7)). Ports are the test's own there, privileged ones too.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from support.clients import lacking

SIOCSIFFLAGS, IFF_UP = 0x8914, 1  # netdevice(7)
KINDS = {"user": "CLONE_NEWUSER", "net": "CLONE_NEWNET"}


def demand() -> None:
    """Skips the test where the system does not let us."""
    if not hasattr(os, "unshare"):
        lacking("only Linux has network namespaces")
    try:
        subprocess.run([sys.executable, "-c", ""], preexec_fn=alone, check=True)
    except subprocess.SubprocessError:
        lacking("this system lets nobody have a network of his own")


def alone() -> None:
    """For `preexec_fn`: leaves the network of the test."""
    os.unshare(os.CLONE_NEWNET if os.geteuid() == 0 else os.CLONE_NEWUSER | os.CLONE_NEWNET)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh", b"lo", IFF_UP))


def beside(pid: int) -> Callable[[], None]:
    """For `preexec_fn`: enters the network of another process."""

    def enter() -> None:
        for kind, flag in KINDS.items():
            theirs, ours = (Path(f"/proc/{who}/ns/{kind}") for who in (pid, "self"))
            if theirs.readlink() != ours.readlink():
                descriptor = os.open(theirs, os.O_RDONLY)
                os.setns(descriptor, getattr(os, flag))
                os.close(descriptor)

    return enter
