"""lictui as others see it: a real Prometheus and VictoriaMetrics, Zabbix's import, systemd."""

import json
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
from tests.end_to_end.conftest import Program
from tests.support.simulators import Simulators, licenses
from tests.support.tcp_server import free_port
from tests.support.values import server

PATIENCE = 60.0  # seconds
PROMTOOL = shutil.which("promtool") or ""
PHP = shutil.which("php") or ""
pytestmark = pytest.mark.slow


def registered(program: Program, simulators: Simulators, *in_use: int) -> None:
    """Register a server for each figure, polled every second, and one that does not respond."""
    program.register(
        *(
            simulators.winrm(licenses(count)).server(
                f"lic-{number}", group='a "b"\\', interval=1.0
            )
            for number, count in enumerate(in_use)
        ),
        server("down", url="https://127.0.0.1:9/wsman", username="u", secret="env:LANG",
               auth="basic", interval=1.0),
    )  # fmt: skip


def fetch(url: str, query: dict[str, str] | None = None, data: bytes | None = None) -> str:
    with urlopen(f"{url}?{urlencode(query or {})}", data, timeout=PATIENCE) as answer:  # noqa: S310 - loopback
        text: str = answer.read().decode()
        return text


def wait_for(question: Any, expected: Any) -> None:
    """Ask until the answer is as expected."""
    deadline, answer = time.monotonic() + PATIENCE, None
    while time.monotonic() < deadline:
        try:
            answer = question()
        except OSError as error:  # it does not listen yet
            answer = error
        if answer == expected:
            return
        time.sleep(0.2)
    assert answer == expected


@contextmanager
def running(*command: str) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE)


@contextmanager
def collector(program: Program, *options: str) -> Iterator[subprocess.Popen[str]]:
    """Run `lictui collect` until it has polled; it must end with 0."""
    process = program.start("collect", *options)
    assert process.stderr is not None
    lines: list[str] = []
    while not {"lictui: lic-0 is up\n", "lictui: lic-1 is up\n"} <= set(lines):
        lines.append(process.stderr.readline())
        assert lines[-1], lines
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE)
    assert process.returncode == 0


def test_prometheus_scrapes_loads_the_rules_and_sums_as_lictui(
    program: Program, simulators: Simulators, tmp_path: Path
) -> None:
    registered(program, simulators, 412, 470)
    rules, textfile, dashboard = (tmp_path / n for n in ("rules.yml", "x.prom", "grafana.json"))
    port, own = free_port(), free_port()
    assert program.run("export", "rules", "-o", str(rules)).returncode == 0
    assert program.run("export", "grafana", "-o", str(dashboard)).returncode == 0
    checked = subprocess.run([PROMTOOL, "check", "rules", rules], check=False, capture_output=True)
    assert checked.returncode == 0, checked.stdout
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(rules)],
        "scrape_configs": [
            {"job_name": "l", "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
        ],
    }
    file = tmp_path / "prometheus.json"
    file.write_text(json.dumps(config))  # JSON is YAML
    prometheus = (
        "prometheus", f"--config.file={file}", f"--storage.tsdb.path={tmp_path / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{own}",
    )  # fmt: skip
    base = f"http://127.0.0.1:{own}/api/v1"

    def answer(path: str, **query: str) -> Any:
        document = json.loads(fetch(f"{base}/{path}", query))
        assert document["status"] == "success"
        return document["data"]

    def value(expression: str) -> list[str]:
        return [row["value"][1] for row in answer("query", query=expression)["result"]]

    with (
        collector(program, "--metrics-listen", str(port), "--textfile", str(textfile)),
        running(*prometheus),
    ):
        totals = program.json("status", "--cached")["totals"]
        for figure in ("in_use", "installed", "overdraft"):
            total = sum(row[figure] for row in totals)
            wait_for(lambda f=figure: value(f"sum(citrix_license_{f})"), [str(total)])
        wait_for(lambda: value("count(citrix_license_server_up == 0)"), ["1"])
        wait_for(lambda: value("sum(rate(citrix_license_polls_total[1m])) > bool 0"), ["1"])
        firing = {"CitrixLicenseServerDown/down", "CitrixLicenseUsage/lic-1"}
        firing |= {"CitrixLicenseUsage/lic-0"}
        wait_for(
            lambda: (
                firing
                - {
                    f"{alert['labels']['alertname']}/{alert['labels'].get('server')}"
                    for alert in answer("alerts")["alerts"]
                }
            ),
            set(),
        )
        groups = answer("rules")["groups"]
        assert {rule["health"] for group in groups for rule in group["rules"]} == {"ok"}
        for panel in json.loads(dashboard.read_text())["panels"]:
            for target in panel["targets"]:
                everything = re.sub(r"\$(group|server|product)", ".*", target["expr"])
                assert value(everything) or "expiry" in everything, panel["title"]
        with textfile.open("rb") as content:
            lint = [PROMTOOL, "check", "metrics"]
            done = subprocess.run(lint, stdin=content, check=False, capture_output=True)
        assert b"error" not in done.stderr  # node_exporter's parser


def test_rules_judge_as_lictui(program: Program, tmp_path: Path) -> None:
    """The sum of the pools of a product counts; an unknown figure raises no alert."""
    rules = tmp_path / "rules.yml"
    assert program.run("export", "rules", "-o", str(rules)).returncode == 0
    pools = (  # server, pool, in use, installed
        ("sum", 1, 40, 50), ("sum", 2, 44, 50), ("unknown", 1, 49, 50), ("unknown", 2, 49, None),
        ("none", 1, 5, 0), ("full", 1, 50, 50), ("idle", 1, 0, 0),
    )  # fmt: skip
    series = [
        {"series": f'citrix_license_{name}{{server="{server}",product="X",pool="{pool}"}}',
         "values": f"{value}x60"}
        for server, pool, *figures in pools
        for name, value in zip(("in_use", "installed"), figures, strict=True)
        if value is not None
    ]  # fmt: skip
    expected = [
        {"exp_labels": {"server": server, "product": "X", "severity": severity,
                        "polled_every": "900s"},
         "exp_annotations": {"summary": f"X on {server}: {usage}% of the licenses are used"}}
        for server, severity, usage in (
            ("sum", "warning", "84"), ("none", "critical", "+Inf"), ("full", "critical", "100"),
        )
    ]  # fmt: skip
    cases = [(14, []), (16, expected)]  # minutes: `for` is 900 seconds
    unit = {
        "rule_files": [str(rules)],
        "tests": [
            {"interval": "1m", "input_series": series, "alert_rule_test": [
                {"eval_time": f"{at}m", "alertname": "CitrixLicenseUsage", "exp_alerts": alerts}
                for at, alerts in cases
            ]},
        ],
    }  # fmt: skip
    file = tmp_path / "unit.json"
    file.write_text(json.dumps(unit))
    done = subprocess.run([PROMTOOL, "test", "rules", file], check=False, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_influx_lines_arrive_in_victoriametrics(
    program: Program, simulators: Simulators, tmp_path: Path
) -> None:
    registered(program, simulators, 412)
    port = free_port()
    lines = program.run("status", "--format", "influx").stdout
    base = f"http://127.0.0.1:{port}"
    with running(
        "victoria-metrics",
        f"-httpListenAddr=127.0.0.1:{port}",
        f"-storageDataPath={tmp_path / 'vm'}",
    ):
        wait_for(lambda: fetch(f"{base}/health"), "OK")
        fetch(f"{base}/write", data=lines.encode())

        def series() -> dict[str, tuple[str, list[float]]]:
            fetch(f"{base}/internal/force_flush")
            query = {"match[]": '{__name__=~"citrix_license.+"}'}
            rows = map(json.loads, fetch(f"{base}/api/v1/export", query).splitlines())
            return {
                f"{row['metric']['__name__']} {row['metric']['server']}": (
                    row["metric"].get("group", ""), row["values"],
                )
                for row in rows
            }  # fmt: skip

        wait_for(lambda: series().get("citrix_license_in_use lic-0"), ('a "b"/', [412]))
        read = series()
    assert read["citrix_license_server_up down"] == ("", [0])
    assert len(read) == len(re.findall(r"=[\d.]+i?[, ]", lines))


def test_zabbix_imports_the_template(program: Program) -> None:
    template = program.run("export", "zabbix").stdout
    importer = str(Path(__file__).with_name("zabbix_import.php"))

    def import_problem(text: str) -> str:
        return subprocess.run(
            [PHP, importer], input=text, check=False, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        ).stdout  # fmt: skip

    assert import_problem(template) == ""
    for right, wrong in (("delay", "interval"), ("HIGH", "LOUD"), ("last(", "last((")):
        assert wrong in import_problem(template.replace(right, wrong))


def test_systemd_accepts_the_unit_and_rates_it_safe(program: Program, tmp_path: Path) -> None:
    unit = tmp_path / "lictui.service"
    unit.write_text(program.run("collect", "--metrics-listen", "9877", "--print-unit").stdout)
    analyze = shutil.which("systemd-analyze")
    assert analyze
    done = subprocess.run([analyze, "verify", unit], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    rated = subprocess.run(
        [analyze, "security", "--offline=true", "--no-pager", unit],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    score = re.search(r"Overall exposure level for lictui\.service: ([\d.]+)", rated.stdout)
    assert score
    assert float(score[1]) < 2.0


def test_service_reports_to_its_manager_and_reloads(
    program: Program, simulators: Simulators, tmp_path: Path
) -> None:
    registered(program, simulators, 412, 470)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(PATIENCE)
        program.environment |= {
            "NOTIFY_SOCKET": str(tmp_path / "notify"),
            "WATCHDOG_USEC": "1500000",
        }

        def expect(message: str) -> None:
            while not manager.recv(999).decode().startswith(message):
                pass

        with collector(program) as process:
            expect("READY=1\nSTATUS=collecting from 3 servers")
            expect("WATCHDOG=1")
            expect("WATCHDOG=1")
            registered(program, simulators, 1, 2, 3)
            process.send_signal(signal.SIGHUP)
            expect("RELOADING=1\nMONOTONIC_USEC=")
            expect("READY=1")
            assert process.stderr is not None
            while "lic-2 is up" not in process.stderr.readline():
                pass
        expect("STOPPING=1")
