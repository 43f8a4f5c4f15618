"""One module for each page, so that each page loads only its own script."""
