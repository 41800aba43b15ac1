"""The node kinds: how a step of each is executed. Each gives an engine.rules.outcomes value, whatever goes wrong."""
