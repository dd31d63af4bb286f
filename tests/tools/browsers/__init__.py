"""The site in other engines than Chromium's: a short walk through it, with pictures."""
