"""Words to rows: the only room that knows names and row numbers."""
