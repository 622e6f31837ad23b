"""Pages that need nothing from anywhere: one file with its styles and pictures, for assessments and profiles."""
