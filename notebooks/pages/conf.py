"""Sphinx's settings for `make pages`: nothing is run, and nothing is fetched."""

project = "Thumbnail Workbook"
extensions = ["myst_nb"]
html_theme = "sphinx_book_theme"
html_title = project
html_theme_options = {
    "use_download_button": False,
    "show_toc_level": 2,
    "navbar_persistent": [],  # the search stands in the sidebar
}
html_static_path = ["pages.css"]
html_css_files = ["pages.css"]
html_copy_source = False
html_show_copyright = False

nb_execution_mode = "off"  # the stored outputs are what the tests compare
nb_merge_streams = True
#: A widget lives in a running notebook; its text stands here.
nb_mime_priority_overrides = [
    ("html", "application/vnd.jupyter.widget-view+json", None)
]
myst_heading_anchors = 3
