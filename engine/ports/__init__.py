"""What the engine asks of a database, as protocols. Package ``storage`` implements them."""
