"""Workflow definitions: reading, checking, and what they mean (SPEC 2, SPEC 10)."""

from engine.definition.action import ActionSpec, Expect, Retry
from engine.definition.decision import Case, DecisionSpec
from engine.definition.function import FunctionSpec
from engine.definition.known import check
from engine.definition.load import load
from engine.definition.nodes import NODE_KINDS, ActionNode, DecisionNode, EndNode, EndSpec, FunctionNode, Node
from engine.definition.problems import DefinitionError, Problem
from engine.definition.workflow import Workflow

__all__ = [
    "NODE_KINDS",
    "ActionNode",
    "ActionSpec",
    "Case",
    "DecisionNode",
    "DecisionSpec",
    "DefinitionError",
    "EndNode",
    "EndSpec",
    "Expect",
    "FunctionNode",
    "FunctionSpec",
    "Node",
    "Problem",
    "Retry",
    "Workflow",
    "check",
    "load",
]
