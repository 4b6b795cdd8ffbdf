"""One step of one world: a file a section of docs/model.md."""
