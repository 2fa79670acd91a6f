"""Commands and their answers as messages of the bus, and back."""

from __future__ import annotations

from aiox.kernel.command import CommandAnswered, CommandAsked, CommandName, FieldKind, FormField, Option
from aiox.wire.v1 import events_pb2 as pb


def asked_message(asked: CommandAsked) -> pb.CommandAsked:
    """A command as a message."""
    return pb.CommandAsked(
        sender_jid=asked.sender,
        address=asked.address,
        name=asked.name,
        words=asked.words,
        fields=dict(asked.values),
        written=asked.written,
        key=asked.key,
        proof=asked.proof,
    )


def asked_of(message: pb.CommandAsked) -> CommandAsked:
    """The command in a message. Raises ValueError when it does not say who asks, or where."""
    if not message.sender_jid or not message.address:
        raise ValueError("a command without a sender or an address")
    return CommandAsked(
        sender=message.sender_jid,
        address=message.address,
        name=message.name,
        words=message.words,
        values=dict(message.fields),
        written=message.written,
        key=message.key,
        proof=message.proof,
    )


def answered_message(answered: CommandAnswered) -> pb.CommandAnswered:
    """An answer as a message."""
    return pb.CommandAnswered(
        error_code=answered.error_code,
        text=answered.text,
        title=answered.title,
        form=[_field_message(one) for one in answered.form],
        more=answered.more,
        names=[pb.CommandName(name=one.name, title=one.title) for one in answered.names],
    )


def answered_of(message: pb.CommandAnswered) -> CommandAnswered:
    """The answer in a message. Raises ValueError for a field of a kind that is not known."""
    return CommandAnswered(
        error_code=message.error_code,
        text=message.text,
        title=message.title,
        form=tuple(_field_of(one) for one in message.form),
        more=message.more,
        names=tuple(CommandName(one.name, one.title) for one in message.names),
    )


def _field_message(field: FormField) -> pb.FormField:
    return pb.FormField(
        name=field.name,
        label=field.label,
        kind=field.kind,
        value=field.value,
        required=field.required,
        options=[pb.FormOption(value=one.value, label=one.label) for one in field.options],
    )


def _field_of(message: pb.FormField) -> FormField:
    options = tuple(Option(one.value, one.label) for one in message.options)
    return FormField(message.name, message.label, FieldKind(message.kind), message.value, message.required, options)
