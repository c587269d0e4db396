/**
 * Every way in which a visit ends or cannot begin, in words for the visitor.
 *
 * Rule: a page says what happened, whether it can be mended, and what to do; texts from others (a reason given
 * by a moderator) are shown as text, cleaned and capped.
 */
import { HomeserverAway, MatrixError } from "../matrix/errors";
import { cleanBody } from "../matrix/json";
import type { WorldProblem } from "../matrix/world_state";
import { GOODBYE } from "../netcode/messages";

export interface Ending {
  /** Short name for tests and the hook. */
  readonly code: string;
  readonly title: string;
  readonly text: string;
  /** What the main button does. */
  readonly action: "again" | "reload" | "start" | null;
  /** Tried again by itself after this many seconds. */
  readonly againAfterS?: number;
  /** Path to offer instead (a world that moved). */
  readonly path?: string;
}

/** The visit cannot go on, and this page says why. */
export class Over extends Error {
  constructor(readonly ending: Ending) {
    super(ending.title);
    this.name = "Over";
  }
}

function ending(code: string, title: string, text: string, action: Ending["action"] = "start"): Ending {
  return { code, title, text, action };
}

export const NO_WEBGL = ending(
  "no_webgl",
  "This browser cannot draw in 3D",
  "WebGL 2 is missing or switched off. Switch hardware acceleration on in the browser's settings, or try another browser: current versions of Chrome, Firefox, Edge and Safari all can.",
  "reload",
);
export const NO_WEBRTC = ending(
  "no_webrtc",
  "This browser cannot connect to the others",
  "WebRTC is missing or switched off, perhaps by an extension or a privacy setting. Allow it for this page, or try another browser.",
  "reload",
);
export const UNKNOWN_WORLD = ending(
  "unknown_world",
  "There is no such world here",
  "The link may be mistyped, or the world has been closed. These are the worlds that are open.",
);
export const GATE_AWAY = ending(
  "gate_away",
  "The world server does not answer",
  "It may be starting, or your connection is gone. This page tries again by itself.",
  "reload",
);
export const NO_GUESTS = ending(
  "no_guests",
  "This world takes no guests",
  "Whoever owns it lets in only people with an account who have been invited.",
);
export const SERVER_LOST = ending(
  "internal",
  "Something in this page went wrong",
  "It is our mistake, not yours. Loading the page again usually helps.",
  "reload",
);

/** A banned visitor cannot come in; the homeserver says so with 403. */
export const BANNED = ending("banned", "You are banned from this world", "Its moderators decided that you may not enter.");

/** The homeserver's or the gate's view of the room no longer has us in it. */
export const NO_LONGER_JOINED = ending(
  "kicked",
  "You are no longer in this world",
  "You were taken out of its room, perhaps while you were away.",
  "again",
);

/** The page for a no of the homeserver on the way in. */
export function matrixEnding(error: MatrixError): Ending {
  if (error.errcode === "M_GUEST_ACCESS_FORBIDDEN" || /guest/i.test(error.message)) return NO_GUESTS;
  if (/\bban/i.test(error.message)) return BANNED; // Synapse: "You are banned from this room"; there is no code for it
  if (error.status === 403) return { ...NO_GUESTS, code: "forbidden", title: "You may not enter this world" };
  return ending("homeserver", "The homeserver said no", cleanBody(error.message, 300), "reload");
}

export function sceneUnreadable(reason: string): Ending {
  return ending("scene", "This world's scene cannot be shown", cleanBody(reason, 300));
}

export function worldProblem(problem: WorldProblem, pathOf: (roomId: string) => string): Ending {
  switch (problem.kind) {
    case "not_a_world":
      return ending("not_a_world", "This room is not a world", "It is a chat room with no scene to walk in.");
    case "no_scene":
      return ending("no_scene", "This world is empty", "Nobody has published a scene for it yet.");
    case "bad_scene":
      return ending("bad_scene", "This world's scene cannot be opened", "Its address in the room's state is not one that can be fetched.");
    case "no_server":
      return ending("no_server", "Nobody serves this world", "The room names no world server, so nobody could be seen in it.");
    case "moved":
      return { ...ending("moved", "This world has moved", problem.reason || "It goes on in another room."), path: pathOf(problem.roomId) };
  }
}

/** The page for a GOODBYE, or null when coming back is the right answer to it. */
export function goodbyeEnding(code: number, reason: string): Ending | null {
  const said = cleanBody(reason, 300);
  switch (code) {
    case GOODBYE.serverStopping:
    case GOODBYE.silent:
      return null;
    case GOODBYE.kicked:
      return ending("kicked", "You were asked to leave", said || "A moderator took you out of this world.", "again");
    case GOODBYE.banned:
      return said === "" ? BANNED : { ...BANNED, text: said };
    case GOODBYE.worldFull:
      return { ...ending("full", "This world is full", "As soon as somebody leaves there is room for you.", "again"), againAfterS: 15 };
    case GOODBYE.replaced:
      return ending("replaced", "You are here in another tab", "The newer one took over. Only one at a time can be you.", "again");
    case GOODBYE.protocolError:
      return ending("protocol", "The connection was closed", "The world server did not understand this client.", "reload");
    case GOODBYE.version:
      return ending("version", "This page is out of date", "The world server has been renewed. Load the page again to get the newer client.", "reload");
    default:
      return ending("left", "You have left", said || "You are no longer in this world.", "again");
  }
}

/** The page for a refused call (`m.call.hangup`), or null when it is worth trying again. */
export function refusalEnding(reason: string): Ending | null {
  switch (reason) {
    case "org.roomscale.banned":
      return BANNED;
    case "org.roomscale.full":
      return goodbyeEnding(GOODBYE.worldFull, "");
    default:
      return null; // not_joined: join again; busy, homeserver_away: later; bad_offer: a fresh one
  }
}

/** The page for whatever ended a visit; what it does not say in full is noted. */
export function endingOf(error: unknown, note: (line: string) => void): Ending {
  if (error instanceof Over) return error.ending;
  if (error instanceof MatrixError) return matrixEnding(error);
  note(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
  return error instanceof HomeserverAway ? { ...SERVER_LOST, text: error.message } : SERVER_LOST;
}
