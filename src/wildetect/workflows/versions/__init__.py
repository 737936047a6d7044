"""What happens to registered versions: their aliases move, they are deleted, they travel as files."""
