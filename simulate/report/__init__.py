"""What users see: text, pictures, pages."""
