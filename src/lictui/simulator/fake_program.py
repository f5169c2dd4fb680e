"""Stand-ins for `lmutil` and `ssh`: a stand-alone program that does not import lictui.

`install_programs` writes this file under both names. It uses a plain socket: importing http.client
would take most of its run time.
"""

import re
import signal
import socket
import sys
import time

_CHUNK = 65536
_LOST = 255
_WITH_VALUE = ("-o", "-p", "-i", "-F", "-l")
_SAFE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"


def lmutil(argv: list[str]) -> int:
    """`lmutil lmstat -a -c 27000@host[,27000@host…]`: asks the first that answers."""
    if "-c" not in argv[:-1]:
        return _end(b"usage: lmutil lmstat -a -c port@host\n", "", 1)
    refused = ""
    for place in re.split("[,;]", argv[argv.index("-c") + 1]):
        port, _, host = place.rpartition("@")
        try:
            return _ask(host, int(port or 27000), "/lmutil", ["lmutil", *argv])
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
        return _ask(host, int(port), "/ssh", argv[1:])
    except OSError as error:
        answer = f"ssh: connect to host {host} port {port}: {error.strerror}"
        return _end(b"", answer, _LOST)


def _ask(host: str, port: int, path: str, argv: list[str]) -> int:
    query = "&".join(f"{at}={_quoted(word)}" for at, word in enumerate(argv))
    with socket.create_connection((host, port)) as connection:
        head = f"GET {path}?{query} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode())
        answer = b""
        while b"\r\n\r\n" not in answer and (more := connection.recv(_CHUNK)):
            answer += more
        header, _, body = answer.partition(b"\r\n\r\n")
        _write(body)
        while body := connection.recv(_CHUNK):
            _write(body)
    headers = dict(re.findall(r"^([\w-]+): (.*?)\r?$", header.decode("latin-1"), re.MULTILINE))
    headers = {name.lower(): value for name, value in headers.items()}
    errors = re.sub("%(..)", lambda hit: chr(int(hit[1], 16)), headers.get("x-stderr", ""))
    return _end(b"", errors.encode("latin-1").decode(), int(headers.get("x-status", _LOST)))


def _quoted(word: str) -> str:
    return "".join(chr(each) if chr(each) in _SAFE else f"%{each:02X}" for each in word.encode())


def _write(output: bytes) -> None:
    sys.stdout.buffer.write(output)


def _end(output: bytes, errors: str, status: int) -> int:
    _write(output)
    sys.stdout.buffer.flush()
    if errors:
        sys.stderr.write(errors + "\n")
    return status


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # end as a program would, without a traceback
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.exit((lmutil if sys.argv[0].endswith("lmutil") else ssh)(sys.argv[1:]))
