"""Pictures that are drawn in more than one place: HoloViews elements made from plain data.

No backend is chosen here: `rendering` draws with matplotlib, to files; the dashboard with Bokeh.
"""
