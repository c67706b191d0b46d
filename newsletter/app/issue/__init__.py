"""An issue from its sources to a checked mail: gather, build, pictures, recheck."""
