"""What each finding means for a visitor, and how its creator mends it: where it helps, in Blender's own menus.

Rule: data only, one entry for each code or for the beginning of several; the longest that fits counts. A finding's own
`hint` knows the case at hand and stands before what is said here.
"""

from __future__ import annotations

from dataclasses import dataclass

from roomscale.scenes.findings import Finding

_EXPORT_AGAIN = "export the scene again; if that does not help, update the exporter, or tell its makers"
_PACK_AGAIN = "pack the scene again: roomscale pack FILE -o DIR"
_BY_FIX = "roomscale check --fix mends it"
_BLENDER_IMAGES = (
    "File › Export › glTF 2.0 › Data › Material › Images: Automatic; pack images first (File › External Data)"
)
_BLENDER_APPLY = "Object › Apply › All Transforms (Ctrl+A), then export again"
_BLENDER_MODIFIERS = "File › Export › glTF 2.0 › Data › Mesh › Apply Modifiers; Decimate first where it is too fine"


@dataclass(frozen=True, slots=True)
class Advice:
    """`meaning`: what a visitor meets. `mend`: what to do. `blender`: where in Blender, "" if that is not the place."""

    meaning: str
    mend: str
    blender: str = ""


_UNREADABLE = Advice("nobody can open the file", _EXPORT_AGAIN)
_CUT = Advice("nobody can open the file: part of it is missing", "copy or download it again, then compare its size")
_BOMB = Advice("visitors' browsers would run out of memory", "leave it out, or get the file from where you trust it")
_GEOMETRY = Advice(
    "things would be drawn torn or not at all, or the graphics driver would read foreign memory", _EXPORT_AGAIN
)
_ANIMATION = Advice(
    "the animation would jump, stand still, or stop all others", _EXPORT_AGAIN, "bake actions before exporting"
)
_SKIN = Advice(
    "the figure would be torn", _EXPORT_AGAIN, "parent the mesh to its armature With Automatic Weights, then export"
)
_SHADING = Advice("light falls wrongly on it", _EXPORT_AGAIN, "export with Normals, and Tangents only with a UV map")
_FIELD = Advice("viewers disagree about it, or refuse the file", _EXPORT_AGAIN)
_LEFT_OUT = Advice("it is left out; the rest is shown", "leave it away, or correct its spelling")
_TREE = Advice("things would be shown twice, or the browser would loop for ever", "give each node one parent at most")
_IMAGE = Advice("the surface would be white or black", "save the image again as PNG, JPEG or WebP", _BLENDER_IMAGES)
_HEAVY = Advice("a phone shows it slowly, or ends the page", "make it smaller; roomscale pack does part of it")
_NOTHING = Advice("nobody notices", "nothing has to be done")
_ARRIVAL = Advice("visitors do not arrive there: the browser looks for a place of its own", "move the spawn point")
_SCALE = Advice(
    "visitors are 1.7 m tall: they are lost in it, or see it as a toy",
    "glTF is in metres: scale the scene",
    "Scene › Units › Unit Scale 1.0; scale (S), then Object › Apply › Scale (Ctrl+A)",
)
_COLLIDER = Advice(
    "walking is slow for everybody", "collide with something simpler than what is seen", _BLENDER_MODIFIERS
)
_WORLD_FILE = Advice("the setting has no effect", "correct the line in world.toml")

ADVICE: dict[str, Advice] = {
    # The file itself
    "EMPTY_FILE": _CUT,
    "UNKNOWN_FORMAT": Advice("nobody can open the file", "export it as glTF: .glb, or .gltf with its files"),
    "FILE_TOO_LARGE": _HEAVY,
    "INVALID_JSON": _UNREADABLE,
    "JSON_TOO_": _BOMB,
    "DUPLICATE_KEY": Advice("two viewers would show two different scenes", _EXPORT_AGAIN),
    "FORBIDDEN_KEY": Advice("it could take over scripts in visitors' browsers", "leave the key out"),
    "GLB_": _UNREADABLE,
    "GLB_LENGTH_": _CUT,
    "GLB_CHUNK_T": _CUT,
    "GLB_UNKNOWN_CHUNK_TYPE": _NOTHING,
    "GLB_EMPTY_BIN_CHUNK": _NOTHING,
    "ASSET_MIN_VERSION": _FIELD,
    "UNKNOWN_ASSET_": Advice("browsers read glTF 2.0", "export as glTF 2.0"),
    # The language
    "TYPE_MISMATCH": _FIELD,
    "ARRAY_": _FIELD,
    "DUPLICATE_ELEMENTS": _FIELD,
    "EMPTY_ENTITY": Advice(_FIELD.meaning, f"leave the empty list out; {_BY_FIX} at the top level"),
    "INVALID_": _FIELD,
    "ONE_OF_MISMATCH": _FIELD,
    "PATTERN_MISMATCH": _FIELD,
    "UNDEFINED_PROPERTY": _FIELD,
    "UNSATISFIED_DEPENDENCY": _FIELD,
    "VALUE_": _FIELD,
    "UNEXPECTED_PROPERTY": Advice("nobody reads it", "correct its spelling, or put it into extras"),
    "UNRESOLVED_REFERENCE": Advice("part of the scene is missing, or nothing of it opens", _EXPORT_AGAIN),
    "UNPRINTABLE_NAME": Advice("the name looks like another in lists and in the terminal", "rename it"),
    # Extensions
    "UNDECLARED_EXTENSION": Advice("some viewers leave it out", f"list it in extensionsUsed; {_BY_FIX}"),
    "UNUSED_EXTENSION_REQUIRED": Advice("some viewers refuse the file", f"list it in extensionsUsed; {_BY_FIX}"),
    "NON_REQUIRED_EXTENSION": Advice(
        "viewers without it would show nonsense", f"list it in extensionsRequired; {_BY_FIX}"
    ),
    "UNSUPPORTED_REQUIRED_EXTENSION": Advice("the scene does not open", "export without that extension"),
    "UNSUPPORTED_EXTENSION": Advice(
        "it is kept, and has no effect in the browser", "nothing, if it is meant for others"
    ),
    "INCOMPLETE_EXTENSION_SUPPORT": _NOTHING,
    "UNEXPECTED_EXTENSION_OBJECT": _LEFT_OUT,
    "MULTIPLE_EXTENSIONS": Advice(
        "the material looks different from viewer to viewer", "use one of the two extensions"
    ),
    "CAN_BE_MIGRATED": Advice("other viewers may not read the old form", "roomscale migrate writes the present one"),
    # Files and links
    "IO_ERROR": Advice(
        "a texture or a mesh is missing",
        "put the file beside the scene, spelled as in it (capitals count), or export one .glb",
        "File › Export › glTF 2.0 › Format: glTF Binary (.glb) keeps everything in one file",
    ),
    "UNSAFE_URI": Advice(
        "it would read files of this machine, or tell strangers who visits",
        "put the file beside the scene, and name it without a path or a host",
        "File › Export › glTF 2.0 › Format: glTF Binary (.glb) names no files",
    ),
    "INVALID_URI": Advice("a texture or a mesh is missing", _EXPORT_AGAIN),
    "NON_RELATIVE_URI": Advice("it is never fetched", "put the file beside the scene"),
    "URI_GLB": Advice("the .glb does not open without the files beside it", "roomscale publish and pack put them in"),
    "DATA_URI_GLB": Advice("the file is a third larger than it must be", "roomscale publish and pack put the data in"),
    "UNSAFE_LINK": Advice(
        "following it would run a script, or open a program", "let links lead to https:, matrix: or #place"
    ),
    "INSECURE_LINK": Advice("others can read and change what it leads to", "write https:"),
    # Buffers
    "BUFFER_": _GEOMETRY,
    "BUFFER_TOO_LONG": Advice(
        "everybody downloads bytes that nobody uses", "export again; publish and pack leave them out"
    ),
    "BUFFER_GLB_CHUNK_TOO_BIG": _NOTHING,
    "BUFFER_DATA_URI_MIME_TYPE_INVALID": _FIELD,
    "BUFFER_WITHOUT_DATA": _CUT,
    "BUFFER_BYTE_LENGTH_MISMATCH": _CUT,
    "BUFFER_VIEW_TARGET_MISSING": _NOTHING,
    "DECODED_TOO_LARGE": _BOMB,
    "DRACO_MALFORMED": Advice(
        "the mesh is not drawn", _EXPORT_AGAIN, "File › Export › glTF 2.0 › Data › Compression: off; pack compresses"
    ),
    "MESHOPT_": _GEOMETRY,
    "MESHOPT_BOMB": _BOMB,
    # Accessors
    "ACCESSOR_": _GEOMETRY,
    "ACCESSOR_TOO_LARGE": _BOMB,
    "ACCESSOR_ZERO_BOMB": _BOMB,
    "ACCESSOR_MIN_MISMATCH": Advice("things vanish while they are still in sight", _BY_FIX),
    "ACCESSOR_MAX_MISMATCH": Advice("things vanish while they are still in sight", f"{_BY_FIX}"),
    "ACCESSOR_ELEMENT_OUT_OF_": Advice("things vanish while they are still in sight", f"{_BY_FIX}"),
    "ACCESSOR_INVALID_FLOAT": Advice("the mesh vanishes, and the camera may with it", _EXPORT_AGAIN, _BLENDER_APPLY),
    "ACCESSOR_INVALID_SIGN": _SHADING,
    "ACCESSOR_VECTOR3_NON_UNIT": Advice(_SHADING.meaning, _BY_FIX, _SHADING.blender),
    "ACCESSOR_INDEX_TRIANGLE_DEGENERATE": _NOTHING,
    "ACCESSOR_ANIMATION_": _ANIMATION,
    "ACCESSOR_JOINTS_": _SKIN,
    "ACCESSOR_WEIGHTS_": Advice(
        _SKIN.meaning, f"normalise the weights; {_BY_FIX} where it can", "Weights › Normalize All"
    ),
    "ACCESSOR_INVALID_IBM": _SKIN,
    # Meshes
    "MESH_": _GEOMETRY,
    "MESH_PRIMITIVE_POSITION_ACCESSOR_WITHOUT_BOUNDS": Advice(
        "things vanish while in sight, or are never shown", _BY_FIX
    ),
    "MESH_PRIMITIVE_NO_POSITION": Advice("the mesh is not drawn", _EXPORT_AGAIN),
    "MESH_PRIMITIVE_NO_TANGENT_SPACE": _SHADING,
    "MESH_PRIMITIVE_GENERATED_TANGENT_SPACE": Advice("bumps look a little different in each viewer", "export tangents"),
    "MESH_PRIMITIVE_TANGENT_WITHOUT_NORMAL": _SHADING,
    "MESH_PRIMITIVE_TOO_FEW_TEXCOORDS": Advice(
        "the texture is one colour all over",
        "give the mesh the UV map that its material names",
        "Object Data › UV Maps",
    ),
    "MESH_PRIMITIVE_JOINTS_WEIGHTS_MISMATCH": _SKIN,
    "INSTANCING_": _BOMB,
    # Nodes and scenes
    "NODE_": _TREE,
    "NODE_EMPTY": _NOTHING,
    "NODE_MATRIX_": Advice("it stands somewhere else, or leans", "apply the object's transforms", _BLENDER_APPLY),
    "NODE_MATRIX_DEFAULT": _NOTHING,
    "NODE_FAR_AWAY": Advice("nobody finds it, and near it everything trembles", "move the scene to the origin"),
    "NODE_TOO_DEEP": _BOMB,
    "NODE_SKIN": _SKIN,
    "NODE_SKINNED_MESH_": Advice(
        "the figure stays where its bones are, wherever the node is put", "move the armature instead"
    ),
    "NODE_WEIGHTS_INVALID": _GEOMETRY,
    "ROTATION_NON_UNIT": Advice("it is drawn too large, or not at all", f"{_BY_FIX} unless it is zero", _BLENDER_APPLY),
    "SCENE_NON_ROOT_NODE": _TREE,
    "LOD_LOOP": _TREE,
    "SKIN_": _SKIN,
    "NO_SCENE": Advice("nothing is shown", "export a scene, not a library of parts"),
    "NO_DEFAULT_SCENE": _NOTHING,
    "TOO_MANY_": _HEAVY,
    "CAMERA_": Advice(
        "nothing: visitors bring their own camera", "leave the camera out", "Export › Data › Scene › Cameras off"
    ),
    "MATERIAL_": Advice("the material looks different from viewer to viewer", "export the material again"),
    "KHR_MATERIALS_": Advice(
        "the material looks a little different from what was meant", "look at the material's settings"
    ),
    "KHR_LIGHTS_": Advice("the light is left out", "make a spot's outer angle the larger one"),
    "KHR_ANIMATION_POINTER_": _ANIMATION,
    "TEXTURE_": _IMAGE,
    "ANIMATION_": _ANIMATION,
    "ANIMATION_SAMPLER_INPUT_ACCESSOR_WITHOUT_BOUNDS": Advice("the animation has no length", _BY_FIX),
    "EXTRA_PROPERTY": _NOTHING,
    "NON_OBJECT_EXTRAS": _NOTHING,
    "UNUSED_": Advice("everybody downloads it, nobody sees it", "roomscale pack leaves it out"),
    # Images and sounds
    "IMAGE_": _IMAGE,
    "IMAGE_MIME_TYPE_INVALID": Advice("some viewers leave the image out", _BY_FIX),
    "IMAGE_NON_ENABLED_MIME_TYPE": Advice(
        "many viewers leave the image out", "save it as PNG, JPEG or WebP", _BLENDER_IMAGES
    ),
    "IMAGE_NPOT_DIMENSIONS": _NOTHING,
    "IMAGE_FEATURES_UNSUPPORTED": Advice("its colours may be off a little", "save it as sRGB, without a profile"),
    "IMAGE_TOO_LARGE": Advice("phones end the page", "make it 2,048 × 2,048 at most", "Image › Resize"),
    "IMAGE_TEXT_BOMB": _BOMB,
    "IMAGES_TOO_LARGE": Advice(
        "phones and desktops end the page", "make images smaller, or use fewer", "Image › Resize"
    ),
    "AUDIO_UNRECOGNIZED_FORMAT": Advice("it is silent", "save it as MP3, Ogg, M4A or WAV"),
    # The world
    "NO_SPAWN_POINT": Advice(
        "visitors arrive where the browser thinks best",
        "name a node spawn, or give it OMI_spawn_point",
        "Add › Empty, name it spawn, its foot on the floor; the glTF export keeps names",
    ),
    "SPAWN_POINT_": _ARRIVAL,
    "SPAWN_POINT_NOT_SHOWN": Advice("visitors do not arrive there", "put its node into the scene that is shown"),
    "ARRIVAL_NOT_CHECKED": Advice("nobody knows before somebody visits", "try it: roomscale up FILE"),
    "COLLIDER": _COLLIDER,
    "COLLIDER_CANNOT_MOVE": Advice("it falls through the floor", "give it a convex or a box collider"),
    "WORLD_TOO_": _SCALE,
    "WORLD_SCALE_": _SCALE,
    "WORLD_FILE_": _WORLD_FILE,
    "INVALID_TOML": _WORLD_FILE,
    "AUTHORED_": Advice("it has no effect", "correct the custom property, or the line in world.toml"),
    # Budgets
    "BUDGET_": _HEAVY,
    "BUDGET_FILE_BYTES": Advice("it takes long to come in", "roomscale pack makes it smaller"),
    "BUDGET_ENTRY_BYTES": Advice("one waits long before anything is seen", "make the scene's own meshes lighter"),
    "BUDGET_TRIANGLES": Advice(
        "frames are dropped: one walks in jerks", "decimate what is far away or small", _BLENDER_MODIFIERS
    ),
    "BUDGET_DRAWS": Advice("frames are dropped", "join what shares a material", "select, then Object › Join (Ctrl+J)"),
    "BUDGET_TEXTURE_BYTES": Advice("phones end the page", "make images smaller, or use fewer", "Image › Resize"),
    "BUDGET_LARGEST_EDGE": Advice("phones end the page", "make that image smaller", "Image › Resize"),
    "BUDGET_LIGHTS": Advice("frames are dropped", "bake lights into a lightmap, or into emission", "Render › Bake"),
    "ENTRY_NOT_KNOWN": Advice(
        "one waits for the entry before anything is seen", "roomscale pack, then check its folder"
    ),
    # Packages
    "PACKAGE_": Advice("the world opens, or gets sharper, for nobody", _PACK_AGAIN),
    "PACKAGE_FILE_SUPERFLUOUS": Advice("nobody downloads it", "remove it; roomscale pack removes what it made itself"),
    "PACKAGE_TOO_LARGE": _HEAVY,
    "PACKAGE_ENTRY_LEVEL": Advice("one waits longer than needed before anything is seen", _PACK_AGAIN),
    "PACKAGE_PART_SIZE": Advice("some devices take another level than they should", _PACK_AGAIN),
    "PART_MISMATCH": Advice("what the part should sharpen stays coarse", _PACK_AGAIN),
    "UNKNOWN_VERSION": Advice("nobody can open the package here", "update Roomscale"),
    "MANIFEST_TOO_LARGE": _HEAVY,
    # What we say of ourselves
    "KHRONOS_VALIDATOR_": Advice("nothing: our own checks have judged the file", "nothing has to be done"),
    "MENDED_": _NOTHING,
}
"""Code, or beginning of codes → advice."""

ANY = Advice("viewers may show it differently", _EXPORT_AGAIN)
"""For codes of a newer validator."""


def advice_on(finding: Finding) -> Advice:
    """What a finding means and how it is mended, its own hint first."""
    code = finding.code
    general = next((ADVICE[code[:end]] for end in range(len(code), 0, -1) if code[:end] in ADVICE), ANY)
    return Advice(general.meaning, finding.hint or general.mend, general.blender)
