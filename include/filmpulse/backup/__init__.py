"""Tables of the warehouse to S3 and back: one folder a backup, its manifest written last.

`store` reaches the place, `manifest` says what a backup holds, `save` and `load` move tables,
`keep` decides which backups stay.
"""
