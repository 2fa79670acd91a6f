"""Plumbing: settings, secrets, supervisor, logs, telemetry, clients of the stores, key ring, clock."""
