"""What a person sees: the pieces the pages are built from."""
