"""What the pages ask of Wagtail's admin."""

from wagtail import hooks
from wagtail.rich_text.feature_registry import FeatureRegistry

from home.rich_text import PROSE_FEATURES


# After Wagtail's own apps, which add to the same list.
@hooks.register("register_rich_text_features", order=100)
def keep_features_few(features: FeatureRegistry) -> None:
    """A text field that does not say otherwise gets the tools of running text: no rules, no embeds, no images."""
    features.default_features = list(PROSE_FEATURES)
