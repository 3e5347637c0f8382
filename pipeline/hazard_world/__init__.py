"""HazardWorld: a toy world whose hazards are known exactly. It proves the machinery and says nothing about real models.

* `world`      the manifest: things, hazards, activities, and the forms of the language
* `scenes`     scenes and their harmless twins, from a seed
* `splits`     which of them are for training and which for evaluation
* `answers`    answers of four kinds in the world's language
* `grammar`    reads a text of that language
* `oracle`     scores any text for a scene, and says why
* `drawing`    the same picture in two sizes
* `truth`      what travels in a release item, and how it is read back
* `provider`   adds scenes to a workspace, as items like any other

`judge` and `caspo` do not import this package: they read what travels in the release.
"""
