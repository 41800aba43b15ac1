"""Workflow definitions: reading, checking, and what they mean (SPEC 2, SPEC 10)."""

from engine.definition.action import ActionSpec, Expect, Retry
from engine.definition.against_settings import missing_in_settings
from engine.definition.approval import ApprovalSpec, approvers_of
from engine.definition.decision import Case, DecisionSpec
from engine.definition.delay import DelaySpec, moment
from engine.definition.function import FunctionSpec
from engine.definition.load import load
from engine.definition.node import Node
from engine.definition.nodes import (
    NODE_KINDS,
    ApprovalNode,
    BranchNode,
    CallbackNode,
    CallbackSpec,
    DecisionNode,
    DelayNode,
    EndNode,
    EndSpec,
    MergeNode,
)
from engine.definition.problems import DefinitionError, Problem
from engine.definition.work import INNER_KINDS, ActionNode, FunctionNode, SyncNode, SyncSpec
from engine.definition.workflow import Workflow

__all__ = [
    "INNER_KINDS",
    "NODE_KINDS",
    "ActionNode",
    "ActionSpec",
    "ApprovalNode",
    "ApprovalSpec",
    "BranchNode",
    "CallbackNode",
    "CallbackSpec",
    "Case",
    "DecisionNode",
    "DecisionSpec",
    "DefinitionError",
    "DelayNode",
    "DelaySpec",
    "EndNode",
    "EndSpec",
    "Expect",
    "FunctionNode",
    "FunctionSpec",
    "MergeNode",
    "Node",
    "Problem",
    "Retry",
    "SyncNode",
    "SyncSpec",
    "Workflow",
    "approvers_of",
    "load",
    "missing_in_settings",
    "moment",
]
