"""What comes in from Slack, by kind: clicks, submitted windows, commands, App Home. Each module has a ``register``."""
