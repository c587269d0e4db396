/** The page for a visit that is over or cannot begin: what happened, and what to do. */
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Ending } from "../session/endings";
import { useActions, useCountdown, useStore } from "./actions";
import { Mark } from "./icons";
import { Picture } from "./picture";

const LABELS = { again: "Enter again", reload: "Load again", start: "See the open worlds" } as const;

export function EndingPage({ ending }: { ending: Ending }): JSX.Element {
  const actions = useActions();
  const world = useStore((state) => state.world);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), [ending]);
  const act = (): void => (ending.action === "start" || ending.action === null ? actions.goTo("/") : actions.again());
  return (
    <div class="entry">
      <div class="entry-back" aria-hidden="true">
        <Picture src={world?.thumbnail ?? null} seed={world?.roomId ?? ending.code} />
      </div>
      <main class="entry-card ending" data-code={ending.code}>
        <div class="entry-text">
          <Mark />
          <h1 ref={heading} tabIndex={-1}>
            {ending.title}
          </h1>
          <p class="ending-text">{ending.text}</p>
          {ending.againAfterS !== undefined && <AgainSoon seconds={ending.againAfterS} />}
          <div class="ending-buttons">
            {ending.path !== undefined ? (
              <a class="button primary" href={ending.path}>
                Go there
              </a>
            ) : (
              <button class="primary" type="button" onClick={act}>
                {LABELS[ending.action ?? "start"]}
              </button>
            )}
            {ending.action !== "start" && (
              <a class="button quiet" href="/">
                {LABELS.start}
              </a>
            )}
          </div>
        </div>
      </main>
    </div>
  );
}

function AgainSoon({ seconds }: { seconds: number }): JSX.Element {
  const actions = useActions();
  const until = useRef(Date.now() + seconds * 1_000);
  const left = useCountdown(until.current);
  useEffect(() => {
    const timer = setTimeout(() => actions.again(), seconds * 1_000);
    return () => clearTimeout(timer);
  }, [seconds]);
  return <p class="banner">Trying again in {left} s</p>;
}
