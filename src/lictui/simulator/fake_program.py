"""Stand-ins for `lmutil` and `ssh`: a stand-alone program that does not import lictui.

`install_programs` writes this file under both names. It imports little, to start quickly.
"""

import re
import signal
import socket
import sys
import time

_CHUNK = 65536
_LOST = 255
_WITH_VALUE = ("-o", "-p", "-i", "-F", "-l")


def lmutil(argv: list[str]) -> int:
    """`lmutil lmstat -a -c 27000@host[,27000@host…]`: asks the first that answers."""
    if "-c" not in argv[:-1]:
        return _end(b"usage: lmutil lmstat -a -c port@host\n", "", 1)
    refused = ""
    for place in re.split("[,;]", argv[argv.index("-c") + 1]):
        port, _, host = place.rpartition("@")
        try:
            return _ask(host, int(port or 27000), "lmutil", "lmutil", *argv)
        except OSError as error:
            number = error.errno if isinstance(error.errno, int) else 0
            refused = f'(-15,570:{number} "{error.strerror}")'
        except ValueError:
            refused = f'(-2,134 "{place} names no port")'
    now = time.localtime()
    text = (
        f"lmutil - Copyright (c) 1989-{now.tm_year} Flexera. All Rights Reserved.\n"
        f"Flexible License Manager status on {time.strftime('%a', now)}"
        f" {now.tm_mon}/{now.tm_mday}/{time.strftime('%Y %H:%M', now)}\n\n"
        f"Error getting status: Cannot connect to license server {refused}\n"
    )
    return _end(text.encode(), "", 1)


def ssh(argv: list[str]) -> int:
    """`ssh -p PORT [user@]host COMMAND…`: runs a command there, and ends as it did."""
    options: dict[str, str] = {}
    while argv and argv[0].startswith("-"):
        option = argv.pop(0)
        if option in _WITH_VALUE and argv:
            options[option] = argv.pop(0)
    if len(argv) < 2:  # noqa: PLR2004 - a destination and a command
        return _end(b"", "usage: ssh [options] destination command [argument ...]", _LOST)
    host, port = argv[0].rpartition("@")[2], options.get("-p", "22")
    try:
        return _ask(host, int(port), "ssh", *argv[1:])
    except OSError as error:
        answer = f"ssh: connect to host {host} port {port}: {error.strerror}"
        return _end(b"", answer, _LOST)


def _ask(host: str, port: int, *words: str) -> int:
    """Send the words as commands.py reads them; print the answer, and return the exit status."""
    with socket.create_connection((host, port)) as connection:
        request = "\0".join(words).encode()
        connection.sendall(b"%d\n%b" % (len(request), request))
        answer = b"".join(iter(lambda: connection.recv(_CHUNK), b""))
    head, _, rest = answer.partition(b"\n")
    status, _, length = head.partition(b" ")
    errors = int(length or 0)
    return _end(rest[errors:], rest[:errors].decode(), int(status or _LOST))


def _end(output: bytes, errors: str, status: int) -> int:
    sys.stdout.buffer.write(output)
    sys.stdout.buffer.flush()
    if errors:
        sys.stderr.write(errors + "\n")
    return status


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # end as a program would, without a traceback
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.exit((lmutil if sys.argv[0].endswith("lmutil") else ssh)(sys.argv[1:]))
