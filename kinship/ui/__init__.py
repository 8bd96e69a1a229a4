"""What the pages share: set-up, caching, widgets."""
