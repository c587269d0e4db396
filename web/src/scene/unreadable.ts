/** The one error of a scene: the entry cannot be shown at all. Its message is one line for the visitor. */
export class SceneUnreadable extends Error {
  override readonly name = "SceneUnreadable";
}
