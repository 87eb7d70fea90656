"""What keeps a database small, takes it elsewhere, and lets others read it: retention, sizes, moving, roles."""
