"""Where photographs were taken: from tags and tables."""
