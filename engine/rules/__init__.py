"""The pure core: what may be done, what follows, and what is told of it. No clock, no chance, no database."""
