"""One step of one world: one file for each section of docs/model.md."""
