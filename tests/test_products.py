import pytest

from lictui.model import Model
from lictui.products import cvad_code, describe


@pytest.mark.parametrize(
    ("code", "name", "short"),
    [
        ("XDT_PLT_UD", "Citrix Virtual Apps and Desktops Premium", "CVAD Premium"),
        ("XDT_PLT_CCS", "Citrix Virtual Apps and Desktops Premium", "CVAD Premium"),
        ("XDT_ENT_UD", "Citrix Virtual Apps and Desktops Advanced", "CVAD Advanced"),
        ("XDT_STD_UD", "Citrix Virtual Desktops Standard", "Virtual Desktops Standard"),
        ("XDS_ENT_UD", "Citrix XenDesktop Enterprise (Legacy)", "XenDesktop Enterprise (Legacy)"),
        ("XDS_ENT_CCS", "Citrix XenDesktop Enterprise (Legacy)", "XenDesktop Enterprise (Legacy)"),
        ("MPS_ENT_CCU", "Citrix Virtual Apps Advanced", "Virtual Apps Advanced"),
        ("PVS_STD_CCS", "Citrix Provisioning Services", "Provisioning Services"),
        ("CNS_V200_SERVER", "Citrix NetScaler VPX 200", "NetScaler VPX 200"),
        ("CNS_5500_SERVER", "Citrix NetScaler MPX 5500", "NetScaler MPX 5500"),
        ("CITRIX", "Start-up License", "Start-up License"),
        (" mps_ent_ccu ", "Citrix Virtual Apps Advanced", "Virtual Apps Advanced"),
    ],
)
def test_published_code_has_its_names(code: str, name: str, short: str) -> None:
    product = describe(code)
    assert (product.code, product.name, product.short_name) == (code, name, short)


@pytest.mark.parametrize("code", ["CVAP_PRE_UD", "NEW", "", "XDT_PLT", "CNS_V7_SERVER", "[/x]_UD"])
def test_unknown_code_is_its_own_name(code: str) -> None:
    assert describe(code).name == code


@pytest.mark.parametrize(
    ("code", "model"),
    [
        ("MPS_PLT_CCU", Model.CONCURRENT),
        ("XDT_PLT_CCS", Model.CONCURRENT),
        ("CESLT_STD_SCCU", Model.CONCURRENT),
        ("CPM_STD_RC", Model.CONCURRENT),
        ("XDT_PLT_UD", Model.USER_DEVICE),
        ("CPM_STD_RN", Model.NAMED_USER),
        ("CNS_SSE_SERVER", Model.SERVER),
        ("CESLT_STD_SSERVER", Model.SERVER),
        ("MPS_ENT_ENABLER", Model.ENABLER),
        ("NOBODY_KNOWS_CCS", Model.CONCURRENT),
        ("UD", Model.OTHER),
        ("XDT_PLT_UDX", Model.OTHER),
    ],
)
def test_suffix_decides_the_model(code: str, model: Model) -> None:
    assert describe(code).model is model


def test_only_start_up_licenses_are_not_counted() -> None:
    assert not describe("CITRIX").counted
    assert not describe("CTXLSDIAG").counted
    assert describe("XDT_PLT_UD").counted
    assert describe("CITRIXX").counted


@pytest.mark.parametrize(
    ("enums", "code"),
    [
        (("XenDesktopXdt", "Platinum", "UserDevice"), "XDT_PLT_UD"),
        (("XenDesktopXdt", "Enterprise", "Concurrent"), "XDT_ENT_CCS"),
        (("XenDesktopXds", "Vdi", "Concurrent"), "XDS_STD_CCS"),
        (("XenApp", "Advanced", "Concurrent"), "MPS_ADV_CCU"),
        (("XenDesktopXdt", "Apps", "UserDevice"), "XDT_APP_UD"),
        (("CVAP", "PRE", "Concurrent"), "CVAP_PRE_CCS"),
        (("Unknown", "Unknown", "Unknown"), "Unknown_Unknown_Unknown"),
        (("XenApp", "", ""), "MPS"),
    ],
)
def test_cvad_enums_become_a_code(enums: tuple[str, str, str], code: str) -> None:
    assert cvad_code(*enums) == code


def test_reported_name_and_model_count_where_the_catalog_has_none() -> None:
    reported = describe("XenDesktop:XAXDFull", "DaaS Premium", Model.USER_DEVICE)
    assert (reported.name, reported.model) == ("DaaS Premium", Model.USER_DEVICE)
    assert describe("XDT_PLT_UD", "other").name == describe("XDT_PLT_UD").name
