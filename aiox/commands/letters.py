"""The letters that the hub writes. Tokens stand behind the `#` of a link, which browsers send to no server."""

from __future__ import annotations

from aiox.runtime.mail import Letter


def confirm_letter(to: str, url: str, token: str) -> Letter:
    """To a new account's address."""
    text = (
        "Somebody made an account on this hub with your e-mail address.\n\nIf it was you, confirm it within a day:\n\n"
        f"{url}/?confirm#token={token}\n\nYou will be asked for the password that you chose. If it was not you, do"
        " nothing: without the password nobody can use the address.\n"
    )
    return Letter(to, "Confirm your e-mail address", text)


def known_letter(to: str, url: str) -> Letter:
    """To somebody who has an account and for whom another was asked."""
    text = (
        "Somebody tried to make an account on this hub with your e-mail address, which has one already.\n\nIf it was"
        f" you, sign in at {url}/ or ask there for a new password. If it was not you, nothing has happened.\n"
    )
    return Letter(to, "You have an account already", text)


def reset_letter(to: str, url: str, token: str) -> Letter:
    """To somebody who forgot the password."""
    text = (
        "Somebody asked for a new password for your account on this hub.\n\nIf it was you, choose one within an hour:"
        f"\n\n{url}/?reset#token={token}\n\nIf it was not you, do nothing: your password stays as it is.\n"
    )
    return Letter(to, "Choose a new password", text)


def invitation_letter(to: str, url: str, token: str, organisation: str, by: str) -> Letter:
    """To somebody who is asked into an organisation. `by` is the address of who asks."""
    text = (
        f"{by} invites you to the organisation {organisation!r} on this hub.\n\nAccept within a week:\n\n"
        f"{url}/?invitation#token={token}\n\nThe link is good for this e-mail address only.\n"
    )
    return Letter(to, "An invitation", text)
