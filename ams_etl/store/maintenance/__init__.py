"""What keeps a database small and takes it elsewhere: retention, sizes, moving."""
