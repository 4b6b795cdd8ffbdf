"""Results: stores on disk and Datasets in memory."""
