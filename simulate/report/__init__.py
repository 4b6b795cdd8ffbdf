"""Output for users: text, pictures, pages."""
