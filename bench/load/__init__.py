"""The load generator: many light XMPP clients, an open loop, everything that was heard is kept.

`plan` says who asks what when; `person` is one client; `crowd` lets many follow a plan, in this process or in several;
`report` makes figures of it. Latency counts from the scheduled time, so a hub that stands still cannot hide it
(coordinated omission).
"""
