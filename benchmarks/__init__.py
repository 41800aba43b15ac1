"""What is measured, with peers beside it. A benchmark reports what it measured, whoever wins."""
