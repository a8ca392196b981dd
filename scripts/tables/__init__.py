"""The generated parts of the pages, a module for each subject: `parts(language)` gives them by name."""
