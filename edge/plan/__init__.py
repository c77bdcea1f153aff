"""How closely a camera is looked at, and when: what its rules need and what its pictures show."""
