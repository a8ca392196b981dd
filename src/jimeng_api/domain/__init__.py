"""The words of the project: requests, progress, results, errors. Imports nothing else of ours."""
