"""The wired application: the only place that knows every part.

``desk`` opens a newsletter; ``editing`` gathers, builds, checks and approves; ``sending`` tests,
sends and gives receipts; ``ticking`` does what is due; ``example`` starts new newsletters.
"""

from newsletter.app.desk import Desk, open_desk

__all__ = ["Desk", "open_desk"]
