"""The embedded stack of `aiox up`: stores, XMPP server and services as child processes on loopback."""
