/**
 * What can go wrong between us and a homeserver, as three classes that callers tell apart.
 *
 * Rule: `HomeserverAway` is worth waiting for, `RateLimited` says how long, `MatrixError` is an answer.
 */

/** The homeserver answered, and the answer is no. */
export class MatrixError extends Error {
  constructor(
    readonly status: number,
    readonly errcode: string,
    message: string,
    /** `soft_logout` of a 401: the device still exists. */
    readonly softLogout = false,
  ) {
    super(message);
    this.name = "MatrixError";
  }

  /** Whether the access token is no longer one. */
  get unknownToken(): boolean {
    return this.status === 401 && (this.errcode === "M_UNKNOWN_TOKEN" || this.errcode === "M_MISSING_TOKEN");
  }
}

/** The homeserver asks us to come later. */
export class RateLimited extends Error {
  constructor(
    /** Milliseconds until it makes sense to ask again. */
    readonly retryAfterMs: number,
  ) {
    super(`the homeserver is busy; again in ${Math.ceil(retryAfterMs / 1000)} s`);
    this.name = "RateLimited";
  }
}

/** No usable answer: unreachable, timed out, or a proxy saying so (502, 503, 504). */
export class HomeserverAway extends Error {
  constructor(reason: string) {
    super(`the homeserver cannot be reached (${reason})`);
    this.name = "HomeserverAway";
  }
}
