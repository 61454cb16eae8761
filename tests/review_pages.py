"""The review page of a home in tests: the application with its real actions, and a browser's requests."""

import re
from datetime import date
from html import unescape

from fastapi.testclient import TestClient

from flows.operations.decisions.review import actions_of
from flows.terminal import Options
from tasks.reporting.review.access.admission import Admission
from tasks.reporting.review.access.guard import endpoint
from tasks.reporting.review.application import make_application

FIELD = re.compile(r'name="(form_token|seen)" value="([0-9a-f]*)"')


class Watch:
    """Seconds that a test sets."""

    seconds = 0.0

    def __call__(self):
        return self.seconds


class Browser:
    """One browser at the page of a home. `form` fills in what the page's own forms carry."""

    def __init__(self, home, *, first=date(2024, 6, 14), password=None, origin=None, actions=None):
        self.watch = Watch()
        self.served = endpoint("127.0.0.1", 8765, origin=origin)
        self.admission = Admission(self.watch, password=password)
        self.application = make_application(
            actions or actions_of(Options(home=home), first),
            served=self.served,
            admission=self.admission,
            clock=self.watch,
            title="Afterclose",
            is_simulated=False,
            first=first,
        )
        self.client = TestClient(self.application, base_url=self.served.origin, follow_redirects=False)

    def open(self):
        answer = self.get(f"/start/{self.admission.start_token}")
        assert answer.status_code == 303, answer.text
        return self

    def get(self, path, **headers):
        return self.client.get(path, headers=headers)

    def text(self, path):
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return unescape(answer.text)

    def form(self, page, **fields):
        """Return the fields as the page's forms would send them."""
        return {**dict(FIELD.findall(self.get(page).text)), **fields}

    def post(self, path, fields, **headers):
        return self.client.post(path, data=fields, headers={"origin": self.served.origin, **headers})
