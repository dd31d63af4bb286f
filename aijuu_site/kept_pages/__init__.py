"""Complete responses to anonymous visitors, kept in memory until what they show changes."""
