/** A part that is what the manifest says and still cannot be put in its place; a lower level may. For the notes. */
export class PartUnusable extends Error {
  override readonly name = "PartUnusable";
}
