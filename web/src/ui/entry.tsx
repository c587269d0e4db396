/** The entry card: which world, who is in it, your name and look, Enter; then how entering goes. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { AvatarChoice } from "../config";
import { useActions, useStore } from "./actions";
import { ArrowIcon, Mark } from "./icons";
import { insideText, Picture } from "./picture";
import { Progress } from "./progress";

const LONGEST_NAME = 32;

export function EntryPage(): JSX.Element {
  const world = useStore((state) => state.world);
  const phase = useStore((state) => state.phase);
  const away = useStore((state) => state.gateAway);
  const seed = world?.roomId ?? "";
  return (
    <div class="entry">
      <div class="entry-back" aria-hidden="true">
        <Picture src={world?.thumbnail ?? null} seed={seed} />
      </div>
      <a class="entry-home" href="/">
        <Mark /> Roomscale
      </a>
      <main class="entry-card">
        <div class="entry-picture">
          <Picture src={world?.thumbnail ?? null} seed={seed} alt={world ? `A view of ${world.name}` : ""} />
          {world && <InsidePill count={world.visitors} />}
        </div>
        <div class="entry-text">
          <h1>{world?.name ?? (away ? "Looking for the world…" : "\u00a0")}</h1>
          {world && world.topic !== "" && <p class="entry-topic">{world.topic}</p>}
          {away && (
            <p class="banner" role="status">
              The world server does not answer. Trying again by itself…
            </p>
          )}
          {phase === "title" ? <EntryForm ready={world !== null} /> : <Progress />}
        </div>
      </main>
    </div>
  );
}

function InsidePill({ count }: { count: number }): JSX.Element {
  return (
    <p class={count > 0 ? "inside-pill lively" : "inside-pill"} role="status">
      {insideText(count)}
    </p>
  );
}

function EntryForm({ ready }: { ready: boolean }): JSX.Element {
  const actions = useActions();
  const avatars = useStore((state) => state.avatars);
  const [name, setName] = useState(() => actions.remembered().name);
  const [avatar, setAvatar] = useState(() => actions.remembered().avatar);
  const [dice] = useState(() => Math.random()); // who has not chosen yet need not look like everybody else
  const any = avatars[Math.floor(dice * avatars.length)]?.id ?? "";
  const chosen = avatars.some((one) => one.id === avatar) ? avatar : any;
  const submit = (event: Event): void => {
    event.preventDefault();
    if (ready) actions.enter(name, chosen);
  };
  return (
    <form class="entry-form" onSubmit={submit}>
      <label class="field">
        <span>Your name</span>
        <input
          id="name"
          name="name"
          type="text"
          autocomplete="nickname"
          autocapitalize="words"
          spellcheck={false}
          maxLength={LONGEST_NAME}
          placeholder="What shall the others call you?"
          value={name}
          onInput={(event) => setName(event.currentTarget.value)}
        />
      </label>
      {avatars.length > 0 && <AvatarField avatars={avatars} chosen={chosen} choose={setAvatar} />}
      <button class="primary enter" type="submit" disabled={!ready}>
        Enter <ArrowIcon />
      </button>
      <p class="entry-note">As a guest: no account needed, and your microphone stays off.</p>
    </form>
  );
}

function AvatarField(props: { avatars: readonly AvatarChoice[]; chosen: string; choose: (id: string) => void }): JSX.Element {
  return (
    <fieldset class="avatars">
      <legend>Your look</legend>
      <div class="avatar-row">
        {props.avatars.map((avatar, index) => (
          <label key={avatar.id} class={`avatar ${avatar.id === props.chosen ? "chosen" : ""}`}>
            <input
              type="radio"
              name="avatar"
              value={avatar.id}
              checked={avatar.id === props.chosen}
              onChange={() => props.choose(avatar.id)}
            />
            <Portrait avatar={avatar} index={index} />
            <span>{avatar.name}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

/** The avatar's portrait: the gate's if it has one, else drawn here once the 3D part is loaded. */
function Portrait({ avatar, index }: { avatar: AvatarChoice; index: number }): JSX.Element {
  const [src, setSrc] = useState(avatar.picture);
  useEffect(() => {
    if (avatar.picture !== null) return;
    let gone = false;
    import("./portrait").then(({ portraitOf }) => portraitOf(avatar.url)).then(
      (url) => (gone ? undefined : setSrc(url)),
      () => undefined, // the letter stays
    );
    return () => {
      gone = true;
    };
  }, [avatar]);
  if (src !== null) return <img class={`portrait tint-${index % 8}`} src={src} alt="" />;
  return (
    <span class={`portrait tint-${index % 8}`} aria-hidden="true">
      {avatar.name[0]}
    </span>
  );
}
