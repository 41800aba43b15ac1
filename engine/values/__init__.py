"""Values and texts from outside: read strictly, checked against schemas, stored whole, masked where they show."""
