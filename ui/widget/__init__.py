"""The widget: widget.js on a publisher's page, /embed in its iframe, and /demo, a news page with the widget on it."""
