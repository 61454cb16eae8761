"""The settings of notifications: who is notified of what by e-mail, Slack or a signed webhook.

The defaults are in base.yaml. Passwords, tokens and signing keys are environment variables (docs/notifications.md).
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from config.section import Count, Section

LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
Kind = Literal[
    "day_proposed",
    "day_blocked",
    "no_trades",
    "execution_done",
    "execution_waiting",
    "execution_needs_person",
    "champion_promoted",
    "champion_retained",
    "run_failed",
]
Address = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*$",
        max_length=254,
    ),
]
WebhookUrl = Annotated[
    str, Field(pattern=r"^(|https://[^\s@\\]+|http://(localhost|127\.0\.0\.1|\[::1\])[:/][^\s@\\]*)$")
]


class Email(Section):
    """E-mail, sent through an SMTP server. The password is AFTERCLOSE_SMTP_PASSWORD in the environment."""

    host: Annotated[str, Field(pattern=r"^[A-Za-z0-9.:-]*$", max_length=253)]
    """Name or address of the SMTP server; empty: no e-mail."""
    port: Annotated[int, Field(ge=1, le=65_535)]
    """Usually 587 with starttls, 465 with implicit."""
    tls: Literal["starttls", "implicit", "none"]
    """Encryption of the connection; without it, a login is accepted only if the server is on this machine."""
    login: Annotated[str, Field(max_length=254)]
    """User name at the server; empty: no login."""
    sender: Annotated[Address | Literal[""], Field(description="Sender address of the e-mails.")]
    recipients: tuple[Address, ...]
    """Addresses; each gets an e-mail of its own."""
    kinds: tuple[Kind, ...]
    """What is sent, besides kill-switch messages, which are always sent."""

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.host and not (self.sender and self.recipients):
            raise ValueError("a host needs a sender and at least one recipient")
        if len(set(self.recipients)) < len(self.recipients):
            raise ValueError("a recipient is named twice")
        if self.login and self.tls == "none" and self.host not in LOCAL_HOSTS:
            raise ValueError("a login needs tls: starttls or implicit, unless the host is this machine")
        return self


class Slack(Section):
    """Slack, by an incoming webhook. Its URL is a secret: AFTERCLOSE_SLACK_WEBHOOK_URL in the environment."""

    enabled: bool
    """Whether messages are posted to Slack."""
    kinds: tuple[Kind, ...]
    """What is posted, besides kill-switch messages, which are always posted."""


class Webhook(Section):
    """A webhook, signed with AFTERCLOSE_WEBHOOK_SECRET in the environment."""

    url: WebhookUrl
    """An https URL, or an http URL on this machine; empty: no webhook. It is stored and shown: put no secret in it."""
    kinds: tuple[Kind, ...]
    """What is posted, besides kill-switch messages, which are always posted."""


class Notifications(Section):
    """Who is notified of what; docs/notifications.md."""

    email: Email
    slack: Slack
    webhook: Webhook
    max_delivery_s: Annotated[float, Field(gt=0, le=600)]
    """Longest time that a command waits for deliveries before it ends; a later command tries the rest."""
    retry_days: Count
    """A message not delivered within this many days is abandoned; `afterclose doctor` names it."""

    @property
    def has_channel(self) -> bool:
        """Whether there are any recipients."""
        return bool(self.email.host or self.slack.enabled or self.webhook.url)
