/**
 * The scene: from its address in the room's state to a world that stands.
 *
 * Rule: progress is one number that only grows: the download is its first part, the building its second.
 */
import { MatrixError } from "../matrix/errors";
import type { MatrixHttp } from "../matrix/http";
import { download, type Mxc } from "../matrix/media";
import type { LoadReport, World } from "../world";
import { Over, sceneUnreadable } from "./endings";
import { persist } from "./persist";
import type { Loading, Waiting } from "./state";

/** The download's part of the whole; the rest is reading, textures, colliders and shaders. */
const DOWNLOAD_PART = 0.6;
/** A server that does not say how large a scene is: a guess for the bar's pace, in bytes. */
const GUESSED_BYTES = 4_000_000;

export interface SceneHandlers {
  loading(loading: Loading): void;
  waiting(waiting: Waiting | null): void;
}

/** Downloads the scene and puts it up; raises Over when it cannot be shown. */
export async function loadScene(
  http: MatrixHttp,
  mxc: Mxc,
  world: Promise<World>,
  handlers: SceneHandlers,
  signal: AbortSignal,
): Promise<LoadReport> {
  const entry = await fetchEntry(http, mxc, handlers, signal);
  const bytes = entry.byteLength;
  const standing = await world;
  try {
    return await standing.load(entry, ({ done, total, stage }) => {
      const built = total > 0 ? Math.min(done / total, 1) : 0;
      handlers.loading({ stage, part: DOWNLOAD_PART + (1 - DOWNLOAD_PART) * built, bytes, total: bytes });
    });
  } catch (error) {
    signal.throwIfAborted();
    throw new Over(sceneUnreadable(error instanceof Error ? error.message : ""));
  }
}

async function fetchEntry(http: MatrixHttp, mxc: Mxc, handlers: SceneHandlers, signal: AbortSignal): Promise<ArrayBuffer> {
  try {
    return await persist(
      () =>
        download(
          http,
          mxc,
          ({ got, total }) => {
            const part = total > 0 ? got / total : 1 - Math.exp(-got / GUESSED_BYTES);
            handlers.loading({ stage: "download", part: DOWNLOAD_PART * part, bytes: got, total });
          },
          { signal },
        ),
      (waiting) => handlers.waiting(waiting),
      signal,
    );
  } catch (error) {
    if (!(error instanceof MatrixError) || error.unknownToken) throw error;
    const gone = error.status === 404 ? "The scene's file is gone from the homeserver." : error.message;
    throw new Over(sceneUnreadable(gone));
  }
}
