"""The portal's image and a freshly scaffolded app's, built and run side by side."""
