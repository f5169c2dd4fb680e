"""`lictui servers snippet`: what to run, or set up, where a server is.

Owns what goes to stdout (the lines, nothing else) and what to stderr (everything there is to know).
Must not know the lines: `recipes` does.
"""

from __future__ import annotations

import base64
import json
import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import click

from lictui.cli.context import CommandContext, load_configuration, select_servers
from lictui.errors import UsageError
from lictui.model import Server, SourceName

if TYPE_CHECKING:
    from collections.abc import Iterator


_HOST: Final = re.compile(r"(?!-)[\w.@:\[\]\\-]{1,255}")
_HASH: Final = re.compile(r"[0-9A-Za-z+/=:-]{1,200}")
_ACCOUNT: Final = re.compile(r"[^'\"`$\u2018-\u201f]*")  # PowerShell takes typographic quotes, too


@click.command()
@click.argument("name")
@click.option(
    "--as",
    "form",
    type=click.Choice(["all", "powershell", "ssh", "toml"]),
    default="all",
    envvar=(),
    help="powershell: the script alone; ssh: the line that runs it from here; toml: the same as"
    " `command` of servers.toml.",
)
@click.option("--host", metavar="[USER@]HOST", envvar=(), help="Where ssh goes.")
@click.option(
    "--cert-hash",
    metavar="HASH",
    default="",
    envvar=(),
    help="Of the license server's certificate, as Get-LicCertificate shows it.",
)
@click.pass_obj
def snippet(
    context: CommandContext, /, *, name: str, form: str, host: str | None, cert_hash: str
) -> None:
    """Print the line that reads a server, ready to be copied.

    For source command, the PowerShell or ssh line of its format: lictui never makes ssh trust a
    host. For the other sources, what an administrator sets up there, once.
    """
    _, servers = load_configuration(context)
    (server,) = select_servers(servers, (name,))
    target = _host(server, host) or PLACEHOLDER
    if cert_hash and not _HASH.fullmatch(cert_hash):
        raise UsageError("--cert-hash is no hash", "as Get-LicCertificate shows it: CertHash")
    if not _ACCOUNT.fullmatch(server.username):
        raise UsageError(f"the username of {name} holds quotes, which no line can carry safely")
    found = setup_commands(server, target, cert_hash)
    if form == "powershell" and not found.script:
        raise UsageError(f"no PowerShell is needed for {name}", "leave --as out")
    if form in ("ssh", "toml") and not found.words:
        raise UsageError(f"no command is run for {name}", "leave --as out")
    for remark in _remarks(found):
        click.echo(f"# {remark}", err=True)
    _print(found, form)


def _remarks(found: SetupCommands) -> Iterator[str]:
    yield from found.remarks
    if any(PLACEHOLDER in word for word in found.words):
        yield f"Put the host where {PLACEHOLDER} stands, or give --host."


def _print(found: SetupCommands, form: str) -> None:
    for line in found.lines:
        click.echo(line)
    if found.script and form in ("all", "powershell"):
        click.echo("# The PowerShell that runs there:", err=True)
        click.echo(found.script)
    if found.words and form in ("all", "ssh"):
        click.echo("# From here:", err=True)
        click.echo(shlex.join(found.words))
    if form == "toml":
        click.echo(f"command = {json.dumps(found.words, ensure_ascii=False)}")


def _host(server: Server, given: str | None) -> str:
    """Where ssh goes: as given, or where the registered command goes already; "" if nowhere."""
    from lictui.sources.command.source import ssh_host  # noqa: PLC0415 - `--help` reads no command

    if given is not None and not _HOST.fullmatch(given):
        raise UsageError(f"--host is no host: {given!r}", "write HOST or USER@HOST")
    host = given or ssh_host(server.command)
    return host if _HOST.fullmatch(host) else ""


# What has to be run, or set up, on a license server so that lictui can read it


PLACEHOLDER: Final = "LICENSE-SERVER"  # where no host is known
_ACCOUNT_RECIPES: Final = r"DOMAIN\ACCOUNT"
_SSH: Final = (
    "ssh",
    *("-o", "BatchMode=yes"),  # asks nobody for anything
    *("-o", "StrictHostKeyChecking=yes"),
    *("-o", "ConnectTimeout=10"),
    "--",
)
_TOOLS: Final = r"C:\Program Files (x86)\Citrix\Licensing"
_PREAMBLE: Final = (
    "$ErrorActionPreference='Stop'; $ProgressPreference='SilentlyContinue';"
    " [Console]::OutputEncoding=[Text.Encoding]::UTF8; "
)
# In Windows PowerShell, ConvertTo-Json writes enums as numbers, and days as milliseconds.
_TEXTS: Final = ("LicenseProductName", "LicenseEdition", "LicenseModel", "LicenseType")
_PLAIN: Final = (
    "LocalizedLicenseProductName",
    "LicensesInUse",
    "LicensesAvailable",
    "LicenseOverdraft",
)
_DAYS: Final = (
    "LicenseExpirationDate",
    "LicenseCustomerSuccessServicesDate",
    "LicenseSubscriptionAdvantageDate",
)
_POOL: Final = "PLD,PLDFullName,LicenseType,Count,InUseCount,PooledAvailable,Overdraft,VendorString"


@dataclass(frozen=True, slots=True)
class SetupCommands:
    """What to run, and what there is to know about it."""

    words: tuple[str, ...] = ()  # the `command` of servers.toml, as an argument list
    script: str = ""  # the PowerShell in it, readable; no double quotes, so it fits between them
    lines: tuple[str, ...] = ()  # for an administrator, once, on the server
    remarks: tuple[str, ...] = ()


def setup_commands(server: Server, host: str, certificate_hash: str = "") -> SetupCommands:
    """How `server` is made readable; `host` is where ssh goes, `user@host` maybe.

    Both are put into lines as they are: the caller passes nothing that needs quotes.
    """
    match server.source:
        case SourceName.COMMAND:
            return _by_command(server.format, host, certificate_hash)
        case SourceName.WINRM:
            return _winrm(server)
        case SourceName.CVAD:
            return _cvad(server)
        case SourceName.LMSTAT:
            words = (server.lmutil or "lmutil", "lmstat", "-a", "-c", server.address)
            remark = "lictui runs this itself; the FlexNet ports must be open from here."
            return SetupCommands(words, remarks=(remark,))
        case _:
            return SetupCommands(remarks=(_CLIENT,))


_CLIENT: Final = (
    "Nothing runs there: create an API client for an administrator who may read licensing (Citrix"
    " Cloud, Identity and Access Management, API Access). username is its client id, secret says"
    " where the client secret is."
)


def _by_command(form: str, host: str, certificate_hash: str) -> SetupCommands:
    address = f"https://{host.rpartition('@')[2]}:8083"
    match form:
        case "get-licinventory":
            return _powershell(_inventory("Get-LicInventory", address, certificate_hash), host)
        case "get-liclasinventory":
            return _powershell(_inventory("Get-LicLasInventory", address, certificate_hash), host)
        case "wmi-json":
            return _powershell(_wmi(), host, cmdlets=False)
        case "lmstat":
            tool = rf'"{_TOOLS}\LS\lmutil" lmstat -a -c @localhost'
        case "udadmin":
            tool = rf'"{_TOOLS}\LS\udadmin" -list -times'
        case "license-file":
            tool = rf'cmd /c type "{_TOOLS}\MyFiles\*.lic"'
        case "lictui":
            return SetupCommands((*_SSH, host, "lictui status --json"), remarks=(_KEYS,))
        case _:
            agent = "The Checkmk agent there needs its plugin citrix_licenses, and plain port 6556."
            return SetupCommands(
                ("nc", "-w", "10", host.rpartition("@")[2], "6556"), remarks=(agent,)
            )
    shell = f'Where PowerShell is the default shell of sshd there, put "& " before: & {tool}'
    return SetupCommands((*_SSH, host, tool), remarks=(_KEYS, shell))


_KEYS: Final = (
    "ssh asks nothing: it needs a key, and the host in known_hosts. Connect once in a terminal as"
    " the user that lictui runs as, and compare the fingerprint."
)
_SNAP_IN: Final = (
    "The account needs to be an administrator of the license server, read-only, in Citrix"
    " Licensing Manager. The snap-in comes with Studio and with the license server."
)
_PINNING: Final = (
    "A self-signed certificate is refused until you give its hash: compare what Get-LicCertificate"
    " shows with the server's own, then: --cert-hash HASH"
)
_NAMESPACE: Final = (
    r"Rights: Remote Enable and Enable Account on the WMI namespace root\CitrixLicensing"
    " (wmimgmt.msc, Properties, Security)"
)


def _powershell(script: str, host: str, *, cmdlets: bool = True) -> SetupCommands:
    # Base64 of UTF-16: neither sh, cmd nor another PowerShell on the way can spoil it.
    encoded = base64.b64encode(script.encode("utf-16-le")).decode()
    run = f"powershell -NoProfile -NonInteractive -EncodedCommand {encoded}"
    own = (_SNAP_IN, _PINNING) if cmdlets else (_NAMESPACE + ".",)
    return SetupCommands((*_SSH, host, run), script=script, remarks=(_KEYS, *own))


def _inventory(cmdlet: str, address: str, certificate_hash: str) -> str:
    pinned = f" -CertHash '{certificate_hash}'" if certificate_hash else ""
    columns = ",".join((*_PLAIN, *map(_as_text, _TEXTS), *map(_as_day, _DAYS)))
    return (
        f"{_PREAMBLE}Add-PSSnapin Citrix.Licensing.Admin.V1; ConvertTo-Json -Compress -InputObject"
        f" @({cmdlet} -AdminAddress '{address}'{pinned} | Select-Object {columns})"
    )


def _wmi() -> str:
    from_class = "Get-CimInstance -Namespace root/CitrixLicensing -ClassName"
    pools = f"Select-Object {_POOL},{_as_day('SubscriptionDate')}"
    licenses = f"Select-Object SerialNumber,{_as_day('ExpirationDate')}"
    return (
        f"{_PREAMBLE}ConvertTo-Json -Compress -Depth 4 -InputObject @{{"
        f"Citrix_GT_License_Pool=@({from_class} Citrix_GT_License_Pool | {pools});"
        f" Citrix_GT_License=@({from_class} Citrix_GT_License | {licenses})}}"
    )


def _as_text(name: str) -> str:
    return f"@{{n='{name}';e={{[string]$_.{name}}}}}"


def _as_day(name: str) -> str:
    """ISO 8601 with its offset; text stays as it is, and nothing is nothing."""
    return f"@{{n='{name}';e={{'{{0:o}}' -f $_.{name}}}}}"


_LISTENER: Final = (
    "In PowerShell on the license server, by its administrator: the first line opens WinRM over"
    " TLS, and needs a certificate for server authentication."
)
_MEMBER: Final = f"{_NAMESPACE}; membership in Remote Management Users. No administrator is needed."
_READER: Final = (
    "In PowerShell on a Delivery Controller, by a full administrator of the site: the account may"
    " then read licensing, and change nothing."
)
_CONTROLLER: Final = "The controller must answer HTTPS, with a certificate that verify accepts."


def _winrm(server: Server) -> SetupCommands:
    account = server.username or _ACCOUNT_RECIPES
    return SetupCommands(
        lines=(
            "winrm quickconfig -transport:https",
            f"net localgroup 'Remote Management Users' '{account}' /add",
        ),
        remarks=(_LISTENER, _MEMBER),
    )


def _cvad(server: Server) -> SetupCommands:
    account = server.username or _ACCOUNT_RECIPES
    return SetupCommands(
        lines=(
            f"New-AdminAdministrator -Name '{account}'",
            f"Add-AdminRight -Administrator '{account}' -Role 'Read Only Administrator' -All",
        ),
        remarks=(_READER, _CONTROLLER),
    )
