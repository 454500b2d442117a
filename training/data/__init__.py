"""Where real data come from: tables, folders of pictures, handwritten digits."""
