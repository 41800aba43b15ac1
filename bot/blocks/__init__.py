"""Pure Block Kit builders: from documents to messages and views. Nothing here calls Slack or the engine."""
