"""A chat client for people with no XMPP client at hand: real XMPP, TLS and SCRAM-SHA-256."""
