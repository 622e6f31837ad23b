"""Tables as normals behind their columns."""
