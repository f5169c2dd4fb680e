"""Product catalog: name and license model of a product code such as `XDT_PLT_UD`.

A name is never invented: a code without a published name is its own name.
"""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct

from lictui.model import Model

_CVAD: Final = "Citrix Virtual Apps and Desktops"


class Product(Struct, frozen=True):
    """A product code with its name and license model."""

    code: str  # as the server reports it
    name: str
    model: Model
    counted: bool = True  # start-up licenses are listed, never counted

    @property
    def short_name(self) -> str:
        """The name on narrow screens: `CVAD Premium`, `Virtual Apps Advanced`."""
        return self.name.replace(_CVAD, "CVAD").removeprefix("Citrix ")


def describe(code: str, name: str = "", model: Model = Model.OTHER) -> Product:
    """Return the product of `code`, in any case; an unknown code never raises.

    A reported `name` is used where none is published, a reported `model` wherever it is known.
    """
    upper = code.strip().upper()
    is_start_up = upper in _START_UP
    if model is Model.OTHER:
        model = Model.SERVER if is_start_up else _model(upper)
    return Product(code, _name(upper) or name or code, model, counted=not is_start_up)


def abbreviated(message: str, code: str) -> str:
    """Return a message about a product with its short name, as lists show it."""
    product = describe(code)
    return message.replace(product.name, product.short_name) if code else message


def cvad_code(product: str, edition: str, model: str) -> str:
    """Return the product code of a CVAD inventory line, which has three enums instead.

    The enums are LicenseProduct, ProductEdition and LicenseModel of the orchestration API's
    LicenseInventoryModel; a value without an abbreviation is used as it is.
    """
    stem = _CVAD_PRODUCTS.get(product, product)
    concurrent = "CCU" if stem == "MPS" else "CCS"
    suffix = {"UserDevice": "UD", "Concurrent": concurrent}.get(model, model)
    return "_".join(filter(None, (stem, _CVAD_EDITIONS.get(edition, edition), suffix)))


def is_start_up(product: str, license_type: str) -> bool:
    """Whether an inventory line with these values is a start-up license.

    The enum LicenseProduct has no name for its product: it is Unknown, of LicenseType SYS.
    """
    unnamed = product.upper() in ("", "UNKNOWN") and license_type.upper() == "SYS"
    return unnamed or product.upper() in _START_UP


_CVAD_PRODUCTS: Final = {"XenDesktopXdt": "XDT", "XenDesktopXds": "XDS", "XenApp": "MPS"}
_CVAD_EDITIONS: Final = {
    "Platinum": "PLT",
    "Enterprise": "ENT",
    "Advanced": "ADV",
    "Apps": "APP",
    "Vdi": "STD",
}

_MODELS: Final = {
    "CCU": Model.CONCURRENT,
    "CCS": Model.CONCURRENT,
    "SCCU": Model.CONCURRENT,
    "RC": Model.CONCURRENT,
    "UD": Model.USER_DEVICE,
    "RN": Model.NAMED_USER,
    "SERVER": Model.SERVER,
    "SSERVER": Model.SERVER,
    "ENABLER": Model.ENABLER,
}

START_UP_CODE: Final = "CITRIX"
_START_UP: Final = {
    START_UP_CODE: "Start-up License",
    "CTXLSDIAG": "License Server Diagnostics",
}


def _model(code: str) -> Model:
    """Return the model of the suffix (Citrix CTX130944 calls the three parts "PEM")."""
    _, underscore, suffix = code.rpartition("_")
    return _MODELS.get(suffix, Model.OTHER) if underscore else Model.OTHER


def _name(code: str) -> str:
    """Return the published name of an upper-case code, else ""."""
    if name := _NAMES.get(code):
        return name
    for pattern, name in _FAMILIES:
        if match := re.fullmatch(pattern, code):
            return f"{name} {match[1]}"
    return ""


def _table(*rows: tuple[str, str, str]) -> dict[str, str]:
    """Return an entry for each combination of the space-separated stems and suffixes of a row."""
    return {
        f"{stem}_{suffix}": name
        for stems, suffixes, name in rows
        for stem in stems.split()
        for suffix in suffixes.split()
    }


# Codes and names as Citrix's Get-LicLocalizedNames and two public monitoring scripts list them.
# Platinum, Enterprise and VDI carry the names of 2019 and later (Premium, Advanced, Standard);
# an edition without a published new name keeps the name it was sold under.
_NAMES: Final = _START_UP | _table(
    ("XDT_PLT", "UD CCS", f"{_CVAD} Premium"),
    ("XDT_ENT", "UD CCS", f"{_CVAD} Advanced"),
    ("XDT_ADV", "UD", "Citrix Virtual Apps Standard"),
    ("XDT_STD", "UD CCS", "Citrix Virtual Desktops Standard"),
    ("XDT_APP", "UD", "Citrix XenDesktop App"),
    ("XDS_PLT", "UD CCS", "Citrix XenDesktop Platinum (Legacy)"),
    ("XDS_ENT", "UD CCS", "Citrix XenDesktop Enterprise (Legacy)"),
    ("XDS_ADV", "UD CCS", "Citrix XenDesktop Advanced (Legacy)"),
    ("XDS_STD", "UD CCS", "Citrix XenDesktop VDI (Legacy)"),
    ("MPS_PLT", "CCU", "Citrix Virtual Apps Premium"),
    ("MPS_ENT", "CCU", "Citrix Virtual Apps Advanced"),
    ("MPS_ADV", "CCU", "Citrix XenApp Advanced"),
    ("MPS_STD", "CCU", "Citrix Virtual Apps Standard"),
    ("MPS_SMB", "RN", "Citrix XenApp Fundamentals"),
    ("MPS_VDS", "RN", "Citrix Desktop Server"),
    ("MPS_ENT", "ENABLER", "Citrix SmartAuditor"),
    ("PVS_STD", "CCS", "Citrix Provisioning Services"),
    ("PVSD_STD", "CCS", "Citrix Provisioning Server for Desktops"),
    ("CXS_PLT", "CCS", "Citrix XenServer Platinum"),
    ("CXS_ENT", "CCS", "Citrix XenServer Enterprise"),
    ("CXS_ADV", "CCS", "Citrix XenServer Advanced"),
    ("CXC_XT", "UD", "Citrix XenClient XT"),
    ("CEHV_PLT CEHV_ENT", "CCS", "Citrix Essentials StorageLink"),
    ("CESEP_ENT", "CCU", "Citrix EdgeSight for Endpoints"),
    ("CESPS_ENT", "CCU", "Citrix EdgeSight for XenApp"),
    ("CESLT_STD", "SCCU SSERVER", "Citrix EdgeSight for Load Testing"),
    ("MPM_ADV CPM_ADV", "RN RC", "Citrix Password Manager Advanced"),
    ("CPM_STD", "RN RC", "Citrix Password Manager Standard"),
    ("CPM_ENT", "RN RC", "Citrix Password Manager Enterprise"),
    ("CAG_SSLVPN CAG_AAC CAG_ICA", "CCU", "Citrix Access Gateway"),
    ("CAG_BASE CAG_EXPRESS", "SERVER", "Citrix Access Gateway"),
    ("CNS_SSE", "SERVER", "Citrix NetScaler Standard"),
    ("CNS_SEE", "SERVER", "Citrix NetScaler Enterprise"),
    ("CNS_SPE", "SERVER", "Citrix NetScaler Platinum"),
)

# Product families whose code contains the size or option.
_FAMILIES: Final = (
    (r"CNS_V(1|10|100|200|500|1000|3000)_SERVER", "Citrix NetScaler VPX"),
    (r"CNS_(\d{4,5})_SERVER", "Citrix NetScaler MPX"),
    (r"CBR(?:WS|W2K8)?_(\w+)_SERVER", "Citrix Branch Repeater"),
    (r"CWS(?:DE)?_(\w+)_SERVER", "Citrix WANScaler"),
)
