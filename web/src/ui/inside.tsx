/** What lies over the world while one is in it: a bar, a panel, the last words, the status. */
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { useInterface, useStore, type Interface } from "./actions";
import { ChatDock } from "./chat";
import { Help, LeavingDialog } from "./help";
import { ChatIcon, CloseIcon, HelpIcon, LeaveIcon, LinkIcon, PeopleIcon, WaveIcon } from "./icons";
import { closePanel, openHelp, openPanel } from "./panels";
import { People } from "./people";
import { Toasts } from "./toasts";

export function Inside(): JSX.Element {
  const { store, actions } = useInterface();
  const panel = useStore((state) => state.panel);
  const help = useStore((state) => state.help);
  const hint = useStore((state) => state.hint);
  const away = useStore((state) => state.phase === "reconnecting");
  useEffect(() => {
    const listener = (event: KeyboardEvent): void => key(event, { store, actions });
    addEventListener("keydown", listener);
    return () => removeEventListener("keydown", listener);
  }, []);
  return (
    <div class={`inside ${away ? "reconnecting" : ""}`}>
      <Bar />
      <Toasts />
      {panel === "people" && <PeoplePanel />}
      {hint !== null && <p class="hint">{hint}</p>}
      <ChatDock />
      {help && <Help />}
      <LeavingDialog />
    </div>
  );
}

/** Keys of the interface; those of the world are the world's. */
function key(event: KeyboardEvent, { store, actions }: Interface): void {
  const target = event.target as Element | null;
  const typing = target?.matches("input, textarea, select, button, a, summary, [role=log]") ?? false;
  const { help, leavingTo, panel } = store.get();
  if (typing || help || leavingTo || event.ctrlKey || event.metaKey || event.altKey || event.repeat) {
    if (event.key === "Escape" && panel && !help && !leavingTo) closePanel({ store, actions });
    return;
  }
  const chosen = { t: "chat", enter: "chat", p: "people", h: "help", "?": "help", g: "wave", escape: "close" }[event.key.toLowerCase()];
  if (chosen === undefined) return;
  if (chosen === "wave") return actions.wave();
  if (chosen === "close") return panel ? closePanel({ store, actions }) : undefined;
  event.preventDefault(); // the T that opens the chat is not its first letter
  if (chosen === "help") openHelp({ store, actions });
  else openPanel({ store, actions }, chosen as "chat" | "people");
}

function Bar(): JSX.Element {
  const ui = useInterface();
  const name = useStore((state) => state.world?.name ?? "");
  const count = useStore((state) => state.people.length);
  const panel = useStore((state) => state.panel);
  const unread = useStore((state) => state.unread);
  const toggle = (which: "chat" | "people"): void => (panel === which ? closePanel(ui) : openPanel(ui, which));
  const copy = async (): Promise<void> => {
    const done = await ui.actions.copyLink();
    ui.store.toast(done ? "The link to this world is copied." : location.href, { kind: "good", key: "link" });
  };
  return (
    <header class="bar-top">
      <div class="bar-left">
        <h1 class="world-name">{name}</h1>
        <PathNote />
      </div>
      <nav class="buttons" aria-label="World">
        <button type="button" aria-pressed={panel === "people"} title="Who is here (P)" onClick={() => toggle("people")}>
          <PeopleIcon />
          <span class="count">{count}</span>
          <span class="visually-hidden">{count === 1 ? "person" : "people"} here</span>
        </button>
        <button type="button" aria-pressed={panel === "chat"} aria-label="Chat" title="Chat (T)" onMouseDown={(event) => event.preventDefault()} onClick={() => toggle("chat")}>
          <ChatIcon />
          {unread > 0 && <span class="unread">{Math.min(unread, 99)}</span>}
        </button>
        <button type="button" class="roomy" aria-label="Wave" title="Wave (G)" onClick={() => ui.actions.wave()}>
          <WaveIcon />
        </button>
        <button type="button" class="roomy" aria-label="Copy the link to this world" title="Copy the link" onClick={() => void copy()}>
          <LinkIcon />
        </button>
        <button type="button" aria-label="Help" title="Help (H)" onClick={() => openHelp(ui)}>
          <HelpIcon />
        </button>
        <button type="button" aria-label="Leave" title="Leave" onClick={() => ui.actions.leave()}>
          <LeaveIcon />
        </button>
      </nav>
    </header>
  );
}

/** Said once to whoever listens, and seen by whoever looks: this connection is the slower one. */
function PathNote(): JSX.Element {
  const slower = useStore((state) => state.slower);
  return (
    <p class="path-note" role="status" aria-live="polite" title="This network lets no UDP through">
      {slower && <span>Slower connection</span>}
    </p>
  );
}

function PeoplePanel(): JSX.Element {
  const ui = useInterface();
  return (
    <section class="panel" aria-label="Who is here">
      <header class="panel-head">
        <h2>Who is here</h2>
        <button type="button" class="plain" aria-label="Close" onClick={() => closePanel(ui)}>
          <CloseIcon />
        </button>
      </header>
      <People />
    </section>
  );
}
