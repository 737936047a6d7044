"""Pictures that lie at an address, s3:// or https://, beside those of this machine."""
