"""Words every room speaks: ids, addresses, envelope, verdict, outcome, errors, actions. Pure: no IO, no clock."""
