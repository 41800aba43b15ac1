"""Slack: listeners, Block Kit builders, permissions, and the relay that turns outbox rows into messages."""
