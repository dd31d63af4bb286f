"""Kati's hand on the pause: a card with one button, the form, previews and the history."""
