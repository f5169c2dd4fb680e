"""The JSON Schemas of config.toml, servers.toml and `status --json`, by another validator."""

import json
import tomllib
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from tests.cli.conftest import CVAD, WINRM, Cli
from tests.cli.test_status import DOCUMENT

from lictui.config.loader import config_template
from lictui.paths import Paths


class Schemas:
    """What a validator says of a document."""

    def __init__(self, cli: Cli) -> None:
        self._cli = cli

    def errors(self, name: str, document: Any) -> list[str]:
        schema = json.loads(self._cli("config", "schema", name).out)
        Draft202012Validator.check_schema(schema)
        return [error.message for error in Draft202012Validator(schema).iter_errors(document)]


@pytest.fixture
def schemas(cli: Cli) -> Schemas:
    return Schemas(cli)


def test_config_schema_accepts_every_setting_of_the_template(schemas: Schemas) -> None:
    lines = [line.removeprefix("#") for line in config_template().splitlines()]
    settings = "\n".join(line for line in lines if not line.startswith(" "))
    document = tomllib.loads(settings)
    assert document["actions"]
    assert document["alerts"]
    assert schemas.errors("config", document) == []


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ("[alerts]\nwarn = 80", "80 is greater than the maximum of 1"),
        ("[alerts]\nwran = 0.8", "'wran' was unexpected"),
        ("[alerts.group.emea]\nfor = 1.5", "1.5 is not of type 'integer'"),
        ('[privacy]\nusers = "all"', "'all' is not one of ['hide', 'hash', 'show']"),
        ('[actions.a]\ncommand = "ls"', "'ls' is not of type 'array'"),
        ('[alerts]\nrepeat = "4 weeks"', "does not match"),
    ],
)
def test_config_schema_refuses_what_lictui_refuses(
    schemas: Schemas, wrong: str, reason: str
) -> None:
    (error,) = schemas.errors("config", tomllib.loads(wrong))
    assert reason in error


def test_servers_schema_agrees_with_registered_servers(
    cli: Cli, paths: Paths, schemas: Schemas
) -> None:
    cli("servers", "add", "lic-01", *WINRM, "--set", "auth=ntlm", "--interval", "60")
    cli("servers", "add", "ddc-01", *CVAD, "--set", 'overview_paths=["/a"]', "--verify", "false")
    document = tomllib.loads(paths.servers.read_text())
    assert schemas.errors("servers", document) == []
    lic, ddc = document["server"]
    for changed, reason in (
        ({**lic, "overview_paths": ["/a"]}, "'overview_paths' is not one of"),
        ({**ddc, "interval": 0}, "0 is less than the minimum of 1"),
        ({**ddc, "source": "snmp"}, "'snmp' is not one of"),
        ({"name": "x", "source": "lmstat"}, "'address' is a required property"),
    ):
        assert reason in schemas.errors("servers", {"server": [changed]})[0]


def test_status_schema_accepts_what_status_prints(cli: Cli, schemas: Schemas) -> None:
    cli("servers", "add", "lic-01", *WINRM, "--group", "emea")
    waiting = json.loads(cli("status", "--json", "--cached", code=1).out)
    for document in (waiting, DOCUMENT):
        assert schemas.errors("status", document) == []
    assert "required property" in schemas.errors("status", {**waiting, "servers": [{}]})[0]
