"""Which tools the editor's text fields offer. Few on purpose: the look belongs to the style sheet."""

# h2 belongs to a block's own heading field, so that a page's outline stays whole (WCAG 1.3.1).
PROSE_FEATURES = ["h3", "h4", "bold", "italic", "link", "ol", "ul"]
SHORT_FEATURES = ["bold", "italic", "link"]
