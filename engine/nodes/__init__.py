"""The node kinds: how a step of each is executed. Each gives an engine.outcomes value, whatever goes wrong."""
