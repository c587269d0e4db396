/** The help overlay: the keys, and what the world's scene had to say for itself. */
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { useInterface, useStore } from "./actions";
import { CloseIcon } from "./icons";

const KEYS: readonly (readonly [readonly string[], string])[] = [
  [["W", "A", "S", "D"], "Walk (arrow keys too)"],
  [["Shift"], "Run"],
  [["Space"], "Jump"],
  [["Mouse"], "Drag to look around; double-click (or L) to look freely"],
  [["V"], "First or third person"],
  [["E"], "Sit down, stand up"],
  [["T"], "Write a message (Enter too)"],
  [["P"], "Who is here"],
  [["G"], "Wave"],
  [["Esc"], "Back to the world, or free the mouse"],
];

/** A modal dialog on the native element, so that focus stays inside and Esc closes it. */
export function Dialog(props: { title: string; onClose: () => void; children: ComponentChildren }): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const element = dialog.current;
    if (element && !element.open) element.showModal();
  }, []);
  return (
    <dialog ref={dialog} class="dialog" aria-label={props.title} onClose={props.onClose}>
      <header class="dialog-head">
        <h2 autoFocus tabIndex={-1}>
          {props.title}
        </h2>
        <button type="button" class="plain" aria-label="Close" onClick={() => dialog.current?.close()}>
          <CloseIcon />
        </button>
      </header>
      {props.children}
    </dialog>
  );
}

export function Help(): JSX.Element {
  const { store, actions } = useInterface();
  const notes = useStore((state) => state.notes);
  const close = (): void => {
    store.set({ help: false });
    actions.steer(true);
  };
  return (
    <Dialog title="How to move" onClose={close}>
      <dl class="keys">
        {KEYS.map(([keys, meaning]) => (
          <div key={meaning}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
      <p class="dialog-note">On a touch screen: the left half of the screen walks, the right half looks around, a tap jumps.</p>
      {notes.length > 0 && (
        <details class="notes">
          <summary>Notes about this world and connection ({notes.length})</summary>
          <ul>
            {notes.map((note, index) => (
              <li key={index}>{note}</li>
            ))}
          </ul>
        </details>
      )}
    </Dialog>
  );
}

/** Asks before a portal leads out into the web. */
export function LeavingDialog(): JSX.Element | null {
  const { store, actions } = useInterface();
  const to = useStore((state) => state.leavingTo);
  if (!to) return null;
  const close = (): void => {
    store.set({ leavingTo: null });
    actions.steer(true);
  };
  return (
    <Dialog title={to.title || "A door to the web"} onClose={close}>
      <p class="dialog-note">This portal leads out of the worlds, to:</p>
      <p class="dialog-address">{to.host}</p>
      <div class="ending-buttons">
        <a class="button primary" href={to.url} target="_blank" rel="noopener noreferrer" onClick={close}>
          Open it in a new tab
        </a>
        <button type="button" class="quiet" onClick={close}>
          Stay here
        </button>
      </div>
    </Dialog>
  );
}
