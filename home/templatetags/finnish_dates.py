"""Filters for Finnish dates. They are builtins (TEMPLATES in the settings): no template needs to load them."""

from django import template

from home.dates import finnish_day, finnish_moment, finnish_time

register = template.Library()
register.filter("finnish_day", finnish_day)
register.filter("finnish_moment", finnish_moment)
register.filter("finnish_time", finnish_time)
