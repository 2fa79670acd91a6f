"""The XMPP door: stanzas in, stanzas out, and nothing that decides."""
