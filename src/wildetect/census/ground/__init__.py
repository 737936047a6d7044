"""Where each photograph looks, and where its boxes lie on the ground."""
