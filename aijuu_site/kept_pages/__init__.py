"""Complete responses for anonymous visitors, kept in memory until the content that they show changes."""
