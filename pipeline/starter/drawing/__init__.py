"""Draws the starter pictures as SVG and renders them to WebP: `python -m pipeline.starter.drawing [KEY ...]`.

A scene is a function `draw_<key with underscores>() -> str` in a module `scenes_<anything>.py` of this package; it
returns `kit.picture(...)`. `render` finds these functions by name, there is nothing to register. The kit:

* `kit`        canvas, shapes, colours, gradients, textures, shadows, and `Camera`, a one-point perspective in metres
* `interiors`  rooms, floors, windows, doors, tables, chairs, shelves, beds, counters (placed with a `Camera`)
* `outdoors`   sky, ground, streets, houses, trees, water, cars, bicycles
* `people`     `Look` and `person`: adults and children, standing, walking, sitting, kneeling, from front, side, behind
* `heads`      `head`: a face on its own, for crowds, badges and pictures on screens
* `objects`    bags, boxes, plants, lamps, toys and other things that stand on something
* `kitchen`    bottles, jars, canisters, cups, plates, pots, knives, scissors, medicines
* `screens`    phones, laptops, monitors, papers and cards with text on them
* `animals`    dogs, cats, birds, horses

Conventions: the canvas is 1024 x 768 pixels, y grows downwards; light comes from the upper left; every thing that
stands takes `x` (its middle) and `y` (the line it stands on) and brings its own contact shadow; colours are six-digit
hex strings; parts are plain SVG strings, drawn in the order in which they are passed.
"""
