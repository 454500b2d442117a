"""Where real data come from: tables, folders of images, handwritten digits."""
