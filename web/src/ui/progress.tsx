/** How entering goes: what is happening, how far it is, and what is being waited for. */
import type { JSX } from "preact";
import type { AppState, Loading, Waiting } from "../session/state";
import { useCountdown, useStore } from "./actions";

const STAGES: Readonly<Record<Loading["stage"], string>> = {
  download: "Fetching the scene",
  reading: "Unpacking the scene",
  textures: "Hanging up the pictures",
  colliders: "Making the ground solid",
  shaders: "Mixing the light",
  ready: "Nearly there",
};

const WAITS: Readonly<Record<Waiting["why"], string>> = {
  busy: "Many people are coming in. You are in line",
  homeserver: "The homeserver does not answer. Trying again",
  gate: "The world server does not answer. Trying again",
  server: "The world server does not answer yet. Trying again",
  full: "This world is full. Trying again",
};

function headline(phase: AppState["phase"], loading: Loading): string {
  if (phase === "joining") return "Opening the door";
  if (phase === "calling") return "Meeting the others";
  return STAGES[loading.stage];
}

/** 0–1 over the whole way in; null: no telling. */
function wholePart(phase: AppState["phase"], loading: Loading): number | null {
  if (phase === "joining") return 0.03;
  if (phase === "calling") return 0.97;
  return loading.part === null ? null : 0.05 + 0.9 * loading.part;
}

function megabytes(bytes: number): string {
  return (bytes / 1_000_000).toFixed(1);
}

export function Progress(): JSX.Element {
  const phase = useStore((state) => state.phase);
  const loading = useStore((state) => state.loading);
  const waiting = useStore((state) => state.waiting);
  const part = wholePart(phase, loading);
  const percent = part === null ? undefined : Math.round(part * 100);
  const downloading = phase === "loading" && loading.stage === "download" && loading.bytes > 0;
  return (
    <div class="progress">
      <p class="progress-head">
        <span role="status">{headline(phase, loading)}…</span>
        {percent !== undefined && <span class="progress-percent">{percent} %</span>}
      </p>
      <progress class="bar" aria-label="Entering the world" max={100} {...(percent !== undefined && { value: percent })} />
      <p class="progress-more">
        {downloading && `${megabytes(loading.bytes)}${loading.total > 0 ? ` of ${megabytes(loading.total)}` : ""} MB`}
      </p>
      {waiting && <WaitingLine waiting={waiting} />}
    </div>
  );
}

export function WaitingLine({ waiting }: { waiting: Waiting }): JSX.Element {
  const seconds = useCountdown(waiting.until);
  return (
    <p class="banner waiting">
      <span role="status">{WAITS[waiting.why]}</span>
      <span aria-hidden="true">{seconds > 0 ? ` in ${seconds} s` : "…"}</span>
    </p>
  );
}
