"""`lictui servers snippet`: the command that reads a server, or what to set up on it.

Commands go to stdout, remarks to stderr.
"""

from __future__ import annotations

import base64
import json
import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import click

from lictui.cli.context import load_configuration, select_servers
from lictui.errors import UsageError
from lictui.model import Server, SourceName
from lictui.sources.command.source import ssh_host

if TYPE_CHECKING:
    from lictui.cli.options import CommandContext

PLACEHOLDER: Final = "LICENSE-SERVER"  # where the host is unknown
_HOST: Final = re.compile(r"(?!-)[\w.@:\[\]\\-]{1,255}")
_HASH: Final = re.compile(r"[0-9A-Za-z+/=:-]{1,200}")
_ACCOUNT: Final = re.compile(r"[^'\"`$\u2018-\u201f]*")  # PowerShell accepts typographic quotes


@dataclass(frozen=True, slots=True)
class SetupCommands:
    """What to run for reading a server."""

    command: tuple[str, ...] = ()  # `command` of servers.toml: the argument list
    script: str = ""  # the PowerShell in it, readable; has no double quotes
    admin_lines: tuple[str, ...] = ()  # to be run once by an administrator, on the server
    remarks: tuple[str, ...] = ()


@click.command()
@click.argument("name")
@click.option(
    "--as",
    "form",
    type=click.Choice(["all", "powershell", "ssh", "toml"]),
    default="all",
    show_default=True,
    envvar=(),
    help="Limit to the PowerShell script, the ssh command, or the command as a line of"
    " servers.toml.",
)
@click.option("--host", metavar="[USER@]HOST", envvar=(), help="SSH target.")
@click.option(
    "--cert-hash",
    metavar="HASH",
    default="",
    envvar=(),
    help="Hash of the license server's certificate, as Get-LicCertificate shows it.",
)
@click.pass_obj
def snippet(
    context: CommandContext, /, *, name: str, form: str, host: str | None, cert_hash: str
) -> None:
    """Print a ready-to-use command for reading a server.

    For the source `command`: the PowerShell or ssh command of its format. For other sources: what
    an administrator sets up once on the server. lictui never makes ssh trust a host.
    """
    _, servers = load_configuration(context)
    (server,) = select_servers(servers, (name,))
    target = _ssh_target(server, host) or PLACEHOLDER
    if cert_hash and not _HASH.fullmatch(cert_hash):
        raise UsageError("invalid --cert-hash", "use the CertHash that Get-LicCertificate shows")
    if not _ACCOUNT.fullmatch(server.username):
        raise UsageError(f"the user name of {name} contains quotes and cannot be used in a command")
    commands = setup_commands(server, target, cert_hash)
    if form == "powershell" and not commands.script:
        raise UsageError(f"{name} needs no PowerShell", "remove --as")
    if form in ("ssh", "toml") and not commands.command:
        raise UsageError(f"{name} is read without a command", "remove --as")
    for remark in commands.remarks:
        click.echo(f"# {remark}", err=True)
    if any(PLACEHOLDER in argument for argument in commands.command):
        click.echo(f"# Replace {PLACEHOLDER} with the host name, or use --host.", err=True)
    _print(commands, form)


def _ssh_target(server: Server, host: str | None) -> str:
    """Return the given host, else that of the configured command; "" if there is none."""
    if host is not None and not _HOST.fullmatch(host):
        raise UsageError(f"invalid host {host!r}", "use HOST or USER@HOST")
    target = host or ssh_host(server.command)
    return target if _HOST.fullmatch(target) else ""


def _print(commands: SetupCommands, form: str) -> None:
    for line in commands.admin_lines:
        click.echo(line)
    if commands.script and form in ("all", "powershell"):
        click.echo("# PowerShell on the license server:", err=True)
        click.echo(commands.script)
    if commands.command and form in ("all", "ssh"):
        click.echo("# From this machine:", err=True)
        click.echo(shlex.join(commands.command))
    if form == "toml":
        click.echo(f"command = {json.dumps(commands.command, ensure_ascii=False)}")


# The commands by source and format

_KEYS: Final = (
    "SSH runs non-interactively: it needs a key, and the host in known_hosts. Connect once in a"
    " terminal as the user that lictui runs as, and compare the fingerprint."
)
_SNAP_IN: Final = (
    "The account needs to be a read-only administrator in Citrix Licensing Manager. The snap-in is"
    " part of Studio and of the license server."
)
_PINNING: Final = (
    "A self-signed certificate is refused without its hash: compare what Get-LicCertificate shows"
    " with the server's own certificate, then use --cert-hash HASH."
)
_NAMESPACE: Final = (
    r"Required rights: Remote Enable and Enable Account on the WMI namespace root\CitrixLicensing"
    " (wmimgmt.msc, Properties, Security)"
)
_LISTENER: Final = (
    "Run in an elevated PowerShell on the license server. The first line opens WinRM over TLS and"
    " needs a certificate for server authentication."
)
_MEMBER: Final = (
    f"{_NAMESPACE}; membership in Remote Management Users. No administrator rights are needed."
)
_READER: Final = (
    "Run in PowerShell on a Delivery Controller as a full administrator of the site; the account"
    " then has read-only access."
)
_CONTROLLER: Final = (
    "The controller must accept HTTPS, with a certificate that passes the setting verify."
)
_CLOUD_CLIENT: Final = (
    "No command is needed. Create an API client for an administrator with read access to licensing"
    " (Citrix Cloud, Identity and Access Management, API Access); username is its client ID, secret"
    " the reference to its client secret."
)
_DEFAULT_ACCOUNT: Final = r"DOMAIN\ACCOUNT"
_TOOLS: Final = r"C:\Program Files (x86)\Citrix\Licensing"
_SSH: Final = tuple(
    shlex.split("ssh -o BatchMode=yes -o StrictHostKeyChecking=yes -o ConnectTimeout=10 --")
)


def setup_commands(server: Server, host: str, certificate_hash: str = "") -> SetupCommands:
    """Return what to run so that lictui can read `server`; `host` is the target of ssh.

    `host` and `certificate_hash` are inserted as they are: the caller has checked them for quotes.
    """
    account = server.username or _DEFAULT_ACCOUNT
    match server.source:
        case SourceName.COMMAND:
            return _command_source(server.format, host, certificate_hash)
        case SourceName.WINRM:
            return SetupCommands(
                admin_lines=(
                    "winrm quickconfig -transport:https",
                    f"net localgroup 'Remote Management Users' '{account}' /add",
                ),
                remarks=(_LISTENER, _MEMBER),
            )
        case SourceName.CVAD:
            role = "Read Only Administrator"
            return SetupCommands(
                admin_lines=(
                    f"New-AdminAdministrator -Name '{account}'",
                    f"Add-AdminRight -Administrator '{account}' -Role '{role}' -All",
                ),
                remarks=(_READER, _CONTROLLER),
            )
        case SourceName.LMSTAT:
            return SetupCommands(
                (server.lmutil or "lmutil", "lmstat", "-a", "-c", server.address),
                remarks=("lictui runs this itself; the FlexNet ports must be reachable.",),
            )
        case _:
            return SetupCommands(remarks=(_CLOUD_CLIENT,))


def _command_source(command_format: str, host: str, certificate_hash: str) -> SetupCommands:
    host_name = host.rpartition("@")[2]
    address = f"https://{host_name}:8083"
    match command_format:
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
            agent = "The Checkmk agent needs its plugin citrix_licenses, and port 6556 unencrypted."
            return SetupCommands(("nc", "-w", "10", host_name, "6556"), remarks=(agent,))
    shell = f'If PowerShell is the default shell of sshd on the server, prefix "& ": & {tool}'
    return SetupCommands((*_SSH, host, tool), remarks=(_KEYS, shell))


def _powershell(script: str, host: str, *, cmdlets: bool = True) -> SetupCommands:
    # Base64 of UTF-16 passes sh, cmd and another PowerShell unchanged.
    encoded = base64.b64encode(script.encode("utf-16-le")).decode()
    run = f"powershell -NoProfile -NonInteractive -EncodedCommand {encoded}"
    remarks = (_SNAP_IN, _PINNING) if cmdlets else (_NAMESPACE + ".",)
    return SetupCommands((*_SSH, host, run), script=script, remarks=(_KEYS, *remarks))


# The PowerShell scripts. ConvertTo-Json of Windows PowerShell writes enums as numbers and dates as
# milliseconds, so both are converted to text first.

_PREAMBLE: Final = (
    "$ErrorActionPreference='Stop'; $ProgressPreference='SilentlyContinue';"
    " [Console]::OutputEncoding=[Text.Encoding]::UTF8; "
)
_PLAIN_COLUMNS: Final = (
    "LocalizedLicenseProductName",
    "LicensesInUse",
    "LicensesAvailable",
    "LicenseOverdraft",
)
_ENUM_COLUMNS: Final = ("LicenseProductName", "LicenseEdition", "LicenseModel", "LicenseType")
_DATE_COLUMNS: Final = (
    "LicenseExpirationDate",
    "LicenseCustomerSuccessServicesDate",
    "LicenseSubscriptionAdvantageDate",
)
_POOL_COLUMNS: Final = (
    "PLD,PLDFullName,LicenseType,Count,InUseCount,PooledAvailable,Overdraft,VendorString"
)


def _inventory(cmdlet: str, address: str, certificate_hash: str) -> str:
    pin = f" -CertHash '{certificate_hash}'" if certificate_hash else ""
    enums, dates = map(_enum_column, _ENUM_COLUMNS), map(_date_column, _DATE_COLUMNS)
    columns = ",".join((*_PLAIN_COLUMNS, *enums, *dates))
    return (
        f"{_PREAMBLE}Add-PSSnapin Citrix.Licensing.Admin.V1; ConvertTo-Json -Compress -InputObject"
        f" @({cmdlet} -AdminAddress '{address}'{pin} | Select-Object {columns})"
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


def _enum_column(name: str) -> str:
    return f"@{{n='{name}';e={{[string]$_.{name}}}}}"


def _date_column(name: str) -> str:
    """Return the column as ISO 8601 with offset; text is unchanged, and null becomes empty."""
    return f"@{{n='{name}';e={{'{{0:o}}' -f $_.{name}}}}}"
