"""What a person sees and does about writes: previews, stuck writes, health."""
