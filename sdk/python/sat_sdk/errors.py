"""The two errors of the contract as exceptions."""

from __future__ import annotations

# RFC 6120 §8.3.3: the types of the conditions that aren't `cancel`.
_TYPES = {
    **dict.fromkeys(
        ("bad-request", "jid-malformed", "not-acceptable", "policy-violation", "redirect"), "modify"
    ),
    **dict.fromkeys(
        ("forbidden", "not-authorized", "registration-required", "subscription-required"), "auth"
    ),
    **dict.fromkeys(
        (
            "recipient-unavailable",
            "remote-server-timeout",
            "resource-constraint",
            "unexpected-request",
        ),
        "wait",
    ),
}


class SatError(Exception):
    """The `error` of `sat:host/types`: what a function of a plugin or of the host fails with.

    `code` is a stable kebab-case word for programs, `message` a sentence for people that says
    what to do about it.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"{self.message} ({self.code})"


class StanzaError(Exception):
    """A stanza error (RFC 6120 §8.3), raised by a function for `iq_handler`.

    Without `kind` it has the type that the RFC gives to the condition.
    """

    def __init__(self, condition: str, text: str | None = None, kind: str | None = None) -> None:
        super().__init__(condition, text)
        self.condition = condition
        self.text = text
        self.kind = kind or _TYPES.get(condition, "cancel")

    def __str__(self) -> str:
        return self.text or self.condition
