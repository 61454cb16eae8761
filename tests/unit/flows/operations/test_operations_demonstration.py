"""The last lines of the demo."""

import json
import shlex
from datetime import date

from flows.demo import Demo
from flows.operations.research.demonstration import _lines


def test_the_command_of_the_last_line_can_be_pasted_where_the_home_s_path_has_a_space(tmp_path):
    home = tmp_path / "my demo"
    report = home / "live" / "2024-06-14" / "report.html"
    report.parent.mkdir(parents=True)
    (report.parent / "trades.csv").write_text("symbol\nAAA\n")
    (report.parent / "monitoring_log.json").write_text(json.dumps({"parity": {"state": "equal"}}))
    demo = Demo(home, (date(2024, 6, 14),), report, fresh=1, planted=0.2, found="Champion.")

    *_, last = _lines(demo, "none")

    pasted = shlex.split(last.partition(": ")[2])
    assert pasted == ["afterclose", "--home", str(home), "review", "2024-06-14"]
