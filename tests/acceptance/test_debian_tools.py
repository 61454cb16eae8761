"""What other programs make of our files: mail readers of Debian, and Prometheus' own checks (`make test-tools`).

The mail goes through a local SMTP server first. Readers: Python's email package, GMime (by mu), and MIME-tools (Perl).
"""

import email
import email.policy
import json
import shutil
import subprocess
from base64 import b64decode
from dataclasses import dataclass
from pathlib import Path

import pytest

from tasks.core.homes.home import Home
from tasks.reporting.notify.schema import Picture
from tasks.reporting.telemetry.exposition import exposition
from tasks.reporting.telemetry.parts import Place, read_samples
from tests.builders import make_settings
from tests.documentation.dashboards import BOARDS, dashboard
from tests.homes import blank
from tests.notices import EVENING, ONE_PIXEL, email_settings, make_announcer, make_notice
from tests.servers.smtp import smtp_server

pytestmark = pytest.mark.tools

PROMETHEUS = Path(__file__).parents[2] / "config" / "prometheus"
CSV = b"symbol,side\nMSFT,BUY\n"
SUBJECT = "2024-06-14: approve 1 trade (buy $18,000, sell $0) before 09:30 ET Monday – für Ünïcode"
PERL = """
use MIME::Parser; use JSON::PP; use MIME::Base64;
my $parser = MIME::Parser->new; $parser->output_to_core(1);
my $mail = $parser->parse_open($ARGV[0]);
my @parts; my @open = ($mail);
while (my $part = shift @open) {
    unshift @open, $part->parts;
    my $body = $part->bodyhandle;
    push @parts, { type => scalar $part->mime_type, name => scalar $part->head->recommended_filename,
                   body => $body ? encode_base64($body->as_string) : undef };
}
print JSON::PP->new->ascii->encode({ parts => \\@parts, to => $mail->head->get("To") });
"""


@dataclass(frozen=True)
class Read:
    """What a reader makes of the mail."""

    to: str
    plain: str
    html: str
    picture: bytes
    attachment: bytes


@pytest.fixture(scope="module")
def mail(tmp_path_factory):
    """A mail as the server received it."""
    folder = tmp_path_factory.mktemp("mail")
    with smtp_server() as inbox:
        announcer = make_announcer(
            folder / "home", email_settings(inbox.port, recipients=["ann@example.com"])
        )
        announcer.say(make_notice(subject=SUBJECT, picture=Picture(ONE_PIXEL, "Equity", 560, 180)))
        announcer.deliver()
    path = folder / "mail.eml"
    path.write_bytes(inbox.mails[0].content)
    return path


def by_python(path: Path) -> Read:
    read = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    (attachment,) = read.iter_attachments()
    (picture,) = [part for part in read.walk() if part.get_content_type() == "image/png"]
    plain, html = (read.get_body((kind,)).get_content() for kind in ("plain", "html"))
    return Read(read["To"], plain, html, picture.get_content(), attachment.get_content().encode())


def by_gmime(path: Path) -> Read:
    folder = path.parent / "gmime"
    folder.mkdir(exist_ok=True)
    subprocess.run(
        ["mu", "extract", "--save-all", "--overwrite", f"--target-dir={folder}", str(path)], check=True
    )
    shown = subprocess.run(["mu", "view", str(path)], capture_output=True, text=True, check=True).stdout
    head = dict(line.split(": ", 1) for line in shown.splitlines()[:5])
    assert head["Subject"].endswith(SUBJECT)
    assert head["Attachments"].strip() == "trades.csv"
    parts = [folder / f"part-{number}" for number in (1, 2, 3)]
    plain, html = (part.read_text() for part in parts[:2])
    return Read(head["To"], plain, html, parts[2].read_bytes(), (folder / "trades.csv").read_bytes())


def by_perl(path: Path) -> Read:
    printed = subprocess.run(
        ["perl", "-e", PERL, str(path)], capture_output=True, text=True, check=True
    ).stdout
    read = json.loads(printed)
    bodies = {part["type"]: b64decode(part["body"]) for part in read["parts"] if part["body"]}
    assert [part["name"] for part in read["parts"] if part["name"]] == ["trades.csv"]
    plain, html = (bodies[kind].decode() for kind in ("text/plain", "text/html"))
    return Read(read["to"].strip(), plain, html, bodies["image/png"], bodies["text/csv"])


# issue 16, done when 4
@pytest.mark.parametrize("reader", [by_python, by_gmime, by_perl])
def test_a_reader_finds_every_part_of_the_mail(mail, reader):
    read = reader(mail)

    assert read.to == "ann@example.com"
    assert "One buy is proposed." in read.plain
    assert "One buy is proposed." in read.html
    assert "für Ünïcode" in read.html
    assert 'src="cid:picture.' in read.html
    assert read.picture == ONE_PIXEL
    assert read.attachment == CSV


def promtool(*arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    assert shutil.which("promtool"), "promtool is missing: apt-get install prometheus"
    return subprocess.run(["promtool", *arguments], input=given, capture_output=True, check=False)


def test_prometheus_accepts_the_alert_rules():
    checked = promtool("check", "rules", str(PROMETHEUS / "alerts.yaml"))

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_alert_fires_and_stays_silent():
    tested = promtool("test", "rules", str(PROMETHEUS / "alerts_test.yaml"))

    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_prometheus_accepts_the_metrics(tmp_path):
    home = Home(blank(tmp_path))
    samples = read_samples(Place(home, make_settings(), EVENING))

    checked = promtool("check", "metrics", given=exposition(samples))

    assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")


@pytest.mark.parametrize("name", BOARDS)
def test_prometheus_accepts_every_query_of_a_dashboard(tmp_path, name):
    queries = [target["expr"] for panel in dashboard(name)["panels"] for target in panel["targets"]]
    rules = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(queries)]
    path = tmp_path / "rules.json"  # YAML includes JSON
    path.write_text(json.dumps({"groups": [{"name": name, "rules": rules}]}))

    checked = promtool("check", "rules", "--lint=none", str(path))

    assert checked.returncode == 0, checked.stdout + checked.stderr
