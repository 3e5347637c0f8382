"""Draws a scene of HazardWorld in two sizes, both exact functions of the scene.

* `pen`            shapes on a picture that is drawn four times as large and scaled down
* `things_house`   things of a household, `things_papers` papers and screens, `things_rooms` what hangs and stands
* `sprites`        every thing once, large and small, with nothing behind it
* `house`          the nine rooms: `draw_large` for people (960 x 720), `draw_small` for a tiny model (48 x 48)
"""
