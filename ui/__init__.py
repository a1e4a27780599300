"""The chat: `python -m ui`. Settings that must stand before Gradio is imported are made here."""

import os

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # on by default, and it calls home when a Blocks is made
os.environ["HF_HUB_OFFLINE"] = "1"
