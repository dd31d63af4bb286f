"""Where a picture is cropped that says nothing of it: in a portrait heads are above."""

from wagtail.images.image_operations import FillOperation, ImageTransform
from wagtail.images.models import AbstractImage
from wagtail.images.rect import Rect


class FillKeepingHeads(FillOperation):  # type: ignore[misc]
    """Wagtail's `fill-…`, which takes the middle of a picture without a focal point. Of a portrait it takes the top."""

    def run(self, transform: ImageTransform, image: AbstractImage) -> ImageTransform:
        width, height = transform.size
        kept = max(1, round(width * self.height / self.width))
        if not image.has_focal_point() and width < height and kept < height:
            transform = transform.crop(Rect(0, 0, width, kept))
        return super().run(transform, image)
