"""The first tables, by subject as in storage.tables, as revision 0001 makes them: never changed once released."""
