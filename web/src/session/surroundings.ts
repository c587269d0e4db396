/**
 * What is around the visitor: the scene that the room names, those that follow it, and the parts that sharpen each.
 *
 * Rule: parts come once one is inside, for the scene that stands and is named; while another is on its way, none do.
 */
import type { MatrixHttp } from "../matrix/http";
import { sameMedia, type Mxc } from "../matrix/media";
import type { WorldState } from "../matrix/world_state";
import { chooseLevel, thisDevice } from "../scene/package/level";
import type { LoadReport, World } from "../world";
import type { Announcer } from "./announcer";
import { SceneFollower } from "./following";
import { KeptParts } from "./kept";
import { Parts, type PartsState } from "./parts";
import { loadScene, type SceneHandlers } from "./scene";

export interface SurroundingsHandlers extends SceneHandlers {
  /** Whether the world server has welcomed us. */
  inside(): boolean;
  note(line: string): void;
}

/** The scene that stands, and who changes it. */
interface Standing {
  readonly world: World;
  readonly report: LoadReport;
  readonly scene: Mxc;
  readonly parts: Parts;
}

/** The level of detail for this device, unless the address says another. */
function levelOf(world: World): number {
  return chooseLevel(thisDevice(world.stats().largestTexture), new URLSearchParams(location.search).get("level"));
}

export class Surroundings {
  private standing: Standing | null = null;
  private follower: SceneFollower | null = null;

  constructor(
    private readonly http: MatrixHttp,
    /** What the room names. */
    private readonly named: () => Pick<WorldState, "scene" | "manifest">,
    private readonly announce: Announcer,
    private readonly handlers: SurroundingsHandlers,
    private readonly life: AbortSignal,
  ) {}

  get world(): World | null {
    return this.standing?.world ?? null;
  }

  /** What was found in the scene that stands. */
  get report(): LoadReport | null {
    return this.standing?.report ?? null;
  }

  get parts(): PartsState | null {
    return this.standing?.parts.state ?? null;
  }

  /** The first scene; raises `Over` when it cannot be shown. */
  async load(opening: Promise<World>): Promise<World> {
    const { http, handlers, life } = this;
    const { scene } = this.named();
    const report = await loadScene(http, scene, opening, handlers, life);
    const world = await opening;
    const parts = new Parts(http, world, levelOf(world), new KeptParts(), (line) => handlers.note(line), life);
    const shown = (report: LoadReport, scene: Mxc): void => this.stands({ world, report, scene, parts });
    shown(report, scene);
    this.follower = new SceneFollower(http, world, scene, this.announce, { shown, note: (line) => handlers.note(line) }, life);
    return world;
  }

  /** One is inside, or the room may name something else: shows that, and sharpens what stands. */
  renew(): void {
    this.sharpen();
    void this.follower?.follow(this.named().scene);
  }

  private stands(standing: Standing): void {
    this.standing = standing;
    this.sharpen();
    for (const note of standing.report.notes) this.handlers.note(note);
  }

  private sharpen(): void {
    if (this.standing === null || !this.handlers.inside()) return;
    const { report, scene, parts } = this.standing;
    const { scene: wanted, manifest } = this.named();
    if (sameMedia(scene, wanted)) parts.begin(report.stage, scene, manifest);
    else parts.end();
  }
}
