"""What the measuring scripts share: driving the binary, and reading pictures and sound with ffmpeg."""
