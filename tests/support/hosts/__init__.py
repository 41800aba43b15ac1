"""Several machines in one: hosts with networks of their own, whose cables can be pulled."""
