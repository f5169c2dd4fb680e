"""A Delivery Controller's orchestration REST API, and Citrix Cloud's flavour of it."""

from lictui.simulator.cvad.service import serve_cvad
from lictui.simulator.cvad.site import Alert, Site, Usage

__all__ = ["Alert", "Site", "Usage", "serve_cvad"]
