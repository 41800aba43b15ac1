"""What doors ask for: every command and every reading. engine.commands.service is the one way in."""
