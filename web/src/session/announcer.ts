/**
 * What is said to somebody who is inside, while it goes on: the words, and how long they stay.
 *
 * Rule: each kind of news has one key, so that the newer replaces the older, and what passed is taken back.
 */
import type { Store } from "./state";

export class Announcer {
  constructor(
    private readonly store: Store,
    /** Opens this page anew and enters at once. */
    private readonly reenter: () => void,
  ) {}

  lost(): void {
    this.store.toast("The connection is gone. Looking for a way back…", { kind: "warning", key: "path", stays: true });
  }

  /** The path stands; `again`: it had been lost. */
  connected(again: boolean): void {
    this.store.clearToast("path");
    if (again) this.store.toast("You are back.", { kind: "good", key: "back" });
  }

  homeserver(away: boolean): void {
    if (!away) return this.store.toast("Chat works again.", { kind: "good", key: "homeserver" });
    const text = "The homeserver is away: you can walk on, chat waits until it is back.";
    this.store.toast(text, { kind: "warning", key: "homeserver", stays: true });
  }

  notice(code: number, text: string): void {
    this.store.toast(text || "The world server goes down soon.", { kind: "warning", key: `notice${code}` });
  }

  sceneChanged(): void {
    this.store.toast("The world has changed around you.", { key: "scene" });
  }

  sceneStays(): void {
    const action = { label: "Try again", run: this.reenter };
    this.store.toast("This world has a new scene that cannot be shown: the old one stays.", { kind: "warning", key: "scene", action });
  }

  newClient(): void {
    const action = { label: "Load it", run: this.reenter };
    this.store.toast("There is a newer version of this page.", { key: "client", stays: true, action });
  }

  goingTo(title: string): void {
    this.store.toast(`Going to ${title || "another world"}…`, { key: "portal", stays: true });
  }

  deadPortal(): void {
    this.store.toast("This portal leads nowhere that can be opened from here.", { key: "portal" });
  }
}
