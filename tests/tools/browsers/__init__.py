"""Short tests of the site in browser engines other than Chromium, with screenshots."""
