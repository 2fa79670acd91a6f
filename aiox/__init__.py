"""The hub: shared kernel below, the roof (`aiox.cli`) above."""
