"""Photos: what is kept of an uploaded one, and the files that pages show of it. Drawings (SVG) pass untouched."""
