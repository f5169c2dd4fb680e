"""License Usage Insights, simulated: the API for partners, behind the older trust service.

Read it from `service` (which path answers what, to whom) to `bodies` (field names) and `account`
(the figures).
"""

from lictui.simulator.partner.account import (
    Account,
    CustomerUsage,
    Feature,
    FeatureCount,
    LinkedCustomer,
    NetScaler,
    NetScalerLicense,
    PartnerServer,
    ServerUsage,
    Sku,
    Stamps,
)
from lictui.simulator.partner.service import serve_partner

__all__ = [
    "Account",
    "CustomerUsage",
    "Feature",
    "FeatureCount",
    "LinkedCustomer",
    "NetScaler",
    "NetScalerLicense",
    "PartnerServer",
    "ServerUsage",
    "Sku",
    "Stamps",
    "serve_partner",
]
