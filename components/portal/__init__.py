"""The portal: its image, objects, pods and Jobs."""
