"""What the screens and commands do. No gradio here."""
