"""Everything that runs inside a box. The host never imports this package."""
