"""`lictui servers snippet`: the command that reads a server, or what to set up on it.

Commands go to stdout, remarks to stderr. Also `lictui secrets set`, which stores a password.
"""

from __future__ import annotations

import base64
import json
import re
import shlex
import sys
from typing import TYPE_CHECKING, Final

import click
from msgspec import Struct

from lictui.cli.context import load_configuration, select_servers
from lictui.cli.options import option
from lictui.config.secrets import store_secret
from lictui.errors import UsageError
from lictui.model import Server, SourceName
from lictui.sources.program_errors import ssh_host

if TYPE_CHECKING:
    from lictui.cli.options import CommandContext

_PLACEHOLDER: Final = "LICENSE-SERVER"  # where the host is unknown
_HOST: Final = re.compile(r"(?!-)[\w.@:\[\]\\-]{1,255}")
_HASH: Final = re.compile(r"[0-9A-Za-z+/=:-]{1,200}")
_ACCOUNT: Final = re.compile(r"[^'\"`$\u2018-\u201f]*")  # PowerShell accepts typographic quotes


class _Setup(Struct, frozen=True):
    """What to run for reading a server."""

    command: tuple[str, ...] = ()  # `command` of servers.toml: the argument list
    remarks: tuple[str, ...] = ()
    script: str = ""  # the PowerShell in it, readable; has no double quotes
    admin_lines: tuple[str, ...] = ()  # to be run once by an administrator, on the server


@click.command(epilog="Example: lictui servers snippet lic-01 --as powershell")
@click.argument("name")
@option(
    "--as form",
    "Limit to the PowerShell script, the ssh command, or the command as a line of servers.toml.",
    type=click.Choice(["all", "powershell", "ssh", "toml"]),
    default="all",
    envvar=(),
)
@option("--host", "SSH target.", "[USER@]HOST", default=None, envvar=())
@option(
    "--cert-hash",
    "Hash of the license server's certificate, as Get-LicCertificate shows it.",
    "HASH",
    envvar=(),
)
@click.pass_obj
def snippet(
    context: CommandContext, /, *, name: str, form: str, host: str | None, cert_hash: str
) -> None:
    """Print a ready-to-use command for reading a server.

    For the source command: the PowerShell or ssh command of its format. For other sources: what an
    administrator sets up once on the server. lictui never makes ssh trust a host.
    """
    _, servers = load_configuration(context)
    (server,) = select_servers(servers, (name,))
    if host is not None and not _HOST.fullmatch(host):
        raise UsageError(f"invalid host {host!r}", "use HOST or USER@HOST")
    if cert_hash and not _HASH.fullmatch(cert_hash):
        raise UsageError("invalid --cert-hash", "use the CertHash that Get-LicCertificate shows")
    if not _ACCOUNT.fullmatch(server.username):
        raise UsageError(f"the user name of {name} contains quotes and cannot be used in a command")
    target = host or ssh_host(server.command)
    setup = _setup(server, target if _HOST.fullmatch(target) else _PLACEHOLDER, cert_hash)
    if form == "powershell" and not setup.script:
        raise UsageError(f"{name} needs no PowerShell", "remove --as")
    if form in ("ssh", "toml") and not setup.command:
        raise UsageError(f"{name} is read without a command", "remove --as")
    for remark in setup.remarks:
        click.echo(f"# {remark}", err=True)
    if any(_PLACEHOLDER in argument for argument in setup.command):
        click.echo(f"# Replace {_PLACEHOLDER} with the host name, or use --host.", err=True)
    _print(setup, form)


def _print(setup: _Setup, form: str) -> None:
    for line in setup.admin_lines:
        click.echo(line)
    if setup.script and form in ("all", "powershell"):
        click.echo("# PowerShell on the license server:", err=True)
        click.echo(setup.script)
    if setup.command and form in ("all", "ssh"):
        click.echo("# From this machine:", err=True)
        click.echo(shlex.join(setup.command))
    if form == "toml":
        click.echo(f"command = {json.dumps(setup.command, ensure_ascii=False)}")


# `lictui secrets set`


@click.command("set", epilog="Example: lictui secrets set lic-01")
@click.argument("name")
@option(
    "--to",
    "Store it in a private file in the configuration directory, or in the system's keyring.",
    type=click.Choice(["file", "keyring"]),
    default="file",
    envvar=(),
)
@click.pass_obj
def set_secret(context: CommandContext, /, *, name: str, to: str) -> None:
    """Store a password and print the reference to it.

    lictui prompts for the password, or reads it from standard input if that is not a terminal.
    """
    if sys.stdin.isatty():
        secret = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        secret = sys.stdin.readline().rstrip("\r\n")
    reference = store_secret(context.paths, name, secret, in_keyring=to == "keyring")
    click.echo(reference)
    command = f"lictui servers edit SERVER --secret {shlex.quote(reference)}"
    click.echo(f"Stored. Use it with: {command}", err=True)


# The commands by source and format

_KEYS: Final = (
    "SSH runs non-interactively: it needs a key, and the host in known_hosts. Connect once in a"
    " terminal as the user that lictui runs as, and compare the fingerprint."
)
_SNAP_IN: Final = (
    (
        "The account needs to be a read-only administrator in Citrix Licensing Manager. The snap-in"
        " is part of Studio and of the license server."
    ),
    (
        "A self-signed certificate is refused without its hash: compare what Get-LicCertificate"
        " shows with the server's own certificate, then use --cert-hash HASH."
    ),
)
_NAMESPACE: Final = (
    r"Required rights: Remote Enable and Enable Account on the WMI namespace root\CitrixLicensing"
    " (wmimgmt.msc, Properties, Security)"
)
_LISTENER: Final = (
    (
        "Run in an elevated PowerShell on the license server. The first line opens WinRM over TLS"
        " and needs a certificate for server authentication."
    ),
    (f"{_NAMESPACE}; membership in Remote Management Users. No administrator rights are needed."),
)
_CONTROLLER: Final = (
    (
        "Run in PowerShell on a Delivery Controller as a full administrator of the site; the"
        " account then has read-only access."
    ),
    "The controller must accept HTTPS, with a certificate that passes the setting verify.",
)
_CLOUD_CLIENT: Final = (
    "No command is needed. Create an API client for an administrator with read access to licensing"
    " (Citrix Cloud, Identity and Access Management, API Access); username is its client ID, secret"
    " the reference to its client secret."
)
_TOOLS: Final = r"C:\Program Files (x86)\Citrix\Licensing"
# format -> the program on the license server; PowerShell formats are below
_PROGRAMS: Final = {
    "lmstat": rf'"{_TOOLS}\LS\lmutil" lmstat -a -c @localhost',
    "udadmin": rf'"{_TOOLS}\LS\udadmin" -list -times',
    "license-file": rf'cmd /c type "{_TOOLS}\MyFiles\*.lic"',
}
_SSH: Final = tuple(
    shlex.split("ssh -o BatchMode=yes -o StrictHostKeyChecking=yes -o ConnectTimeout=10 --")
)


def _setup(server: Server, host: str, certificate_hash: str) -> _Setup:
    """Return what to run so that lictui can read `server`; `host` is the target of ssh.

    `host` and `certificate_hash` are inserted as they are: the caller has checked them for quotes.
    """
    account = server.username or r"DOMAIN\ACCOUNT"
    match server.source:
        case SourceName.COMMAND:
            return _command_source(server.format, host, certificate_hash)
        case SourceName.WINRM:
            member = f"net localgroup 'Remote Management Users' '{account}' /add"
            return _Setup(
                admin_lines=("winrm quickconfig -transport:https", member), remarks=_LISTENER
            )
        case SourceName.CVAD:
            role = "Read Only Administrator"
            return _Setup(
                admin_lines=(
                    f"New-AdminAdministrator -Name '{account}'",
                    f"Add-AdminRight -Administrator '{account}' -Role '{role}' -All",
                ),
                remarks=_CONTROLLER,
            )
        case SourceName.LMSTAT:
            command = (server.lmutil or "lmutil", "lmstat", "-a", "-c", server.address)
            remark = "lictui runs this itself; the FlexNet ports must be reachable."
            return _Setup(command, (remark,))
        case _:
            return _Setup(remarks=(_CLOUD_CLIENT,))


def _command_source(command_format: str, host: str, certificate_hash: str) -> _Setup:
    host_name = host.rpartition("@")[2]
    if command_format in _CMDLETS:
        script = _inventory(_CMDLETS[command_format], host_name, certificate_hash)
        return _powershell(script, host, _SNAP_IN)
    if command_format == "wmi-json":
        return _powershell(_wmi(), host, (f"{_NAMESPACE}.",))
    if command_format == "lictui":
        return _Setup((*_SSH, host, "lictui status --json"), (_KEYS,))
    if tool := _PROGRAMS.get(command_format):
        shell = f'If PowerShell is the default shell of sshd on the server, prefix "& ": & {tool}'
        return _Setup((*_SSH, host, tool), (_KEYS, shell))
    agent = "The Checkmk agent needs its plugin citrix_licenses, and port 6556 unencrypted."
    return _Setup(("nc", "-w", "10", host_name, "6556"), (agent,))


def _powershell(script: str, host: str, remarks: tuple[str, ...]) -> _Setup:
    # Base64 of UTF-16 passes sh, cmd and another PowerShell unchanged.
    encoded = base64.b64encode(script.encode("utf-16-le")).decode()
    run = f"powershell -NoProfile -NonInteractive -EncodedCommand {encoded}"
    return _Setup((*_SSH, host, run), (_KEYS, *remarks), script)


# The PowerShell scripts. ConvertTo-Json of Windows PowerShell writes enums as numbers and dates as
# milliseconds, so both are converted to text first: dates as ISO 8601, null becomes empty.

_CMDLETS: Final = {
    "get-licinventory": "Get-LicInventory",
    "get-liclasinventory": "Get-LicLasInventory",
}
_PREAMBLE: Final = (
    "$ErrorActionPreference='Stop'; $ProgressPreference='SilentlyContinue';"
    " [Console]::OutputEncoding=[Text.Encoding]::UTF8; "
)
_PLAIN_COLUMNS: Final = (
    "LocalizedLicenseProductName,LicensesInUse,LicensesAvailable,LicenseOverdraft".split(",")
)
_ENUM_COLUMNS: Final = "LicenseProductName LicenseEdition LicenseModel LicenseType".split()
_DATE_COLUMNS: Final = (
    "LicenseExpirationDate LicenseCustomerSuccessServicesDate LicenseSubscriptionAdvantageDate"
).split()
_POOL_COLUMNS: Final = (
    "PLD,PLDFullName,LicenseType,Count,InUseCount,PooledAvailable,Overdraft,VendorString"
)


def _inventory(cmdlet: str, host_name: str, certificate_hash: str) -> str:
    pin = f" -CertHash '{certificate_hash}'" if certificate_hash else ""
    enums = [f"@{{n='{name}';e={{[string]$_.{name}}}}}" for name in _ENUM_COLUMNS]
    columns = ",".join((*_PLAIN_COLUMNS, *enums, *map(_date_column, _DATE_COLUMNS)))
    return (
        f"{_PREAMBLE}Add-PSSnapin Citrix.Licensing.Admin.V1; ConvertTo-Json -Compress -InputObject"
        f" @({cmdlet} -AdminAddress 'https://{host_name}:8083'{pin} | Select-Object {columns})"
    )


def _wmi() -> str:
    from_class = "Get-CimInstance -Namespace root/CitrixLicensing -ClassName"
    pools = f"Select-Object {_POOL_COLUMNS},{_date_column('SubscriptionDate')}"
    licenses = f"Select-Object SerialNumber,{_date_column('ExpirationDate')}"
    return (
        f"{_PREAMBLE}ConvertTo-Json -Compress -Depth 4 -InputObject @{{"
        f"Citrix_GT_License_Pool=@({from_class} Citrix_GT_License_Pool | {pools});"
        f" Citrix_GT_License=@({from_class} Citrix_GT_License | {licenses})}}"
    )


def _date_column(name: str) -> str:
    return f"@{{n='{name}';e={{'{{0:o}}' -f $_.{name}}}}}"
