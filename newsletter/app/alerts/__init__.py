"""Alerts to the editor: their text, and how they are sent."""
