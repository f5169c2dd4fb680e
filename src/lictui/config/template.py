"""Templates of what a webhook posts, by jinja2: the names in them are those of an event."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from lictui.config.toml_document import InvalidValue

if TYPE_CHECKING:
    from collections.abc import Mapping

# A template is of the user's own; the values are not, so they are never taken for templates.
_ENVIRONMENT: Final = ImmutableSandboxedEnvironment(
    undefined=StrictUndefined,
    autoescape=False,
)


def check_template(text: str) -> None:
    """Raise InvalidValue if `text` is not a valid template."""
    try:
        _ENVIRONMENT.parse(text)
    except TemplateSyntaxError as error:
        raise InvalidValue(f"invalid template: {error.message}") from None


def render(template: str, values: Mapping[str, Any]) -> str:
    """Return the text with the values. Raises ValueError; JSON must stay JSON."""
    try:
        text = _ENVIRONMENT.from_string(template).render(values).strip()
    except (TemplateError, TypeError, ArithmeticError) as error:
        raise ValueError(str(error)) from None
    if text[:1] in ("{", "["):
        json.loads(text)
    return text
