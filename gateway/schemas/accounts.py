"""Accounts and organisations, as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from aiox.kernel.account import HubRole, OrgRole
from gateway.schemas.common import Out


class SignedUp(Out):
    """What follows: `confirm` the address by the link that was sent to it, or `created`: sign in."""

    next: Literal["confirm", "created"]


class AccountOut(Out):
    """One's own account."""

    user_id: UUID
    email: str
    jid: str
    hub_role: HubRole | None
    second_factor: bool
    created_at: datetime


class SecondFactorBegun(Out):
    """A new secret, told once: to be typed into an authenticator, or shown as the QR code of `uri`."""

    secret: str
    uri: str


class RecoveryCodes(Out):
    """Codes that replace the second factor, each once. They are told once, here."""

    codes: list[str]


class OrganisationOut(Out):
    """An organisation, and the role of who asks in it."""

    id: UUID
    name: str
    role: OrgRole
    created_at: datetime


class OrganisationList(Out):
    """Those that the person is a member of."""

    items: list[OrganisationOut]


class MemberOut(Out):
    """Somebody in an organisation."""

    user_id: UUID
    jid: str
    role: OrgRole
    created_at: datetime


class OrganisationDetail(OrganisationOut):
    """An organisation and everybody in it."""

    members: list[MemberOut]


class InvitationOut(Out):
    """An invitation that can still be accepted. Its token is in the letter only."""

    id: UUID
    email: str
    role: OrgRole
    created_at: datetime
    expires_at: datetime


class InvitationList(Out):
    """All of an organisation, newest first."""

    items: list[InvitationOut]


class MembershipOut(Out):
    """Where the person is a member now, and as what."""

    organisation_id: UUID
    role: OrgRole
