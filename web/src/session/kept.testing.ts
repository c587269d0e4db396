/**
 * A cache as browsers have one, in memory.
 *
 * Rule: it is as strict as theirs: names become addresses of this site, order is that of putting, and bytes are copies.
 */
import type { PartCache } from "./kept";

export class FakeCache implements PartCache {
  readonly entries = new Map<string, Uint8Array<ArrayBuffer>>();
  /** What every call raises, if anything: a full disk, a private window. */
  broken: Error | null = null;

  async match(request: RequestInfo | URL): Promise<Response | undefined> {
    this.check();
    const bytes = this.entries.get(address(request));
    return bytes === undefined ? undefined : new Response(bytes);
  }

  async put(request: RequestInfo | URL, response: Response): Promise<void> {
    this.check();
    const bytes = new Uint8Array(await response.arrayBuffer());
    this.entries.delete(address(request));
    this.entries.set(address(request), bytes);
  }

  async delete(request: RequestInfo | URL): Promise<boolean> {
    this.check();
    return this.entries.delete(address(request));
  }

  async keys(): Promise<readonly Request[]> {
    this.check();
    return [...this.entries.keys()].map((url) => new Request(url));
  }

  private check(): void {
    if (this.broken !== null) throw this.broken;
  }
}

function address(request: RequestInfo | URL): string {
  return request instanceof Request ? request.url : new URL(request, "https://example.org/w/here").href;
}
