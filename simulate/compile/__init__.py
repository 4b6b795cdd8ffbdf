"""Words to rows: only this folder knows both names and row numbers."""
