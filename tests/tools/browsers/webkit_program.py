"""A WebKitGTK window without toolbars, for WebKitWebDriver. Run by Debian's Python, which has the bindings.

Arguments: a folder for its data, a file for console messages, and the name of the settings (`Look`). It replaces
MiniBrowser, the driver's default, which can't be as narrow as a phone and writes no console messages.
"""

import os
import sys

import gi

gi.require_version("Gtk", "3.0")
gi.require_version("WebKit2", "4.1")
from gi.repository import Gdk, Gtk, WebKit2  # noqa: E402 - the versions come first.

folder, console, look = sys.argv[1:4]
os.dup2(os.open(console, os.O_CREAT | os.O_WRONLY | os.O_APPEND), sys.stdout.fileno())

Gtk.Settings.get_default().set_property("gtk-application-prefer-dark-theme", look == "dark")
Gtk.Settings.get_default().set_property("gtk-enable-animations", False)
# A data folder is needed: with an ephemeral session WebKitGTK writes no console messages.
manager = WebKit2.WebsiteDataManager(base_data_directory=folder, base_cache_directory=folder)
context = WebKit2.WebContext.new_with_website_data_manager(manager)
context.set_automation_allowed(True)
context.set_preferred_languages(["fi-FI", "fi"])
settings = WebKit2.Settings(
    enable_write_console_messages_to_stdout=True,
    # This disables only the page's scripts; those of the driver still run.
    enable_javascript_markup=look != "without scripts",
    enable_page_cache=True,
)


def open_window(_session: WebKit2.AutomationSession) -> WebKit2.WebView:
    window = Gtk.Window(decorated=False, default_width=390, default_height=844)
    view = WebKit2.WebView(is_controlled_by_automation=True, web_context=context, settings=settings)
    # There is no window manager here, so the window has to take the focus itself.
    window.connect("map-event", lambda *_: window.get_window().focus(Gdk.CURRENT_TIME))
    window.add(view)
    window.show_all()
    view.grab_focus()
    return view


def begin(_context: WebKit2.WebContext, session: WebKit2.AutomationSession) -> None:
    browser = WebKit2.ApplicationInfo()
    # The browser name that the test requests from the driver.
    browser.set_name("MiniBrowser")
    browser.set_version(WebKit2.get_major_version(), WebKit2.get_minor_version(), WebKit2.get_micro_version())
    session.set_application_info(browser)
    session.connect("create-web-view", open_window)


context.connect("automation-started", begin)
Gtk.main()
