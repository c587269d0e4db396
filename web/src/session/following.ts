/**
 * The room names another scene while somebody is inside: it is fetched and put up around them.
 *
 * Rule: the old scene stands until the new one does, and stays when the new one cannot be shown; of several changes the
 * newest wins. Nothing of it stops the visit.
 */
import type { MatrixHttp } from "../matrix/http";
import { sameMedia, type Mxc } from "../matrix/media";
import type { LoadReport, World } from "../world";
import type { Announcer } from "./announcer";
import { Over } from "./endings";
import { loadScene } from "./scene";

export interface FollowerHandlers {
  shown(report: LoadReport, scene: Mxc): void;
  note(line: string): void;
}

const QUIET = { loading: () => undefined, waiting: () => undefined };

export class SceneFollower {
  private turn = new AbortController();

  constructor(
    private readonly http: MatrixHttp,
    private readonly world: World,
    /** The scene that stands, or is on its way. */
    private scene: Mxc,
    private readonly announce: Pick<Announcer, "sceneChanged" | "sceneStays">,
    private readonly handlers: FollowerHandlers,
    private readonly life: AbortSignal,
    private readonly load: typeof loadScene = loadScene,
  ) {}

  /** Shows `scene` in place of the one that stands. */
  async follow(scene: Mxc): Promise<void> {
    if (sameMedia(this.scene, scene)) return;
    this.scene = scene;
    this.turn.abort();
    this.turn = new AbortController();
    const signal = AbortSignal.any([this.life, this.turn.signal]);
    try {
      const report = await this.load(this.http, scene, Promise.resolve(this.world), QUIET, signal);
      if (signal.aborted) return;
      this.handlers.shown(report, scene);
      this.announce.sceneChanged();
    } catch (error) {
      if (signal.aborted) return;
      this.handlers.note(`new scene: ${error instanceof Over ? error.ending.text : String(error)}`);
      this.announce.sceneStays();
    }
  }
}
