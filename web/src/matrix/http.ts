/**
 * One call of the client-server API over fetch.
 *
 * Rule: the access token travels in the Authorization header and nowhere else; every failure is one of the
 * three classes in `errors.ts` (or the caller's own abort).
 */
import { HomeserverAway, MatrixError, RateLimited } from "./errors";
import { integer, recordOr, text, type Json } from "./json";

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export interface CallOptions {
  readonly body?: unknown;
  readonly query?: Readonly<Record<string, string | number | readonly string[] | undefined>>;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds until an unanswered call counts as "away". */
  readonly timeoutMs?: number;
  /** Let the request outlive the page (`pagehide`). */
  readonly keepalive?: boolean;
}

/** A call that takes longer than this is as good as no answer; long polls ask for more. */
const CALL_TIMEOUT_MS = 20_000;
/** A server that says 429 with no time is asked again after this. */
const DEFAULT_RETRY_MS = 2_000;
const LONGEST_RETRY_MS = 10 * 60_000;

/** A homeserver's base URL, and the token of whoever is calling. */
export class MatrixHttp {
  token: string | null = null;

  constructor(
    readonly baseUrl: string,
    private readonly fetchImpl: Fetch = (url, init) => fetch(url, init),
  ) {}

  /** Calls `path` (below `/_matrix/client`) and returns the JSON object of the answer. */
  async call(method: string, path: string, options: CallOptions = {}): Promise<Json> {
    const response = await this.raw(method, `/_matrix/client${path}`, options);
    try {
      return recordOr(await response.json());
    } catch (error) {
      options.signal?.throwIfAborted();
      throw new HomeserverAway(error instanceof SyntaxError ? "its answer was not JSON" : "its answer broke off");
    }
  }

  /** As `call`, but returns the response, whose body has not been read. `path` is below the base URL. */
  async raw(method: string, path: string, options: CallOptions = {}): Promise<Response> {
    const url = this.baseUrl + path + queryString(options.query ?? {});
    const headers: Record<string, string> = {};
    if (this.token !== null) headers["authorization"] = `Bearer ${this.token}`;
    if (options.body !== undefined) headers["content-type"] = "application/json";
    const timeout = AbortSignal.timeout(options.timeoutMs ?? CALL_TIMEOUT_MS);
    let response: Response;
    try {
      response = await this.fetchImpl(url, {
        method,
        headers,
        signal: options.signal ? AbortSignal.any([options.signal, timeout]) : timeout,
        credentials: "omit",
        referrerPolicy: "no-referrer",
        ...(options.body !== undefined && { body: JSON.stringify(options.body) }),
        ...(options.keepalive === true && { keepalive: true }),
      });
    } catch {
      options.signal?.throwIfAborted();
      throw new HomeserverAway(timeout.aborted ? "no answer in time" : "no connection");
    }
    if (response.ok) return response;
    throw await failure(response);
  }
}

async function failure(response: Response): Promise<Error> {
  const body = recordOr(await response.json().catch(() => undefined));
  const errcode = text(body["errcode"], 255) ?? "M_UNKNOWN";
  if (response.status === 429 || errcode === "M_LIMIT_EXCEEDED") {
    const header = Number(response.headers.get("retry-after") ?? "") * 1000;
    const asked = integer(body["retry_after_ms"], 0, Number.MAX_SAFE_INTEGER) ?? (header > 0 ? header : DEFAULT_RETRY_MS);
    return new RateLimited(Math.min(Math.max(asked, 100), LONGEST_RETRY_MS));
  }
  const fromProxy = response.status === 502 || response.status === 503 || response.status === 504;
  if (fromProxy && errcode !== "M_RESOURCE_LIMIT_EXCEEDED") return new HomeserverAway(`status ${response.status}`);
  const message = text(body["error"], 500) ?? `status ${response.status}`;
  return new MatrixError(response.status, errcode, message, body["soft_logout"] === true);
}

function queryString(query: NonNullable<CallOptions["query"]>): string {
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value === undefined) continue;
    for (const one of Array.isArray(value) ? (value as readonly string[]) : [String(value)]) parameters.append(key, one);
  }
  const encoded = parameters.toString();
  return encoded === "" ? "" : `?${encoded}`;
}
