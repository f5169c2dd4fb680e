"""What DuckDB takes for questions about the past, over the same readings in Parquet."""

import time
from pathlib import Path
from typing import Final

import duckdb
import numpy as np
from tests.history.storage_cost import figures

THREADS: Final = 2
_TOTAL: Final = "(SELECT time, sum(in_use) AS used FROM reading GROUP BY time)"
QUESTIONS: Final = {
    "peaks": f"""SELECT max(used), arg_max(time, used), avg(used),
        max(used) FILTER (time >= {{month}}), max(used) FILTER (time >= {{day}}) FROM {_TOTAL}""",
    "chart": f"""SELECT time // 86400, min(used), avg(used), max(used)
        FROM {_TOTAL} GROUP BY ALL ORDER BY ALL""",
    "heat map": f"""SELECT hour % 168, avg(high) FROM
        (SELECT time // 3600 AS hour, max(used) AS high FROM {_TOTAL} GROUP BY ALL) GROUP BY ALL""",
    "percentiles": f"SELECT quantile_cont(used, [0.5, 0.95, 0.99]) FROM {_TOTAL}",
}


class Yardstick:
    """Readings of many pools in one Parquet file: `different` pools, the others are copies."""

    def __init__(self, folder: Path, pools: int, different: int, times: range) -> None:
        self._times = times
        self._duckdb = duckdb.connect()
        self._duckdb.execute(f"SET threads = {THREADS}")
        for number in range(different):
            lines = figures(number, times.step, 1)
            in_use = [next(lines)[0].reading.in_use for _ in times]
            columns = {"time": np.array(times), "in_use": np.array(in_use)}
            self._duckdb.register(f"pool{number}", columns)
        rows = " UNION ALL ".join(
            f"SELECT pool, time, in_use FROM pool{number}, range({number}, {pools}, {different})"
            " AS copies(pool)"
            for number in range(different)
        )
        file = folder / "readings.parquet"
        self._duckdb.execute(f"COPY ({rows} ORDER BY ALL) TO '{file}'")
        self._duckdb.execute(f"CREATE VIEW reading AS SELECT * FROM '{file}'")

    def seconds(self, question: str) -> float:
        """How long the answer to one of QUESTIONS takes."""
        last = self._times[-1]
        text = QUESTIONS[question].format(month=last - 30 * 86400, day=last - 86400)
        began = time.perf_counter()
        assert self._duckdb.execute(text).fetchall()
        return time.perf_counter() - began
