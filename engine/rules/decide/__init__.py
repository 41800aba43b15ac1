"""The decisions: each drafts the changes that follow from one thing that happened. All pure, so all replayable."""
