/** The start page: which worlds this host has open, and how many people are in each. */
import type { JSX } from "preact";
import type { WorldSummary } from "../config";
import { useStore } from "./actions";
import { Mark } from "./icons";
import { insideText, Picture } from "./picture";

export function StartPage(): JSX.Element {
  const worlds = useStore((state) => state.worlds);
  const away = useStore((state) => state.gateAway);
  const host = useStore((state) => state.config?.serverName ?? "");
  return (
    <div class="start">
      <header class="start-head">
        <Mark />
        <h1>Roomscale</h1>
        <p>Worlds to walk in, with everybody who has the link.</p>
      </header>
      <main>
        <h2 class="visually-hidden">Open worlds</h2>
        {away && (
          <p class="banner" role="status">
            The world server does not answer. Trying again by itself…
          </p>
        )}
        {worlds === null && !away && <Skeletons />}
        {worlds?.length === 0 && (
          <div class="empty">
            <h2>No world is open yet</h2>
            <p>
              Publish one with <code>roomscale publish scene.glb</code>, and it appears here.
            </p>
          </div>
        )}
        {worlds !== null && worlds.length > 0 && (
          <ul class="worlds">
            {worlds.map((world) => (
              <li key={world.roomId}>
                <WorldCard world={world} />
              </li>
            ))}
          </ul>
        )}
      </main>
      <footer class="start-foot">
        <p>
          Each world is a Matrix room{host === "" ? "" : ` on ${host}`}. You enter as a guest; nothing here is tracked.
        </p>
      </footer>
    </div>
  );
}

function WorldCard({ world }: { world: WorldSummary }): JSX.Element {
  return (
    <a class="world-card" href={world.link}>
      <Picture src={world.thumbnail} seed={world.roomId} />
      <div class="world-card-text">
        <h3>{world.name}</h3>
        {world.topic !== "" && <p>{world.topic}</p>}
        <p class={world.visitors > 0 ? "inside-pill lively" : "inside-pill"}>{insideText(world.visitors)}</p>
      </div>
    </a>
  );
}

function Skeletons(): JSX.Element {
  return (
    <ul class="worlds" aria-busy="true" aria-label="Looking for worlds">
      {[0, 1].map((key) => (
        <li key={key}>
          <div class="world-card skeleton">
            <div class="picture" />
            <div class="world-card-text">
              <span class="bone wide" />
              <span class="bone" />
            </div>
          </div>
        </li>
      ))}
    </ul>
  );
}
